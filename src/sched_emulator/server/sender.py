"""The only code that opens outbound connections: one attempt of a delivery in, what became of it out.

Every address is checked right before it is connected to, by the very numbers that the kernel gets: a name that resolves
elsewhere the second time gains nothing. A name is refused as a whole if any of its addresses is. An attempt takes no
longer than its limit, never raises, sends its request at most once (a connection serves one request and is closed), and
hangs up once its answer can be told (`answers`). A request has the headers given, `Host`, `Content-Length` and
`Connection: close`, nothing else.
"""

import asyncio
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from yarl import URL

from sched_emulator.core import urls
from sched_emulator.core.records import Attempt

from . import answers

_log = logging.getLogger(__name__)

Kind = Literal["response", "timeout", "refused", "failed"]
Lookup = Callable[[str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Receipt:
    """How an attempt ended.

    `response`: an answer came, with any `status`, what is kept of its `headers`, and the beginning of its body.
    Otherwise `error` says in a short sentence, the same for the same cause, why none came: not in time (`timeout`), no
    connection was accepted or allowed (`refused`), or another reason (`failed`).
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
    """Sends attempts, as many side by side as are asked for.

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
        self._lookup = lookup
        self._under_way: set[answers.Incoming] = set()

    async def send(self, attempt: Attempt) -> Receipt:
        """Post what an attempt says and say what came of it; an explicit route skips the checks of addresses."""
        limit = min(attempt.timeout_ms / 1000, self._delivery_timeout)
        incoming = answers.Incoming()
        self._under_way.add(incoming)
        try:
            async with asyncio.timeout(limit):
                url = URL(urls.canonical(attempt.url), encoded=True)
                await self._connect(url, attempt, incoming, limit)
                incoming.send(_request(url, attempt.headers, attempt.body.encode()))
                answer = await answers.read(incoming)
                return Receipt("response", status=answer.status, headers=answer.headers, body_excerpt=answer.body)
        except TimeoutError:
            late = Receipt("timeout", error=f"timed out after {limit:g} s")
            return Receipt("failed", error=answers.no_http(incoming.arrived)) if incoming.no_http else late
        except urls.UrlError as error:
            return Receipt("failed", error=error.message)
        except answers.AnswerError as error:
            return Receipt("failed", error=str(error))
        except _NotConnectedError as error:
            return Receipt(error.kind, error=str(error))
        except Exception as error:  # noqa: BLE001 - whatever a receiver provokes ends its own attempt, nothing else
            _log.warning("an attempt ended unexpectedly", exc_info=True)
            return Receipt("failed", error=f"the attempt ended unexpectedly ({type(error).__name__})")
        finally:
            incoming.hang_up()
            self._under_way.discard(incoming)

    async def close(self) -> None:
        """Close the connections: what is still under way fails."""
        for incoming in self._under_way:
            incoming.hang_up()

    async def _connect(self, url: URL, attempt: Attempt, incoming: answers.Incoming, limit: float) -> None:
        host, port = url.host, url.port
        assert host is not None
        assert port is not None
        connected = await self._reach(await self._addresses(host, exempt=attempt.routed), port, limit)
        tls = (self._tls or _trusted()) if url.scheme == "https" else None
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: incoming, sock=connected, ssl=tls, server_hostname=None if tls is None else host
            )
        except ssl.SSLCertVerificationError:
            raise _NotConnectedError("the TLS certificate is not trusted") from None
        except OSError:
            raise _NotConnectedError("the TLS handshake failed") from None
        except BaseException:
            _end(connected)  # a receiver that is silent would hold a handshake that is given up
            raise

    async def _addresses(self, host: str, *, exempt: bool) -> Sequence[str]:
        """Return what to connect to, one after the other; not one where any is refused."""
        only_loopback = self._only_loopback and not exempt
        if urls.is_loopback_name(host):
            addresses: Sequence[str] = _loopback_addresses()
        elif urls.address_kind(host) != "unreadable":
            addresses = [host]
        elif only_loopback:
            raise _refused("not on this machine")
        else:
            try:
                addresses = await _in_thread(self._lookup, host)
            except (OSError, UnicodeError):
                raise _NotConnectedError("the name does not resolve") from None
        for address in () if exempt else addresses:
            reason = urls.forbidden_address(address, strict=self._strict)
            if reason is not None:
                raise _refused(reason)
            if only_loopback and urls.address_kind(address) != "loopback":
                raise _refused("not on this machine")
        return addresses

    async def _reach(self, addresses: Sequence[str], port: int, limit: float) -> socket.socket:
        """Connect to the first address that accepts. Each but the last may take its share of the time limit."""
        problem: OSError | None = None
        for address in addresses:
            share = None if address == addresses[-1] else limit / len(addresses)
            try:
                async with asyncio.timeout(share):
                    return await _connected(address, port)
            except OSError as error:
                problem = error
        if isinstance(problem, ConnectionRefusedError):
            raise _NotConnectedError("connection refused", "refused")
        raise _NotConnectedError("no connection to the receiver")


class _NotConnectedError(Exception):
    """Nothing was sent; the message says why."""

    def __init__(self, message: str, kind: Kind = "failed") -> None:
        super().__init__(message)
        self.kind = kind


def _refused(reason: str) -> _NotConnectedError:
    return _NotConnectedError(f"the address is refused: {reason}", "refused")


async def _connected(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        opened.settimeout(0)
        await asyncio.get_running_loop().sock_connect(opened, (address, port))
    except BaseException:
        opened.close()
        raise
    return opened


def _end(opened: socket.socket) -> None:
    with suppress(OSError):
        opened.shutdown(socket.SHUT_RDWR)


def _request(url: URL, headers: Mapping[str, str], body: bytes) -> bytes:
    """Return a request as it goes over the wire; the values of its headers are UTF-8."""
    own = {"Host": url.host_port_subcomponent}
    closing = {"Content-Length": str(len(body)), "Connection": "close"}
    lines = [f"{name}: {value}\r\n" for part in (own, headers, closing) for name, value in part.items()]
    return f"POST {url.raw_path_qs} HTTP/1.1\r\n{''.join(lines)}\r\n".encode() + body


@cache
def _trusted() -> ssl.SSLContext:
    """Return the certificates that the system trusts."""
    return ssl.create_default_context()


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
