"""The only code that opens outbound connections: one attempt of a delivery in, what became of it out.

Every address is checked at the moment it is connected to, in `_Guard.open`, by the very numbers that the kernel gets: a
name that resolves elsewhere the second time gains nothing. A name is refused as a whole if any of its addresses is. An
attempt takes no longer than its limit, never raises, sends its request at most once (a connection serves one request
and is closed), and keeps at most the first 4 KiB of the answer, then hangs up. A request has the headers given, `Host`,
`Content-Length` and `Connection: close`, nothing else.
"""

import asyncio
import errno
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Literal, NoReturn

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from sched_emulator.core import urls
from sched_emulator.core.records import Attempt
from sched_emulator.core.targets import KEPT_BYTES

NOT_HTTP = "the answer is not HTTP"

_log = logging.getLogger(__name__)

Kind = Literal["response", "timeout", "refused", "failed"]
Lookup = Callable[[str], Sequence[str]]

# What a failure is called, the first row that fits counts.
_FAILURES: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "the name does not resolve"),
    (aiohttp.ClientConnectorCertificateError, "the TLS certificate is not trusted"),
    (aiohttp.ClientSSLError, "the TLS handshake failed"),
    (aiohttp.ClientConnectorError, "no connection to the receiver"),
    (aiohttp.ClientResponseError, NOT_HTTP),
    (aiohttp.ClientPayloadError, "the answer broke off"),
    (Exception, "the connection was closed before an answer"),
)


@dataclass(frozen=True, slots=True)
class Receipt:
    """How an attempt ended.

    `response`: an answer came, with any `status`, its `headers` and the beginning of its body. Otherwise `error` says
    in a short sentence, the same for the same cause, why none came: not in time (`timeout`), no connection was accepted
    or allowed (`refused`), or another reason (`failed`).
    """

    kind: Kind
    status: int | None = None
    error: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body_excerpt: bytes = b""


def resolve_name(host: str) -> Sequence[str]:
    """Return the addresses that the system knows for a name. Blocks."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return list(dict.fromkeys(str(info[4][0]) for info in found))


class Sender:
    """Sends attempts over one aiohttp session, as many side by side as are asked for.

    With `only_loopback` nothing leaves this machine, not even a question to a name server; with `strict` nothing goes
    to this machine. `tls` stands for the certificates that the system trusts, `lookup` for the system's resolver.
    """

    def __init__(
        self,
        *,
        delivery_timeout: float = 10.0,
        only_loopback: bool = False,
        strict: bool = False,
        tls: ssl.SSLContext | None = None,
        lookup: Lookup = resolve_name,
    ) -> None:
        self._delivery_timeout = delivery_timeout
        self._only_loopback = only_loopback
        self._strict = strict
        self._tls = tls
        self._resolver = _Resolver(lookup)
        self._session: aiohttp.ClientSession | None = None

    async def send(self, attempt: Attempt) -> Receipt:
        """Post what an attempt says and say what came of it; an explicit route skips the checks of addresses."""
        limit = min(attempt.timeout_ms / 1000, self._delivery_timeout)
        guard = _Guard(only_loopback=self._only_loopback, strict=self._strict, exempt=attempt.routed)
        token = _guard.set(guard)
        try:
            async with asyncio.timeout(limit):
                url = URL(urls.canonical(attempt.url), encoded=True)
                return await self._exchange(url, attempt.headers, attempt.body.encode())
        except TimeoutError:
            return Receipt("timeout", error=f"timed out after {limit:g} s")
        except urls.UrlError as error:
            return Receipt("failed", error=error.message)
        except (aiohttp.ClientError, OSError) as error:
            return _failure(error) if guard.refusal is None else Receipt("refused", error=guard.refusal)
        except Exception as error:  # noqa: BLE001 - whatever a receiver provokes ends its own attempt, nothing else
            _log.warning("an attempt ended unexpectedly", exc_info=True)
            return Receipt("failed", error=f"the attempt ended unexpectedly ({type(error).__name__})")
        finally:
            guard.hang_up()
            _guard.reset(token)

    async def close(self) -> None:
        """Close the session: what is still under way fails."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _exchange(self, url: URL, headers: Mapping[str, str], body: bytes) -> Receipt:
        if self._session is None:
            self._session = _session(self._resolver, self._tls)
        answer = await self._post(self._session, url, headers, body)
        try:
            excerpt = await _excerpt(answer.content)
        finally:
            answer.close()
        if answer.status < 100:
            return Receipt("failed", error=NOT_HTTP)
        return Receipt("response", status=answer.status, headers=_kept(answer.headers), body_excerpt=excerpt)

    async def _post(
        self, session: aiohttp.ClientSession, url: URL, headers: Mapping[str, str], body: bytes
    ) -> aiohttp.ClientResponse:
        """Post to one address of localhost after the other: only a refused connection leads to the next."""
        guard = _guard.get()
        *others, last = _loopback_addresses() if urls.is_loopback_name(url.host or "") else ("",)
        for address in others:
            guard.loopback = address
            try:
                return await session.post(url, data=body, headers=headers, allow_redirects=False)
            except aiohttp.ClientConnectorError as error:
                if error.os_error.errno != errno.ECONNREFUSED:
                    raise
        guard.loopback = last
        return await session.post(url, data=body, headers=headers, allow_redirects=False)


class _RefusedAddressError(OSError):
    """An address that the attempt may not connect to; the guard keeps the reason."""


class _Guard:
    """What one attempt may connect to, and the sockets that it opened."""

    def __init__(self, *, only_loopback: bool, strict: bool, exempt: bool) -> None:
        self.only_loopback = only_loopback and not exempt
        self.strict = strict
        self.exempt = exempt
        self.loopback = ""
        self.refusal: str | None = None
        self._sockets: list[socket.socket] = []

    def refuse(self, reason: str) -> NoReturn:
        self.refusal = f"the address is refused: {reason}"
        raise _RefusedAddressError(self.refusal)

    def check(self, address: str) -> None:
        if self.exempt:
            return
        reason = urls.forbidden_address(address, strict=self.strict)
        if reason is not None:
            self.refuse(reason)
        if self.only_loopback and urls.address_kind(address) != "loopback":
            self.refuse("not on this machine")

    def open(self, info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        self.check(str(address[0]))
        opened = socket.socket(family, kind, protocol)
        self._sockets.append(opened)
        return opened

    def hang_up(self) -> None:
        """End what is still open, now: a receiver that does not read would hold a closing connection for ever."""
        for opened in self._sockets:
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)


_guard: ContextVar[_Guard] = ContextVar("guard")


class _Resolver(AbstractResolver):
    """Resolves the names of localhost by itself, others in a thread of their own: a slow one holds up no other."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 - aiohttp passes it; any will do
    ) -> list[ResolveResult]:
        guard = _guard.get()
        if guard.loopback:
            addresses: Sequence[str] = [guard.loopback]
        elif guard.only_loopback:
            guard.refuse("not on this machine")
        else:
            addresses = await _in_thread(self._lookup, host)
        for address in addresses:
            guard.check(address)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """Nothing is held."""


def _session(resolver: _Resolver, tls: ssl.SSLContext | None) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            resolver=resolver,
            use_dns_cache=False,
            ssl=tls or True,
            force_close=True,
            limit=0,
            socket_factory=lambda info: _guard.get().open(info),
        ),
        timeout=aiohttp.ClientTimeout(),  # none: `send` limits the whole
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        auto_decompress=False,
        read_bufsize=KEPT_BYTES,
    )


@cache
def _loopback_addresses() -> tuple[str, ...]:
    """Return the addresses of localhost, IPv6's where the machine has it."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return ("127.0.0.1",)
    return ("127.0.0.1", "::1")


async def _in_thread(lookup: Lookup, host: str) -> Sequence[str]:
    """Return what a lookup finds. Its thread is left behind when the attempt ends first, and never delays the exit."""
    found: Future[Sequence[str]] = Future()

    def work() -> None:
        if found.set_running_or_notify_cancel():
            try:
                found.set_result(lookup(host))
            except Exception as error:  # noqa: BLE001 - it is raised again where the answer is awaited
                found.set_exception(error)

    threading.Thread(target=work, name="resolve", daemon=True).start()
    return await asyncio.wrap_future(found)


async def _excerpt(content: aiohttp.StreamReader) -> bytes:
    kept = bytearray()
    async for chunk in content.iter_any():
        kept += chunk
        if len(kept) >= KEPT_BYTES:
            break
    return bytes(kept[:KEPT_BYTES])


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that fit into the bound; bytes that are no UTF-8 become question marks."""
    kept: dict[str, str] = {}
    room = KEPT_BYTES
    for name, value in headers.items():
        room -= len(name) + len(value)
        if room < 0:
            break
        shown = value.encode(errors="replace").decode()
        kept[name] = f"{kept[name]}, {shown}" if name in kept else shown
    return kept


def _failure(error: Exception) -> Receipt:
    if isinstance(error, aiohttp.ClientConnectorError) and error.os_error.errno == errno.ECONNREFUSED:
        return Receipt("refused", error="connection refused")
    return Receipt("failed", error=next(name for kind, name in _FAILURES if isinstance(error, kind)))
