"""Who may call: the key, and credit."""

from sched_emulator.contract import NO_BODY, Api, Group, Reply, require, routes

access = Group("access", aspect="access")
credit = Group("access/credit", aspect="access")
ALL = tuple(name for name in routes() if not name.startswith(("discovery", "account")))
ACCOUNT = tuple(name for name in routes() if name.startswith("account"))
LOOKED_FURTHER = frozenset({400, 404, 405, 409, 415, 422})  # what is answered when something else is looked at first


def unauthorized(api: Api, authorization: str | None) -> None:
    """Send every operation with this header; each is refused."""
    for name in api.some(ALL, 3):
        reply = api.looked_at(name, without_key(api, name, authorization))
        require(400 <= reply.status < 500, f"{name} answered {reply.status}: {reply.text[:120]}", f"{name} is refused")
        expects_unauthorized(api, name, reply)
    for name in api.some(ACCOUNT, 1) if api.curious else ():
        reply = without_key(api, name, authorization)
        if reply.status != 404:  # where it is offered
            expects_unauthorized(api, name, reply)


def without_key(api: Api, name: str, authorization: str | None) -> Reply:
    """Send an operation about what is not there, with this header."""
    described = routes()[name]
    path = described.path.replace("{id}", "no").replace("{queue}", "no").replace("{run_id}", "no")
    body = NO_BODY if described.method in {"GET", "DELETE"} else {}
    return api.send(described.method, path, body, headers={"Authorization": authorization})


def expects_unauthorized(api: Api, name: str, reply: Reply) -> None:
    """Demand softly that nothing but the key was looked at, and how it is told."""
    came = f"without a good key {name} answered {reply.status}"
    api.expects("http.key_first", reply.status not in LOOKED_FURTHER, came, "401")
    if reply.status not in LOOKED_FURTHER:
        api.expects("http.statuses", reply.status == 401, came, "401")
        api.expects_equal("http.error_codes", reply.error.get("code"), "UNAUTHORIZED", f"the code of {name}")


@access.documented(1, *ALL, lines=(10,), writes=False)
def no_key(api: Api) -> None:
    """Without the header Authorization every operation is refused."""
    unauthorized(api, None)


@access.documented(2, *ALL, lines=(10,), writes=False)
def malformed_key(api: Api) -> None:
    """A key that is none is refused by every operation."""
    unauthorized(api, "Bearer not-a-key-of-anybody")


@access.documented(3, "queue.list", lines=(10,), writes=False)
def no_key_after_the_scheme(api: Api) -> None:
    """A header with the scheme and no key is refused."""
    for header in api.some(("Bearer", "Bearer  "), 1):
        reply = api.send("GET", "/v1/scheduling/queue/list", headers={"Authorization": header})
        require(400 <= reply.status < 500, f"{header!r} was answered {reply.status}", "it is refused")
        api.expects("http.statuses", reply.status == 401, f"{header!r} was answered {reply.status}", "401")


@access.choice(4, "queue.list", writes=False)
def other_schemes(api: Api) -> None:
    """Other schemes than Bearer are refused, with a good key too."""
    for scheme in ("Basic", "Token"):
        reply = api.send("GET", "/v1/scheduling/queue/list", headers={"Authorization": f"{scheme} {api.key}"})
        came = f"the scheme {scheme} was answered {reply.status}"
        api.expects("http.other_schemes", 400 <= reply.status < 500, came, "it is refused")


@credit.documented(1, "queue.create", "account.balance", "account.topup", lines=(54,))
def without_credit(api: Api) -> None:
    """Without credit a write answers 402 with INSUFFICIENT_CREDIT."""
    api.set_balance(0)
    refused = api.refused("queue.create", 402, name=api.name())
    require(refused.status == 402, f"it answered {refused.status}", "402")
    require(refused.error.get("code") == "INSUFFICIENT_CREDIT", refused.text[:200], "the code INSUFFICIENT_CREDIT")
    read = api.attempt("queue.list")
    api.expects("account.credit", read.succeeded, f"queue.list answered {read.status}", "reads go on")
    raised = api.attempt("account.topup", amount_usd=5)
    api.expects(
        "account.credit", raised.succeeded, f"a top-up answered {raised.status}", "a top-up is no charged write"
    )
    if raised.succeeded:
        again = api.attempt("queue.create", name=api.name())
        api.expects("account.credit", again.succeeded, f"a write answered {again.status} afterwards", "a top-up helps")
