"""Idempotency keys as clients send them: in the header, the body or the query, also at the same time."""

import asyncio

from tests.server.harness import Api

BODY = {"queue": "q", "payload": {"n": 1}}


async def publish(api: Api, *, header: str | None = None, body: str | None = None, query: str | None = None) -> str:
    """Publish with keys in these places and return the message's id."""
    headers = {} if header is None else {"Idempotency-Key": header}
    content = BODY if body is None else BODY | {"idempotency_key": body}
    path = "/v1/queue/publish" if query is None else f"/v1/queue/publish?idempotency_key={query}"
    response = await api.send("POST", path, content, headers=headers)
    return str((await response.json())["data"]["message_id"])


async def test_a_key_counts_wherever_it_is_sent(api: Api) -> None:
    assert await publish(api, header="k") == "msg_000001"
    assert await publish(api, body="k") == "msg_000001"
    assert await publish(api, query="k") == "msg_000001"


async def test_the_header_wins_over_the_body_and_the_body_over_the_query(api: Api) -> None:
    assert await publish(api, header="a") == "msg_000001"
    assert await publish(api, body="b") == "msg_000002"
    assert await publish(api, header="a", body="b", query="c") == "msg_000001"
    assert await publish(api, body="b", query="a") == "msg_000002"


async def test_a_replay_is_the_same_answer_with_a_fresh_request_id(api: Api) -> None:
    first = await api.envelope("queue.publish", BODY | {"idempotency_key": "k"})
    again = await api.envelope("queue.publish", BODY | {"idempotency_key": "k"})
    assert (again["status"], again["data"]) == (first["status"], first["data"])
    assert again["metadata"]["request_id"] != first["metadata"]["request_id"]


async def test_requests_that_race_with_one_key_do_one_thing(api: Api) -> None:
    ids = await asyncio.gather(*(publish(api, header="k") for _ in range(20)))
    assert set(ids) == {"msg_000001"}
    assert (await api.call("queue.stats", queue="q"))["available"] == 1


async def test_a_key_counts_per_operation_and_path(api: Api) -> None:
    for _ in range(2):
        await api.call("cron.create", {"name": "n", "schedule": "0 9 * * *", "url": "https://api.acme.com/x"})
    for cron_id in ("cron_000001", "cron_000002"):
        assert (await api.call("cron.pause", {"idempotency_key": "k"}, id=cron_id))["cron_id"] == cron_id
    assert (await api.call("cron.delete", {"idempotency_key": "k"}, id="cron_000001"))["deleted"] is True
    assert (await api.call("cron.delete", {"idempotency_key": "k"}, id="cron_000001"))["deleted"] is True


async def test_the_same_key_under_both_generations_of_paths_is_the_same_request(api: Api) -> None:
    first = await api.call("queue.publish", BODY | {"idempotency_key": "k"})
    assert await api.call("queue.publish", BODY | {"idempotency_key": "k"}, newer=True) == first


async def test_a_refused_request_is_not_remembered(api: Api) -> None:
    assert (await api.envelope("queue.purge", {"idempotency_key": "k"}, queue="q"))["status"] == 404
    await api.call("queue.create", {"name": "q"})
    assert await api.call("queue.purge", {"idempotency_key": "k"}, queue="q") == {"queue": "q", "purged": 0}


async def test_consume_is_never_deduplicated(api: Api) -> None:
    for _ in range(2):
        await api.call("queue.publish", BODY)
    headers = {"Idempotency-Key": "constant"}
    seen = []
    for _ in range(2):
        response = await api.send("POST", "/v1/queue/consume", {"queue": "q", "max_messages": 1}, headers=headers)
        seen += (await response.json())["data"]["messages"]
    assert [message["message_id"] for message in seen] == ["msg_000001", "msg_000002"]
