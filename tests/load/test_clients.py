"""Many clients at once, and clients that misbehave: the others are served, and nothing is lost.

Nothing here has a time limit but the patience of the suite: what is shown is that answers come in between.
"""

import asyncio
import time
from collections import Counter
from random import Random
from typing import Any

import pytest

from tests.load.conftest import Serve
from tests.load.harness import Client, Json, request
from tests.soak import LOAD_SECONDS, seeds, sized

CLIENTS = 64
KEYS = 8
OPERATIONS = 20  # of each client, at least
MIB = 1024 * 1024
HOOK = "https://api.acme.com/hook"  # no receiver: captured


class Books:
    """What was published and acknowledged under one key, as its clients were told."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.published: set[str] = set()
        self.acked: Counter[str] = Counter()


class Worker:
    """A client that does one thing after another, by chance."""

    def __init__(self, client: Client, books: Books, chance: Random) -> None:
        self._client = client
        self._books = books
        self._chance = chance
        self._held: list[str] = []

    async def work(self, end: float) -> None:
        done = 0
        acts = (self.publish, self.batch, self.consume, self.consume, self.settle, self.cron, self.read, self.advance)
        while done < OPERATIONS or time.monotonic() < end:
            await self._chance.choice(acts)()
            done += 1

    async def ask(self, method: str, path: str, body: Any = None, *, also: int = 200) -> Json | None:
        """Send a request; return what it answers, None where that is the other status that is possible."""
        status, answer = await self._client.send(method, path, body, key=self._books.key)
        assert status in {200, also}, (method, path, answer)
        return answer if status == 200 else None

    async def publish(self) -> None:
        answer = await self.ask("POST", "/v1/queue/publish", {"queue": "q", "payload": {"n": 1}})
        assert answer is not None
        self._books.published.add(answer["data"]["message_id"])

    async def batch(self) -> None:
        messages = [{"payload": {"n": number}} for number in range(5)]
        answer = await self.ask("POST", "/v1/queue/publish_batch", {"queue": "q", "messages": messages})
        assert answer is not None
        self._books.published.update(answer["data"]["message_ids"])

    async def consume(self) -> None:
        answer = await self.ask("POST", "/v1/queue/consume", {"queue": "q", "max_messages": 4}, also=404)
        if answer is not None:
            self._held += [message["message_id"] for message in answer["data"]["messages"]]

    async def settle(self) -> None:
        while self._held:
            message_id = self._held.pop()
            body = {"queue": "q", "message_id": message_id}
            if self._chance.random() < 0.7:
                if await self.ask("POST", "/v1/queue/ack", body, also=404):
                    self._books.acked[message_id] += 1
            else:
                await self.ask("POST", "/v1/queue/nack", body, also=404)

    async def cron(self) -> None:
        answer = await self.ask("POST", "/v1/cron/create", {"name": "n", "schedule": "* * * * *", "url": HOOK})
        assert answer is not None
        cron_id = answer["data"]["cron_id"]
        await self.ask("POST", f"/v1/cron/trigger/{cron_id}", {})
        await self.ask("DELETE", f"/v1/cron/delete/{cron_id}")

    async def read(self) -> None:
        await self.ask("GET", "/v1/queue/stats/q", also=404)
        await self.ask("GET", "/v1/cron/list")
        await self.ask("GET", "/_emulator/deliveries")

    async def advance(self) -> None:
        await self.ask("POST", "/_emulator/clock/advance", {"seconds": 1}, also=409)


@pytest.mark.soak
async def test_many_clients_lose_nothing(serve: Serve) -> None:
    emulator = await serve()
    books = [Books(f"key_{number}") for number in range(KEYS)]
    end = time.monotonic() + LOAD_SECONDS
    async with emulator.client(CLIENTS) as client, emulator.client() as other:
        seed = seeds(1)[0]
        workers = [
            Worker(client, books[number % KEYS], Random(f"{seed} {number}"))  # noqa: S311 - chance, not secrets
            for number in range(CLIENTS)
        ]
        await asyncio.gather(*(worker.work(end) for worker in workers), other.is_served())
        for each in books:
            snapshot = await client.call("GET", "/_emulator/snapshot", key=each.key)
            kept = [message["message_id"] for message in snapshot["messages"]]
            assert len(kept) == len(set(kept))
            assert each.published == set(kept) | set(each.acked)  # nothing lost, nothing from nowhere
            assert not set(kept) & set(each.acked)
            assert set(each.acked.values()) <= {1}
    assert all(each.published and each.acked for each in books)


@pytest.mark.soak
async def test_idle_and_slow_connections_hold_nobody_up(serve: Serve) -> None:
    emulator = await serve()
    idle = [await emulator.connect() for _ in range(sized(200, 5000))]
    slow = [await emulator.connect() for _ in range(sized(50, 500))]
    whole = request("POST", "/v1/queue/publish", b'{"queue": "q", "payload": {"n": 1}}', key="slow")
    async with emulator.client() as client:
        for start, end in ((0, 1), (1, 30), (30, len(whole) - 10), (len(whole) - 10, len(whole) - 1)):
            for _, writer in slow:
                writer.write(whole[start:end])
            await client.is_served()
        for reader, writer in slow:
            writer.write(whole[-1:])
            assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        stats = await client.call("GET", "/v1/queue/stats/q", key="slow")
        assert stats["data"]["available"] == len(slow)
        for _, writer in idle + slow:
            writer.transport.abort()
        await client.is_served()


@pytest.mark.soak
async def test_pipelined_requests_are_answered_one_by_one_in_order(serve: Serve) -> None:
    emulator = await serve()
    count = sized(500, 20_000)
    reader, writer = await emulator.connect()

    async def read() -> list[int]:
        numbers = []
        for _ in range(count):
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
            length = next(line for line in head.splitlines() if line.startswith(b"Content-Length"))
            answer = await reader.readexactly(int(length.split(b":")[1]))
            numbers.append(int(answer.split(b"msg_")[1].split(b'"')[0]))
        return numbers

    reading = asyncio.ensure_future(read())
    async with emulator.client() as client:
        for _ in range(count):
            writer.write(request("POST", "/v1/queue/publish", b'{"queue": "q", "payload": {}}'))
        await client.is_served()
        assert await reading == list(range(1, count + 1))
    writer.transport.abort()


@pytest.mark.soak
async def test_clients_that_never_read_fill_nothing_and_hold_nobody_up(serve: Serve) -> None:
    emulator = await serve()
    async with emulator.client() as client:
        for _ in range(40):
            await client.call("POST", "/v1/queue/publish", {"queue": "q", "payload": {"t": "x" * 10_000}}, key="rude")
        await client.is_served()
        before = emulator.resident_bytes()
        deaf = []
        for _ in range(sized(20, 200)):
            _, writer = await emulator.connect()
            writer.write(request("GET", "/_emulator/requests") * 20)
            deaf.append(writer)
        await client.is_served(sized(20, 500))
        after = emulator.resident_bytes()
        for writer in deaf:
            writer.transport.abort()
        await client.is_served()
    if before is not None and after is not None:
        assert after - before < len(deaf) * 2 * MIB + 32 * MIB  # one answer each, not twenty


@pytest.mark.soak
async def test_a_sandbox_costs_little_in_the_process_too(serve: Serve) -> None:
    emulator = await serve()
    count = sized(500, 20_000)
    async with emulator.client(16) as client:
        for number in range(200):  # what all share is there from now on
            await client.call("GET", "/_emulator/clock", key=f"before_{number}")
        before = emulator.resident_bytes()
        for start in range(0, count, 16):
            calls = [client.call("GET", "/_emulator/clock", key=f"box_{start + more}") for more in range(16)]
            await asyncio.gather(*calls)
        after = emulator.resident_bytes()
        await client.is_served()
    if before is not None and after is not None:
        assert after - before < count * 15_000 + 2 * MIB
