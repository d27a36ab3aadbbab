"""What a sandbox holds is shown whole, without consuming, counting or journaling anything."""

from tests.server.harness import Api, Start

URL = "https://api.acme.com/x"


async def test_looking_at_everything_leaves_no_trace(api: Api) -> None:
    await api.script("*", 200)
    await api.call("cron.create", {"name": "daily", "schedule": "0 9 * * *", "url": URL})
    await api.call("queue.publish", {"queue": "q", "payload": {"n": 1}})
    before = await api.snapshot()
    for path in ("crons", "tasks", "runs", "queues", "messages?queue=q", "messages?queue=q"):
        await api.control("GET", path)
    await api.control("POST", "schedules", {"schedules": [{"schedule": "0 9 * * *"}]})
    assert await api.snapshot() == before


async def test_a_cron_is_shown_with_its_next_and_last_fires(api: Api) -> None:
    await api.script("*", 200, 500)
    made = {"name": "daily", "schedule": "30 9 * * *", "timezone": "Europe/Berlin", "url": URL, "retries": 0}
    await api.call("cron.create", made)
    await api.advance(seconds=2 * 86_400)
    [cron] = (await api.control("GET", "crons"))["items"]
    assert cron["next"] == [f"2026-01-0{day}T08:30:00.000Z" for day in range(3, 8)]
    assert [(run["scheduled_at"], run["state"], run["name"]) for run in cron["last"]] == [
        ("2026-01-01T08:30:00.000Z", "succeeded", "daily"),
        ("2026-01-02T08:30:00.000Z", "failed", "daily"),
    ]
    await api.call("cron.pause", id=cron["cron_id"])
    [paused] = (await api.control("GET", "crons"))["items"]
    assert (paused["enabled"], paused["next"]) == (False, [])


async def test_a_cron_that_other_answers_make_impossible_shows_what_it_aims_at(api: Api) -> None:
    await api.call("cron.create", {"name": "s", "schedule": "45 0 9 31 * 0", "url": URL})
    await api.control("PUT", "assumptions", {"cron.seconds_position": "last"})
    [cron] = (await api.control("GET", "crons"))["items"]
    assert cron["next"] == ["2026-01-04T09:00:45.000Z"]  # which was aimed at before


async def test_messages_are_shown_by_place_with_their_instants(start: Start) -> None:
    api = await start(answers={"queue.dlq_consumable": "separate"})
    await api.call("queue.create", {"name": "dead", "type": "standard"})
    await api.call("queue.create", {"name": "q", "type": "standard", "dead_letter_queue": "dead", "max_retries": 0})
    for number in range(4):
        await api.call("queue.publish", {"queue": "q", "payload": {"n": number}, "delay_seconds": 60 * (number == 3)})
    first, _ = (await api.call("queue.consume", {"queue": "q", "max_messages": 2}))["messages"]
    await api.call("queue.nack", {"queue": "q", "message_id": first["message_id"], "requeue": False})
    shown = await api.control("GET", "messages?queue=q")
    assert [(item["payload"]["n"], item["place"], item.get("until", "")[11:19]) for item in shown["items"]] == [
        (1, "in_flight", "00:00:30"),
        (2, "available", ""),
        (3, "delayed", "00:01:00"),
        (0, "dead", ""),
    ]
    assert shown["total"] == 4
    queues = {item["queue"]: item for item in (await api.control("GET", "queues"))["items"]}
    assert [queues["q"][place] for place in ("available", "delayed", "in_flight", "dead")] == [1, 1, 1, 1]
    assert [queues[name].get("next_change_at", "")[11:19] for name in ("q", "dead")] == ["00:00:30", ""]


async def test_a_list_is_bounded_and_says_how_many_there_are(api: Api) -> None:
    for number in range(3):
        await api.call("task.schedule", {"task": URL, "run_at": f"2026-01-0{number + 2}T00:00:00Z"})
    for path in ("tasks", "runs"):
        answer = await api.control("GET", f"{path}?limit=2")
        assert ([item["run_id"] for item in answer["items"]], answer["total"]) == (["run_000003", "run_000002"], 3)
