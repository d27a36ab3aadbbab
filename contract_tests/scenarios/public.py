"""Discovery and the account, two other modules of the vendor: where a target offers them, what they say."""

from sched_emulator.contract import Api, Group, NotChecked, Reply, routes

discovery = Group("discovery", aspect="shape")
account = Group("account", aspect="shape")
NOT_OFFERED = frozenset({401, 404})


def offered(api: Api, path: str, *, keyed: bool) -> Reply:
    """Read a path of another module; NotChecked where the target does not offer it."""
    reply = api.send("GET", path, headers={} if keyed else {"Authorization": None})
    if reply.status in NOT_OFFERED:
        raise NotChecked(f"{path} is not offered: it answered {reply.status}")
    came = f"{path} answered {reply.status}: {reply.text[:120]}"
    api.expects("http.public", reply.status == 200 and isinstance(reply.body, dict), came, "200 with an object")
    return reply


def member(value: object, name: str) -> object:
    """Return a member of what should be an object, None where it has none."""
    return value.get(name) if isinstance(value, dict) else None


@discovery.choice(1, "discovery.list", writes=False)
def lists_everything(api: Api) -> None:
    """Discovery needs no key and lists every documented operation with its method and path."""
    capabilities = member(offered(api, "/v1/discovery", keyed=False).body, "capabilities")
    listed = {member(item, "id"): item for item in capabilities} if isinstance(capabilities, list) else {}
    for name, described in routes().items():
        if not name.startswith(("discovery", "account")):
            found = listed.get(described.operation_id) or listed.get(name)
            told = f"the method that discovery lists for {name}"
            api.expects_equal("http.public", member(found, "method"), described.method, told)


@discovery.choice(2, "discovery.get", "discovery.get:capability", writes=False)
def describes_each(api: Api) -> None:
    """Discovery describes one operation, and answers 404 for one that is not there."""
    reply = offered(api, "/v1/discovery/scheduling.queue.publish", keyed=False)
    api.expects_equal("http.public", member(reply.body, "method"), "POST", "the method of queue.publish")
    absent = api.send("GET", "/v1/discovery/scheduling.queue.invent", headers={"Authorization": None})
    api.expects_equal("http.statuses", absent.status, 404, "the status for an operation that is not there")


@account.choice(1, "account.balance", writes=False)
def balance(api: Api) -> None:
    """The balance is a number of US dollars."""
    found = member(offered(api, "/v1/account/balance", keyed=True).data, "balance_usd")
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    api.expects("http.public", is_number, f"balance_usd was {found!r}", "balance_usd is a number")
