"""Discovery and the account: what is free to read."""

from sched_emulator.contract import Api, Group, equal, require, routes, shown

discovery = Group("discovery", aspect="shape")
account = Group("account", aspect="shape")


@discovery.choice(1, "discovery.list", writes=False)
def lists_everything(api: Api) -> None:
    """Discovery needs no key and lists every documented operation with its method and path."""
    reply = api.send("GET", "/v1/discovery", headers={"Authorization": None})
    require(
        reply.status == 200 and isinstance(reply.body, dict), f"it answered {reply.status}: {reply.text[:120]}", "200"
    )
    listed = {item["id"]: item for item in reply.body["capabilities"]}
    for name, described in routes().items():
        if name.startswith(("discovery", "account")):
            continue
        found = listed.get(described.operation_id) or listed.get(name, {})
        require(found, f"{name} is not listed", "every operation is listed")
        equal(found["method"], described.method, f"the method of {name}")


@discovery.choice(2, "discovery.get", "discovery.get:capability", writes=False)
def describes_each(api: Api) -> None:
    """Discovery describes one operation, and answers 404 for one that is not there."""
    reply = api.send("GET", "/v1/discovery/scheduling.queue.publish", headers={"Authorization": None})
    require(reply.status == 200, f"it answered {reply.status}: {reply.text[:120]}", "200")
    equal(reply.body["method"], "POST", "the method of queue.publish")
    absent = api.send("GET", "/v1/discovery/scheduling.queue.invent", headers={"Authorization": None})
    equal(absent.status, 404, "the status for an operation that is not there")


@account.choice(1, "account.balance", writes=False)
def balance(api: Api) -> None:
    """The balance is a number of US dollars."""
    data = api.call("account.balance")
    require(isinstance(data["balance_usd"], int | float), shown(data), "balance_usd is a number")
