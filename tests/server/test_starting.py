"""What a server needs of its machine: each failure to start names what failed, and leaves nothing behind."""

import errno
import http.client
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sched_emulator.config import UsageError
from sched_emulator.server import starting

SERVE = (sys.executable, "-m", "sched_emulator", "serve", "--port=0")
FULL = Path("/dev/full")
needs_ipv6 = pytest.mark.skipif(not socket.has_ipv6, reason="this Python has no IPv6")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="there is no device that is always full")


@contextmanager
def taken(host: str, family: socket.AddressFamily) -> Iterator[int]:
    """Take a port of one loopback, as another program does, that is free on the other."""
    try:
        other = socket.create_server((host, 0), family=family)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with other:
        yield other.getsockname()[1]


def refused(shell: str, *more: str) -> str:
    """Return what a server that cannot start says on stderr; `shell` redirects what runs."""
    command = ["sh", "-c", f'exec "$@" {shell}', "sh", *SERVE, *more]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2, done
    return done.stderr


# --- Where it listens


@needs_ipv6
def test_a_port_that_another_program_has_on_ipv6_alone_is_refused_as_on_ipv4() -> None:
    with taken("::1", socket.AF_INET6) as port:
        message = rf"^cannot listen on \[::1\]:{port}: address already in use; choose another --port$"
        with pytest.raises(UsageError, match=message):
            starting.listen("localhost", port)


def test_a_port_that_another_program_has_on_ipv4_is_refused() -> None:
    with taken("127.0.0.1", socket.AF_INET) as port:
        message = rf"^cannot listen on localhost:{port}: address already in use; choose another --port$"
        with pytest.raises(UsageError, match=message):
            starting.listen("localhost", port)


def test_a_free_port_is_one_that_is_free_on_both_loopbacks(monkeypatch: pytest.MonkeyPatch) -> None:
    made, create = [], socket.create_server

    def first_time_taken(address: tuple[str, int], **options: object) -> socket.socket:
        made.append(address[0])
        if made == ["127.0.0.1", "::1"]:
            raise OSError(errno.EADDRINUSE, "taken")
        return create(address, **options)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(socket, "create_server", first_time_taken)
    for listening in starting.listen("localhost", 0):
        listening.close()
    assert made == ["127.0.0.1", "::1"] * 2


@pytest.mark.parametrize("number", starting.NO_IPV6)
def test_a_machine_without_ipv6_serves_on_ipv4(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    create = socket.create_server

    def without_ipv6(address: tuple[str, int], **options: object) -> socket.socket:
        if ":" in address[0]:
            raise OSError(number, "no such thing")
        return create(address, **options)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(socket, "create_server", without_ipv6)
    [only] = starting.listen("localhost", 0)
    assert only.family == socket.AF_INET
    only.close()


@pytest.mark.parametrize("host", ["nowhere.invalid", "a" * 70 + ".test", "..", "-"])
def test_a_host_that_is_none_is_said_to_be_that(host: str) -> None:
    with pytest.raises(UsageError, match=rf"^--host: there is no host '{re.escape(host)}'; expected a name or an "):
        starting.listen(host, 0)


def test_the_address_of_another_machine_is_said_to_be_the_host() -> None:
    with pytest.raises(
        UsageError, match=r"cannot listen on 192\.0\.2\.1:\d+: cannot assign .*; choose another --host$"
    ):
        starting.listen("192.0.2.1", 0)


# --- What it writes


def test_a_port_file_on_a_full_disk_is_named_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "port"
    command = f"ulimit -f 0; exec {' '.join(SERVE)} --port-file {path}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)  # noqa: S607
    assert (done.returncode, done.stderr) == (
        2,
        f"sched-emulator serve: --port-file: {path} cannot be written: file too large\n",
    )
    assert list(tmp_path.iterdir()) == []


@needs_full
def test_a_full_output_is_said_to_be_that() -> None:
    told = "sched-emulator serve: the output cannot be written: no space left on device\n"
    assert refused(f"> {FULL}") == told


def test_a_closed_output_is_said_to_be_that() -> None:
    assert refused(">&-") == (
        "sched-emulator: standard output is closed; expected a terminal, a file or a pipe to write to\n"
    )


def test_an_output_that_nobody_reads_is_said_to_be_that() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(SERVE, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (
        2,
        "sched-emulator serve: the output cannot be written: broken pipe\n",
    )


def test_complaints_that_nobody_can_read_are_no_complaint_themselves() -> None:
    assert refused("2>&-", "--port-file=/proc/port") == ""


# --- How many files it may open


@pytest.mark.parametrize(("hard", "asked"), [(4096, [(4096, 4096)]), (256, [])])
def test_the_limit_of_open_files_is_raised_to_what_is_allowed(
    hard: int, asked: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: given.append(limits))
    starting.allow_many_files()
    assert given == asked


def test_a_machine_that_does_not_raise_the_limit_is_served_on_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    starting.allow_many_files()


# --- How it ends


@contextmanager
def served(*more: str, **options: object) -> Iterator["subprocess.Popen[str]"]:
    """Serve, and yield the process once it has said that it is there."""
    process = subprocess.Popen((*SERVE, *more), stdout=subprocess.PIPE, text=True, **options)  # type: ignore[call-overload]
    with process:
        assert "127.0.0.1" in process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_comes_again_until_the_end_changes_nothing(number: signal.Signals) -> None:
    with served() as process:
        while process.poll() is None:
            process.send_signal(number)
            time.sleep(0.001)
        assert process.returncode == 0


def test_an_interrupt_ends_it_within_a_second_while_somebody_looks_on() -> None:
    with served("--keys", "ifr_a") as process:
        assert process.stdout is not None
        port = int(next(line for line in process.stdout if "/_emulator" in line).rpartition("/")[0].rpartition(":")[2])
        looking = http.client.HTTPConnection("127.0.0.1", port)
        looking.request("GET", "/_emulator/events", headers={"Authorization": "Bearer ifr_a"})
        stream = looking.getresponse()
        assert stream.readline() == b"id: 0\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(1) == 0
        assert b"event: clock" in stream.read()  # to its end
        looking.close()


def test_standard_input_that_is_closed_has_ended() -> None:
    command = ["sh", "-c", 'exec "$@" <&-', "sh", *SERVE, "--exit-with-stdin"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_standard_input_that_cannot_be_read_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(_file: int, _count: int) -> bytes:
        raise OSError(errno.EIO, "a terminal in the background")

    monkeypatch.setattr(sys, "stdin", sys.__stdin__)
    monkeypatch.setattr(os, "read", read)
    starting.read_to_the_end()
