"""`sched-emulator record`: a reverse proxy that records what passes, and the deliveries that pass by it."""

import asyncio
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from sched_emulator import files
from sched_emulator.recording.lines import Delivery, Exchange
from sched_emulator.recording.writer import Writer
from sched_emulator.server import logs, starting
from sched_emulator.server.recorder import begun

from . import LOOPBACK, framing
from .environment import exempts
from .passing import Passing, Way
from .proxy import Upstream

ATTEMPT = "x-infrai-attempt"
WHO = "sched-emulator record"


@dataclass(frozen=True, slots=True)
class Target:
    """Where something is passed on to: its URL, without a slash at its end, and the way there."""

    url: str
    way: Way

    @classmethod
    def of(cls, url: str, environment: Mapping[str, str]) -> "Target":
        """Return the target at an http or https URL. ValueError with a sentence about the environment's proxy."""
        parts = urlsplit(url)
        assert parts.hostname is not None  # it begins a URL
        tls = parts.scheme == "https"
        port = parts.port or (443 if tls else 80)
        context = ssl.create_default_context() if tls else None
        proxy = Upstream.of(environment) if tls and not exempts(environment, parts.hostname) else None
        prefix = parts.path.rstrip("/")
        way = Way(parts.hostname, port, context, proxy, parts.netloc, prefix)
        return cls(f"{parts.scheme}://{parts.netloc}{prefix}", way)

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine."""
        return self.way.host in LOOPBACK


@dataclass(frozen=True, slots=True)
class Receiving:
    """Where deliveries arrive, and where they are passed on to; `known_as` begins their URLs for who sends them."""

    port: int
    receiver: Target
    known_as: str | None = None


@dataclass(frozen=True, slots=True)
class Recorder:
    """What is recorded, and where to."""

    target: Target
    out: Path
    port: int
    port_file: Path | None = None
    receiving: Receiving | None = None
    redact: tuple[str, ...] = ()

    async def run(self, complain: Callable[[str], object]) -> bool:
        """Record until SIGTERM or Ctrl-C; say whether the recording is whole. UsageError, RecordingError."""
        logs.to_stderr("text")
        logs.watch(asyncio.get_running_loop())
        starting.allow_many_files()
        async with AsyncExitStack() as stack:
            sockets = _listening(stack, self.port)
            url = _url(sockets[0])
            deliveries = [] if self.receiving is None else _listening(stack, self.receiving.port)
            arriving = [_url(each) for each in deliveries[:1]]
            receivers = tuple(arriving if self.receiving is None else [self.receiving.known_as or arriving[0]])
            writer = begun(self.out, self.target.url, receivers=receivers, redact=self.redact, complain=complain)
            stack.callback(writer.close)
            await _serve(stack, Passing(self.target.way, writer.exchange, WHO), sockets)
            if self.receiving is not None:
                tell = partial(_deliver, writer, receivers[0])
                await _serve(stack, Passing(self.receiving.receiver.way, tell, WHO), deliveries)
            await self._until_stopped(url, arriving, receivers)
        starting.announce(summary(writer))
        return writer.is_whole

    async def _until_stopped(self, url: str, arriving: list[str], receivers: tuple[str, ...]) -> None:
        stopped = asyncio.Event()
        starting.on_signal(partial(asyncio.get_running_loop().call_soon_threadsafe, stopped.set))
        said = f"Recording what passes from {url} to {self.target.url}, in {self.out}.\n"
        if not self.target.is_local:
            said += "Its calls are real, and cost what they cost.\n"
        said += f"\n  export INFRAI_BASE_URL={url}/v1/scheduling\n\n"
        if self.receiving is not None:
            said += f"Deliveries that come to {arriving[0]} are passed on to {self.receiving.receiver.url}"
            said += f", as those of {receivers[0]}.\n"
        starting.announce(said)
        if self.port_file is not None:
            files.write(self.port_file, url.rpartition(":")[2], "--port-file")
        await stopped.wait()


def summary(writer: Writer) -> str:
    """Say what was recorded."""
    exchanges = f"{writer.exchanges} exchange{'' if writer.exchanges == 1 else 's'}"
    deliveries = f"{writer.deliveries} deliver{'y' if writer.deliveries == 1 else 'ies'}"
    return f"{exchanges} and {deliveries} are recorded in {writer.path}{'' if writer.is_whole else ', more is not'}\n"


def without_version(url: str) -> str:
    """Return the URL of a gateway for one that may name the version, or the API, as INFRAI_BASE_URL does."""
    return re.sub(r"/v1(/[^/]*)?/?$", "", url)


def _listening(stack: AsyncExitStack, port: int) -> list[socket.socket]:
    return [stack.enter_context(each) for each in starting.listen("localhost", port)]


def _url(listening: socket.socket) -> str:
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


async def _serve(stack: AsyncExitStack, passing: Passing, sockets: list[socket.socket]) -> None:
    stack.push_async_callback(passing.close)
    for each in sockets:
        server = await asyncio.start_server(passing.accept, sock=each, limit=framing.HEAD_BYTES)
        stack.callback(server.close)


def _deliver(writer: Writer, known_as: str, exchange: Exchange) -> None:
    """Record an exchange with a receiver as the delivery that it was."""
    attempt = next((value for name, value in exchange.headers if name.lower() == ATTEMPT), "")
    writer.delivery(
        Delivery(
            at_ms=exchange.sent_at_ms,
            url=known_as.rstrip("/") + exchange.path,
            headers=exchange.headers,
            body=exchange.body,
            attempt=int(attempt) if re.fullmatch("[0-9]{1,9}", attempt) else None,
            status=exchange.status,
            error=exchange.error,
        )
    )
