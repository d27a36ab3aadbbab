"""Receivers that misbehave: each ends its own attempt, the others are served meanwhile, and little is kept of them."""

import asyncio
import zlib
from contextlib import AsyncExitStack

import pytest

from tests.load.conftest import Serve
from tests.load.harness import Client
from tests.receivers import Behaviour, RudeReceiver, for_ever, rude_receiver
from tests.soak import sized

MIB = 1024 * 1024
OK = b"HTTP/1.1 200 OK\r\n"


async def stream_for_ever(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        await writer.drain()


async def headers_for_ever(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(OK)
    while True:
        writer.write(b"X-More: " + b"x" * 1000 + b"\r\n")
        await writer.drain()


async def redirect_in_circles(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    host, port = writer.get_extra_info("sockname")
    writer.write(f"HTTP/1.1 307 Round\r\nLocation: http://{host}:{port}/\r\nContent-Length: 0\r\n\r\n".encode())
    await writer.drain()
    await for_ever(reader, writer)


def bomb() -> bytes:
    """Return a short answer that says it is long once decompressed."""
    squeezing = zlib.compressobj(wbits=31)
    squeezed = b"".join(squeezing.compress(b" " * MIB) for _ in range(100)) + squeezing.flush()
    return OK + f"Content-Encoding: gzip\r\nContent-Length: {len(squeezed)}\r\n\r\n".encode() + squeezed


KINDS: dict[str, Behaviour | bytes] = {
    "hangs": for_ever,
    "streams for ever": stream_for_ever,
    "sends headers for ever": headers_for_ever,
    "redirects in circles": redirect_in_circles,
    "sends a bomb": bomb(),
    "sends no HTTP": b"\x00\xff" * 1000,
    "sends less than it says": OK + b"Content-Length: 1000\r\n\r\nhi",
    "says nothing": b"",
}


async def trigger(client: Client, url: str, key: str) -> None:
    body = {"name": "n", "schedule": "0 0 1 1 *", "url": url, "retries": 0}
    cron_id = (await client.call("POST", "/v1/cron/create", body, key=key))["data"]["cron_id"]
    await client.call("POST", f"/v1/cron/trigger/{cron_id}", {}, key=key)


@pytest.mark.soak
async def test_receivers_that_misbehave_hold_nobody_up_and_fill_nothing(serve: Serve) -> None:
    emulator = await serve("--delivery-timeout=1s")
    each = sized(3, 100)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(emulator.client(len(KINDS) + 4))
        receivers: dict[str, RudeReceiver] = {}
        for number, behaviour in enumerate(KINDS.values()):
            receiver = receivers[f"kind_{number}"] = await stack.enter_async_context(rude_receiver(behaviour))
            for _ in range(each):
                await trigger(client, receiver.url, f"kind_{number}")
        before = emulator.resident_bytes()
        advances = [
            asyncio.ensure_future(client.call("POST", "/_emulator/clock/advance", {"seconds": 3600}, key=key))
            for key in receivers
        ]
        await client.is_served(sized(20, 500))
        await asyncio.gather(*advances)
        for kind, (key, receiver) in zip(KINDS, receivers.items(), strict=True):
            entries = (await client.call("GET", "/_emulator/deliveries", key=key))["items"]
            assert len(entries) == each, kind
            assert {entry["outcome"] for entry in entries} <= {"delivered", "failed", "timeout"}, kind
            assert receiver.connections == each, kind  # no redirect is followed, nothing is sent twice
        after = emulator.resident_bytes()
        if before is not None and after is not None:
            assert after - before < 64 * MIB
