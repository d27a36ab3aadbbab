"""Who may call: the key, and credit."""

from sched_emulator.contract import NO_BODY, Api, Failed, Group, NotChecked, require, routes

access = Group("access", aspect="access")
credit = Group("access/credit", aspect="access")
ALL = tuple(name for name in routes() if not name.startswith("discovery"))


def unauthorized(api: Api, authorization: str | None) -> None:
    """Send every operation with this header; each is refused with 401 before anything else is looked at."""
    for name in ALL:
        described = routes()[name]
        path = described.path.replace("{id}", "no").replace("{queue}", "no").replace("{run_id}", "no")
        body = NO_BODY if described.method == "GET" else {}
        reply = api.send(described.method, path, body, headers={"Authorization": authorization})
        if reply.status != 401:
            raise Failed(f"{name} answered {reply.status}: {reply.text[:120]}", "401 without a good key")
        api.looked_at(name, reply)
        api.expects_equal("http.error_codes", reply.error.get("code"), "UNAUTHORIZED", f"the code of {name}")


@access.documented(1, *ALL, lines=(10,), writes=False)
def no_key(api: Api) -> None:
    """Without the header Authorization every operation answers 401."""
    unauthorized(api, None)


@access.documented(2, *ALL, lines=(10,), writes=False)
def malformed_key(api: Api) -> None:
    """A key that is none is refused by every operation."""
    unauthorized(api, "Bearer not-a-key-of-anybody")


@access.documented(3, "queue.list", lines=(10,), writes=False)
def other_schemes(api: Api) -> None:
    """Other schemes than Bearer, with a good key too, and an empty key, are refused."""
    for header in (f"Basic {api.key}", f"Token {api.key}", "Bearer", "Bearer  "):
        reply = api.send("GET", "/v1/scheduling/queue/list", headers={"Authorization": header})
        require(reply.status == 401, f"{header.split()[0]} was answered {reply.status}", "401")


@credit.documented(1, "queue.create", "account.balance", "account.topup", lines=(55,))
def without_credit(api: Api) -> None:
    """Without credit a write answers 402 with INSUFFICIENT_CREDIT, a read still works, and a top-up helps."""
    api.set_balance(0)
    refused = api.refused("queue.create", 402, name=api.name())
    require(refused.error.get("code") == "INSUFFICIENT_CREDIT", refused.text[:200], "the code INSUFFICIENT_CREDIT")
    api.call("queue.list")
    api.call("account.topup", amount_usd=5)
    if api.call("account.balance")["balance_usd"] <= 0:
        raise NotChecked("the top-up has to be paid first")
    api.queue()
