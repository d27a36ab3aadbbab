"""The baseline of `bench.publish`: an aiohttp handler that reads JSON and answers JSON, and does nothing else.

`python -m bench.bare PORT_FILE` serves on a free port until it is ended.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

from aiohttp import web


async def publish(request: web.Request) -> web.Response:
    """Answer what a publish answers."""
    body: dict[str, Any] = await request.json()
    assert body["queue"]
    return web.json_response({"ok": True, "data": {"message_id": "msg_000001"}, "error": None, "metadata": {}})


async def serve(port_file: Path) -> None:
    """Serve for ever; say where once it can be asked."""
    app = web.Application()
    app.router.add_post("/v1/scheduling/queue/publish", publish)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    beside = port_file.with_suffix(".tmp")
    beside.write_text(str(runner.addresses[0][1]))
    beside.replace(port_file)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
