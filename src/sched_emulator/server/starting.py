"""What a server needs of its machine before it can serve: files, sockets, an output.

Each failure is a UsageError that names what failed.
"""

import contextlib
import errno
import os
import signal
import socket
import sys
from collections.abc import Callable

from sched_emulator.config import UsageError
from sched_emulator.output import reason

BACKLOG = 1024
FREE_PORTS_TRIED = 20
ENDING = (signal.SIGTERM, signal.SIGINT)
NO_IPV6 = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT})


def allow_many_files() -> None:
    """Take as many open files, and with them connections, as the machine lets this user have."""
    try:
        import resource  # noqa: PLC0415 - Windows has none, and no such limit
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):  # macOS says that there is no limit, and has one
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def listen(host: str, port: int) -> list[socket.socket]:
    """Return listening sockets: for `localhost` both loopbacks, IPv6 where the machine has it, on one port."""
    if host != "localhost":
        return [_socket(host, port, _family(host, port))]
    for _ in range(FREE_PORTS_TRIED if port == 0 else 1):
        first = _socket("127.0.0.1", port, socket.AF_INET, called=host)
        try:
            return [first, *_second(first.getsockname()[1])]
        except UsageError as error:
            first.close()
            refused = error
    raise refused


def _second(port: int) -> list[socket.socket]:
    """Return the socket of the other loopback, none where the machine has no IPv6."""
    try:
        return [_socket("::1", port, socket.AF_INET6)]
    except UsageError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in NO_IPV6:
            return []
        raise


def _family(host: str, port: int) -> socket.AddressFamily:
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    except (socket.gaierror, UnicodeError):
        raise UsageError(f"--host: there is no host {host!r}; expected a name or an address of this machine") from None


def _socket(host: str, port: int, family: socket.AddressFamily, called: str = "") -> socket.socket:
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        name = called or (f"[{host}]" if ":" in host else host)
        what_to_do = "choose another --host" if error.errno == errno.EADDRNOTAVAIL else "choose another --port"
        raise UsageError(f"cannot listen on {name}:{port}: {reason(error)}; {what_to_do}") from error


def announce(text: str) -> None:
    """Write to standard output that the server is there."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        raise UsageError(f"the output cannot be written: {reason(error)}") from None


def on_signal(stop: Callable[[], object]) -> None:
    """Stop at the first SIGTERM or Ctrl-C; further ones change nothing until the process has ended.

    They are ignored rather than handled from then on, because Python takes every handler away before it ends.
    """

    def heed(*_: object) -> None:
        for number in ENDING:
            signal.signal(number, signal.SIG_IGN)
        stop()

    for number in ENDING:
        signal.signal(number, heed)


def read_to_the_end() -> None:
    """Wait for the end of standard input: a pipe, a terminal or a device, or nothing at all."""
    with contextlib.suppress(OSError):  # what cannot be read has no more to say
        while sys.stdin is not None and os.read(sys.stdin.fileno(), 4096):
            pass
