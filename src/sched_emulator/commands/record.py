"""`sched-emulator record`: a reverse proxy in front of any target, whose traffic becomes a recording."""

import argparse
import os
from functools import partial

from sched_emulator import files
from sched_emulator.config import UsageError
from sched_emulator.output import reason
from sched_emulator.recording.errors import RecordingError

from .options import Commands, Option, add_command, names, url
from .serve import whole
from .terminal import complain

EXAMPLES = """  sched-emulator record --target https://api.infrai.cc --out session.jsonl
  sched-emulator record --target http://127.0.0.1:8420 --out session.jsonl --redact email,customer
  sched-emulator record --target https://api.infrai.cc --out session.jsonl \\
      --receiver-port 9100 --receiver https://api.acme.com=http://127.0.0.1:9000"""
_PORT = whole(0, 65535)

OPTIONS = (
    Option("--target", "where requests are passed on to, such as https://api.infrai.cc", "URL", url),
    Option("--out", "the new file to write the recording into", "FILE", files.to_write),
    Option("--port", "the port to listen on; 0 takes a free one (default 8421)", "PORT", _PORT, 8421),
    Option("--port-file", "write the port's number there once requests are passed on", "FILE", files.to_write),
    Option("--receiver-port", "listen there for deliveries too, and pass them on to --receiver", "PORT", _PORT),
    Option("--receiver", "the real receiver, after the URL that deliveries name where they name another", "[FROM=]URL"),
    Option("--redact", "fields of bodies to replace by a hash that keeps equality", "FIELD,…", names, ()),
)


def register(commands: Commands) -> None:
    """Add the command."""
    add_command(
        commands,
        "record",
        summary="Pass requests on to a target and record what passes: set INFRAI_BASE_URL to where this listens. "
        "Exit status 1 when the recording is not whole.",
        examples=EXAMPLES,
        run=run,
        options=OPTIONS,
    )


def run(values: argparse.Namespace) -> int:
    """Record until SIGTERM or Ctrl-C."""
    import asyncio  # noqa: PLC0415 - nobody else pays for it

    from sched_emulator.intercept import recorder  # noqa: PLC0415 - nobody else pays for it

    for option in ("target", "out"):
        if getattr(values, option) is None:
            raise UsageError(f"--{option}: expected {'a URL to pass on to' if option == 'target' else 'a new file'}")
    if (values.receiver is None) != (values.receiver_port is None):
        raise UsageError(
            "--receiver and --receiver-port: expected both, where deliveries come and where they go, or none"
        )

    def target(at: str) -> recorder.Target:
        try:
            return recorder.Target.of(at, os.environ)
        except ValueError as error:
            raise UsageError(f"HTTPS_PROXY: {error}") from None

    receiving = None
    if values.receiver is not None:
        known_as, _, at = values.receiver.rpartition("=")
        known = target(url(known_as, "--receiver")).url if known_as else None
        receiving = recorder.Receiving(values.receiver_port, target(url(at, "--receiver")), known)
    settings = recorder.Recorder(
        target(recorder.without_version(values.target)),
        values.out,
        values.port,
        values.port_file,
        receiving,
        values.redact,
    )
    try:
        return 0 if asyncio.run(settings.run(partial(complain, values.prog))) else 1
    except RecordingError as error:
        raise UsageError(f"--out: {error}") from None
    except OSError as error:
        raise UsageError(f"recording cannot begin: {reason(error)}") from None
