"""A relay that is as far from its target as a gateway on the internet: requests take a while."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit


@contextmanager
def far_away(target: str, round_trip_seconds: float) -> Iterator[str]:
    """Serve a target at another address of this machine, behind a round trip of so many seconds; yield its URL."""
    there = urlsplit(target)

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(65536):
            await asyncio.sleep(round_trip_seconds / 2)
            writer.write(chunk)
            await writer.drain()
        writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_read, to_write = await asyncio.open_connection(there.hostname, there.port)
        await asyncio.gather(carry(reader, to_write), carry(to_read, writer), return_exceptions=True)

    async def serve(started: asyncio.Future[str], over: asyncio.Event) -> None:
        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        loop.call_soon(started.set_result, f"http://127.0.0.1:{port}")
        await over.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    loop = asyncio.new_event_loop()
    started, over = loop.create_future(), asyncio.Event()
    known = threading.Event()
    started.add_done_callback(lambda _: known.set())
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(started, over),), daemon=True)
    thread.start()
    known.wait(10)
    try:
        yield started.result()
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
