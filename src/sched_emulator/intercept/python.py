"""Leads the clients of a Python program to the emulator, as `preload.cjs` leads those of Node.

Some clients know no proxy variables: aiohttp without `trust_env`, `http.client`, urllib3, a plain socket. For them the
gateway's name has an address of this machine, and what connects to that is connected to the emulator. Contexts that
trust a bundle of their own, as certifi's, trust the emulator's authority besides. With SCHED_EMULATOR_OFFLINE no other
host is looked up, connected to or sent to.

`start_up/sitecustomize.py` loads this into other Pythons than this one: it is written for Python 3.8, knows the
standard library alone, and touches a module only once the program has imported it.
"""

from __future__ import annotations

import errno
import os
import sys

TYPE_CHECKING = False  # typing's own costs every start of Python its import
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

HOST = "api.infrai.cc"
ADDRESS = (
    "127.69.77.85"  # the gateway's: some clients keep only the address of what was looked up, and use their own port
)
HTTPS = frozenset({443, "443", "https", b"443", b"https"})
NO_PORT = frozenset({None, 0, "", b"", "0", b"0"})
LOCAL = frozenset({"", "localhost", "::1", "0.0.0.0", "::", "255.255.255.255"})  # noqa: S104 - nothing is bound
LOOKED_UP = frozenset({"socket.getaddrinfo", "socket.gethostbyname"})
SENT_TO = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})


def lead(after_import: Callable[[dict[str, Callable[[Any], None]]], None]) -> None:
    """Lead this process to the emulator that the environment names, if it names one."""
    port = os.environ.get("SCHED_EMULATOR_TLS_PORT", "")
    if not port.isdecimal():
        return
    leader = _Leader(int(port), offline=bool(os.environ.get("SCHED_EMULATOR_OFFLINE")))
    authority = _text_of(os.environ.get("SCHED_EMULATOR_CA_FILE", ""))
    after_import(
        {
            "_socket": leader.lead_names,
            "socket": leader.lead_sockets,
            "gevent._socket3": leader.lead_connects,
            "uvloop": leader.lead_uvloop,
            "aiohttp.resolver": _use_the_resolver_of_python,
            "ssl": lambda ssl: _trust(ssl.SSLContext, authority),
        }
    )
    if leader.offline:
        sys.addaudithook(leader.audit)


class _Leader:
    """Where the gateway's name leads; `offline` refuses all other hosts."""

    def __init__(self, port: int, *, offline: bool) -> None:
        self.offline = offline
        self._emulator = ("127.0.0.1", port)

    # What is looked up

    def lead_names(self, module: Any) -> None:
        """Let the functions that look up names know the gateway's."""
        getaddrinfo, gethostbyname, gethostbyname_ex = (
            module.getaddrinfo,
            module.gethostbyname,
            module.gethostbyname_ex,
        )

        def led_getaddrinfo(host: Any, port: Any, family: int = 0, type: int = 0, *more: Any, **named: Any) -> Any:  # noqa: A002 - its name
            if not (_is_gateway(host) and (port in HTTPS or port in NO_PORT)):
                return getaddrinfo(host, port, family, type, *more, **named)
            if family not in {0, module.AF_INET}:
                raise module.gaierror(module.EAI_NONAME, f"{HOST} has an IPv4 address alone under sched-emulator run")
            return [(module.AF_INET, type or module.SOCK_STREAM, module.IPPROTO_TCP, "", (ADDRESS, 443))]

        def led_gethostbyname(host: Any) -> Any:
            return ADDRESS if _is_gateway(host) else gethostbyname(host)

        def led_gethostbyname_ex(host: Any) -> Any:
            return (HOST, [], [ADDRESS]) if _is_gateway(host) else gethostbyname_ex(host)

        if module.__name__ == "_socket":  # that of `socket` calls it
            module.getaddrinfo = led_getaddrinfo
        module.gethostbyname, module.gethostbyname_ex = led_gethostbyname, led_gethostbyname_ex

    # What is connected to

    def lead_sockets(self, socket: Any) -> None:
        """Let all sockets of a module know where the gateway is, and its functions the gateway's name."""
        if socket.gethostbyname.__module__ != __name__:  # it was imported before
            self.lead_names(socket)
        self.lead_connects(socket)

    def lead_connects(self, module: Any) -> None:
        """Let all sockets of a module know where the gateway is."""
        for name in ("connect", "connect_ex"):
            setattr(module.socket, name, self._led(getattr(module.socket, name)))

    def _led(self, connect: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def led(sock: Any, address: Any) -> Any:
            return connect(sock, self._place(address))

        return led

    def _place(self, address: Any) -> Any:
        """Return where to connect to; OSError where nobody may."""
        if not (isinstance(address, tuple) and len(address) >= 2):
            return address
        if address[0] == ADDRESS or (_is_gateway(address[0]) and address[1] == 443):
            return self._emulator
        self._check(address[0])
        return address

    def lead_uvloop(self, uvloop: Any) -> None:
        """Let loops of uvloop, which look up and connect by themselves, know the gateway."""
        loop, leader = uvloop.Loop, self
        getaddrinfo, create_connection = loop.getaddrinfo, loop.create_connection

        async def led_getaddrinfo(this: Any, host: Any, port: Any, **named: Any) -> Any:
            if _is_gateway(host):
                from socket import getaddrinfo as led  # noqa: PLC0415 - a program that has uvloop has it

                return led(host, port, **{name: value for name, value in named.items() if name != "flags"})
            leader._check(host)
            return await getaddrinfo(this, host, port, **named)

        async def led_connection(this: Any, factory: Any, host: Any = None, port: Any = None, **named: Any) -> Any:
            if host is not None:
                place = leader._place((host, port))
                if place[0] != host and named.get("ssl") and named.get("server_hostname") is None:
                    named["server_hostname"] = HOST
                host, port = place
            return await create_connection(this, factory, host, port, **named)

        loop.getaddrinfo, loop.create_connection = led_getaddrinfo, led_connection

    # Offline

    def audit(self, event: str, arguments: Any) -> None:
        """Refuse what Python is about to look up or to send to another host, whoever asked it to."""
        if event in LOOKED_UP:
            self._check(arguments[0])
        elif event in SENT_TO and isinstance(arguments[1], tuple):
            self._check(arguments[1][0])

    def _check(self, host: Any) -> None:
        if self.offline and not _is_local(_text(host)):
            sentence = f"{_text(host)} is not reached: sched-emulator run --offline lets nothing through but {HOST}"
            raise ConnectionRefusedError(errno.ECONNREFUSED, sentence)


def _is_gateway(host: Any) -> bool:
    return _text(host) == HOST


def _is_local(host: str) -> bool:
    if host in LOCAL or host.startswith(("127.", "::ffff:127.")) or host.endswith(".localhost"):
        return True
    from _socket import gethostname  # noqa: PLC0415 - whoever looks up has it; `socket` may not be there

    return host == gethostname().lower()


def _text(host: Any) -> str:
    text = host.decode("ascii", "replace") if isinstance(host, (bytes, bytearray)) else host
    return text.lower().rstrip(".") if isinstance(text, str) else ""


def _use_the_resolver_of_python(resolver: Any) -> None:
    """Let aiohttp look up names by Python's functions where it would have another ask for it."""
    resolver.DefaultResolver = resolver.ThreadedResolver


def _text_of(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:  # noqa: PTH123 - costs every start less than pathlib
            return file.read()
    except OSError:  # the run has ended, and left this process behind
        return ""


def _trust(context: Any, authority: str) -> None:
    """Let each context that trusts anything trust the emulator's authority, too."""
    load = context.load_verify_locations

    def load_verify_locations(this: Any, cafile: Any = None, capath: Any = None, cadata: Any = None) -> None:
        load(this, cafile, capath, cadata)
        if authority:
            load(this, cadata=authority)

    context.load_verify_locations = load_verify_locations
