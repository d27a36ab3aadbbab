"""The guard: no connection leaves the test's process for the real gateway, where each call costs money.

Three places see every connection. Python audits each name that is looked up, whatever library asks (a hook of
`sys.addaudithook` stays until the process ends, so that there is one, which listens while it is asked to). A socket
that is given the name looks it up unaudited. What has a resolver of its own, or goes through a proxy, names the host
for TLS.

It is imported with every pytest run where the package is installed, so it imports nothing.
"""

import sys
from collections.abc import Callable
from typing import Any

from sched_emulator.intercept import HOST
from sched_emulator.intercept.imports import after_import

SENTENCE = (
    f"{HOST} is not reached from tests, where each call costs money: let the code take its address from"
    " INFRAI_BASE_URL, which the fixture sched_emulator sets (with the ini option `sched_emulator_env = session` before"
    " anything is imported), or use `sched-emulator run -- pytest`; `sched_emulator_guard = off` allows it"
)
_AUDITED = frozenset({"socket.getaddrinfo", "socket.gethostbyname"})
_CONNECTING = ("connect", "connect_ex")
_PLACES = {
    "wrap_socket": 4,
    "wrap_bio": 3,
}  # of `server_hostname` among the arguments, where it is given without a name
_asking: list[bool] = []  # whether each pytest of this process asks for the guard; the innermost decides
_installed: list[Any] = []


class GatewayRefusedError(RuntimeError):
    """A test's process was about to connect to the real gateway. It is no OSError, so that nobody tries again."""


def begin(*, on: bool) -> None:
    """Refuse connections to the gateway, or allow them, until `end`."""
    if on and not _installed:
        hook = _hook()
        _installed.append(hook)
        sys.addaudithook(hook)
        after_import({"socket": _watch_sockets, "ssl": _watch_tls})
    _asking.append(on)


def end() -> None:
    """Return to what held before `begin`."""
    _asking.pop()


def _hook() -> Callable[[str, tuple[Any, ...]], None]:
    audited, asking, check = _AUDITED, _asking, _check  # held here: the hook outlives its module's names

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in audited and asking and asking[-1]:
            check(arguments[0])

    return hook


def _watch_sockets(socket: Any) -> None:
    for name in _CONNECTING:
        setattr(socket.socket, name, _watched_socket(getattr(socket.socket, name)))


def _watched_socket(original: Callable[..., Any]) -> Callable[..., Any]:
    def connect(sock: Any, address: Any) -> Any:
        if _asking and _asking[-1] and isinstance(address, tuple):
            _check(address[0])
        return original(sock, address)

    return connect


def _watch_tls(ssl: Any) -> None:
    for name, place in _PLACES.items():
        setattr(ssl.SSLContext, name, _watched_tls(getattr(ssl.SSLContext, name), place))


def _watched_tls(original: Callable[..., Any], place: int) -> Callable[..., Any]:
    def wrap(context: Any, *arguments: Any, **named: Any) -> Any:
        if _asking and _asking[-1]:
            _check(named.get("server_hostname") or next(iter(arguments[place : place + 1]), None))
        return original(context, *arguments, **named)

    return wrap


def _check(host: Any) -> None:
    text = host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else host
    if isinstance(text, str) and text.lower().rstrip(".") == HOST:
        raise GatewayRefusedError(SENTENCE)
