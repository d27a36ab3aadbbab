"""The server, put together by hand from top to bottom: spec, sandboxes, sender, handlers, sockets.

What the spec describes and what handlers exist must agree, or the server does not start.
"""

import asyncio
import contextlib
import gc
import logging
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import HttpVersion11, RawRequestMessage
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_request import BaseRequest

from sched_emulator import files
from sched_emulator.config import Config, reachable_host
from sched_emulator.core.dispatch import OPERATIONS
from sched_emulator.core.errors import SchedulingError
from sched_emulator.recording.writer import Writer

from . import discovery, logs, starting, told
from .api import Api
from .binding import Binding, bind, refuse_repeated
from .body import of_requests
from .connections import Server
from .control import PREFIX, Control
from .door import Door
from .http_errors import BodyTooLate, EncodedBody, ExpectationFailed, InternalError, MalformedBody, MalformedRequest
from .recorder import Folder, begun
from .replaying import GoneOn
from .sandboxes import Reader, Sandboxes
from .sender import Sender

YOUNG_OBJECTS = 10_000  # between garbage collections: what requests leave behind lives on, so looking is in vain
SINGLE_HEADERS = ("Expect", "Origin")  # of those that are read, what aiohttp does not look at
LONGEST_LINE_BYTES = 64 * 1024  # of a request line or header; beyond it aiohttp answers 400 by itself
BODY_SECONDS = 120  # for the body of a request
SHUTDOWN_SECONDS = 0.2  # what a request that is still answered gets
BANNER = """\
Infrai scheduling API   {url}/v1/scheduling
control API             {url}{control}
to look at              {url}{control}/ui/
{more}
A first request:
  curl {url}/v1/scheduling/queue/publish \\
    -H 'Authorization: Bearer ifr_local' -H 'Content-Type: application/json' \\
    -d '{{"queue": "orders", "payload": {{"order_id": "o_123"}}}}'
"""
log = logging.getLogger("sched_emulator")
Handler = Callable[[BaseRequest], Awaitable[web.StreamResponse]]


class App:
    """All that stands behind the sockets: both APIs, their sandboxes, and the sender of deliveries.

    `sender` stands for the one that opens connections, `reader` is told what happens. ValueError when the spec and the
    handlers do not agree.
    """

    def __init__(self, config: Config, sender: Sender | None = None, reader: Reader | None = None) -> None:
        binding = bind(config.answers)
        check_handlers(binding)
        self._sender = sender or Sender(
            delivery_timeout=config.delivery_timeout_seconds,
            only_loopback=config.deliver != "all",
            strict=config.strict_urls,
        )
        self.sandboxes = Sandboxes(config, self._sender, reader)
        door = Door(config)
        self._api = Api(door, self.sandboxes, binding, of_requests(config))
        self._control = Control(config, door, self.sandboxes)

    def handle(self, request: BaseRequest) -> Awaitable[web.StreamResponse]:
        """Answer any request; what is refused before an operation took it is answered here too."""
        return self._answer(request) if request.content.is_eof() else self._answer_what_comes(request)

    async def _answer_what_comes(self, request: BaseRequest) -> web.StreamResponse:
        """Answer a request whose body is still to come, for which nobody waits for ever."""
        given_up = asyncio.get_running_loop().call_later(BODY_SECONDS, _give_up, request.content)
        try:
            return await self._answer(request)
        finally:
            given_up.cancel()

    async def refuse_malformed(self, repeated: str | None) -> web.StreamResponse:
        """Answer what could not be read as a request, because of a header that is `repeated` or of anything else."""
        return self._api.refuse_malformed(MalformedRequest(repeated))

    async def _answer(self, request: BaseRequest) -> web.StreamResponse:
        target = target_of(request)
        face = self._control if self._control.takes(request.method, target) else self._api
        try:
            headers = request.headers
            if "Content-Encoding" in headers:
                raise EncodedBody  # noqa: TRY301 - a function for it would cost every request
            for name in SINGLE_HEADERS:
                if name in headers:
                    refuse_repeated(headers, name)
            if "Expect" in headers:
                await _let_send(request)
            return await face.answer(request, target)
        except SchedulingError as raised:
            error = raised.with_traceback(None)  # it would lead back here, and keep all on the way, the body too
        except _GivenUpError:
            error = BodyTooLate(f"the body must arrive within {BODY_SECONDS} s")
        except web.RequestPayloadError as raised:
            error = MalformedBody(f"the body must be readable: {str(raised).splitlines()[-1].strip()}")
        except ConnectionResetError:  # the client has gone: nobody reads an answer
            raise
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            error = InternalError("the emulator made a mistake")
        return await face.refuse(request, target, error)

    def runner(self, handler: Handler | None = None, **options: Any) -> web.ServerRunner:
        """Return what serves on sockets; `handler` stands for `handle`, `options` are those of `web.Server`."""
        timeout = options.pop("shutdown_timeout", SHUTDOWN_SECONDS)
        server = Server(
            handler or self.handle,
            self.refuse_malformed,
            request_factory=self._request,
            access_log=None,
            auto_decompress=False,
            logger=logs.connections,
            max_line_size=LONGEST_LINE_BYTES,
            max_field_size=LONGEST_LINE_BYTES,
            **options,
        )
        return _Runner(self, server, timeout)

    async def close(self) -> None:
        """Cancel everything under way."""
        self.sandboxes.abandon()
        if self.sandboxes.writer is not None:
            self.sandboxes.writer.close()
        await self._sender.close()

    def record(self, path: Path, target: str) -> Writer:
        """Record what is asked at `target`, and all that comes of it, into a new file. RecordingError."""
        self.sandboxes.writer = begun(path, target, complain=log.error)
        return self.sandboxes.writer

    def record_into(self, folder: Path, target: str) -> None:
        """Let sandboxes that are wanted to be recorded have a new file each, in a folder. OSError."""
        self.sandboxes.folder = Folder(folder, target, complain=log.error)

    def _request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: AbstractStreamWriter,
        task: "asyncio.Task[None]",
    ) -> BaseRequest:
        loop = task.get_loop()
        return BaseRequest(message, payload, protocol, writer, task, loop)


def target_of(request: BaseRequest) -> str:
    """Return path and query as they were sent, also when they came as a whole URL."""
    return request.raw_path if request.raw_path.startswith("/") else request.path_qs


class _Runner(web.ServerRunner):
    """Closes the application first, so that requests that wait for a delivery end."""

    def __init__(self, app: App, server: web.Server, shutdown_timeout: float) -> None:
        super().__init__(server, shutdown_timeout=shutdown_timeout)
        self._app = app

    async def shutdown(self) -> None:
        await self._app.close()


class _GivenUpError(TimeoutError):
    """Nobody waits for a body any more."""


def _give_up(body: StreamReader) -> None:
    """End the wait for a body that does not come."""
    if not body.is_eof():
        body.set_exception(_GivenUpError())


async def _let_send(request: BaseRequest) -> None:
    """Tell a client that asked first to go on and send its body."""
    if request.version == HttpVersion11:
        expected = request.headers["Expect"]
        if expected.lower() != "100-continue":
            raise ExpectationFailed(expected)
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    await request.writer.drain()


def check_handlers(binding: Binding) -> None:
    """Raise ValueError naming every operation without a function, and every function without an operation."""
    described = binding.operations.keys() - discovery.OPERATIONS.keys()
    complaints = [f"the operation {name} has no function" for name in sorted(described - OPERATIONS.keys())]
    complaints += [f"the function of {name} has no operation" for name in sorted(OPERATIONS.keys() - described)]
    if complaints:
        raise ValueError("openapi/scheduling.yaml and core/dispatch.py differ: " + "; ".join(complaints))


def serve(config: Config, going_on: Sequence[GoneOn] = ()) -> int:
    """Run the server until SIGTERM, Ctrl-C, or the end of standard input where the configuration says so.

    `going_on` are sandboxes that it begins with.
    UsageError when something that it needs is not to be had; ValueError when the spec and the handlers do not agree.
    """
    logs.to_stderr(config.log)
    starting.allow_many_files()
    gc.set_threshold(YOUNG_OBJECTS, 2, 2)
    gc.callbacks.append(_pass_over_what_stays)
    return asyncio.run(_serve(config, going_on))


def _pass_over_what_stays(phase: str, told: dict[str, int]) -> None:
    """Keep what has survived a whole collection out of all others.

    It is data, and goes when nothing refers to it. To look at all of it again and again would hold the loop for the
    longer the more there is.
    """
    if phase == "stop" and told["generation"] == 2:
        gc.freeze()


async def _serve(config: Config, going_on: Sequence[GoneOn]) -> int:
    logs.watch(asyncio.get_running_loop())
    teller = None if config.log == "quiet" else told.on_stdout(config.log)
    app = App(config, reader=teller)
    runner = app.runner()
    gc.freeze()  # what is there by now stays: no collection needs to look at it
    await runner.setup()
    sockets: list[socket.socket] = []
    try:
        sockets += starting.listen(config.host, config.port)
        for sandbox in going_on:
            app.sandboxes.go_on(sandbox)
        url = url_of(config, sockets[0].getsockname()[1])
        if config.record is not None:
            app.record(config.record, url)
        if config.record_dir is not None:
            app.record_into(config.record_dir, url)
        for listening in sockets:
            await web.SockSite(runner, listening).start()
        more = _told(config, going_on)
        await _run_until_stopped(config, sockets[0].getsockname()[1], teller, more)
    finally:
        if teller is not None:
            teller.close()
        await runner.cleanup()
        for listening in sockets:
            listening.close()
    return 0


def url_of(config: Config, port: int) -> str:
    """Return the URL at which a server is reached from this machine."""
    return f"http://{reachable_host(config.host)}:{port}"


def _told(config: Config, going_on: Sequence[GoneOn]) -> str:
    """Say in the banner what is recorded, and which sandboxes there are from the beginning."""
    recorded = "" if config.record is None else f"recorded in             {config.record}\n"
    return recorded + "".join(f"sandbox of the key      {sandbox.key}\n" for sandbox in going_on)


async def _run_until_stopped(config: Config, port: int, teller: told.Teller | None, more: str) -> None:
    stopped = asyncio.Event()
    stop = partial(asyncio.get_running_loop().call_soon_threadsafe, stopped.set)
    starting.on_signal(stop)
    if config.exit_with_stdin:
        threading.Thread(target=_stop_with_stdin, args=(stop,), daemon=True).start()
    if teller is not None:
        url = url_of(config, port)
        banner = BANNER.format(url=url, control=PREFIX, more=more)
        starting.announce(banner if config.log == "text" else told.started(url))
    if config.port_file is not None:
        files.write(config.port_file, str(port), "--port-file")
    telling = asyncio.ensure_future(stopped.wait() if teller is None else teller.tell())
    await stopped.wait()
    telling.cancel()


def _stop_with_stdin(stop: Callable[[], object]) -> None:
    starting.read_to_the_end()
    with contextlib.suppress(RuntimeError):  # the loop is closed: the server has stopped already
        stop()
