"""`sched-emulator replay`: an emulator's own recording, played again and compared with what it says."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sched_emulator import files
from sched_emulator.config import Config, UsageError
from sched_emulator.output import reason, write
from sched_emulator.recording.errors import RecordingError

from .options import Commands, Option, add_command
from .serve import whole
from .terminal import complain

if TYPE_CHECKING:
    from sched_emulator.recording.lines import Entry
    from sched_emulator.recording.reader import Recording
    from sched_emulator.server.replaying import Difference, Replay

EXAMPLES = """  sched-emulator replay session.jsonl
  sched-emulator replay session.jsonl --until 120 --serve
  sched-emulator replay session.jsonl --serve --port 0 --port-file port.txt"""
LONG_BYTES = 16 * 1024 * 1024
STEPS = 10  # of the progress that is told of long files
NO_BEGINNING = (
    "{} has no beginning to replay from: nothing in it was written by an emulator that recorded itself, as"
    " `sched-emulator serve --record` does"
)

OPTIONS = (
    Option("--until", "stop after the line of this `seq`", "SEQ", whole(1)),
    Option("--serve", "go on from there as a running emulator", default=False),
    Option("--port", "with --serve: the port; 0 takes a free one (default 8420)", "PORT", whole(0, 65535), 8420),
    Option("--port-file", "with --serve: write the port's number there", "FILE", files.to_write),
)


def register(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "replay",
        summary="Play an emulator's own recording again. Exit status 1 when something comes out otherwise.",
        examples=EXAMPLES,
        run=run,
        options=OPTIONS,
    )
    parser.add_argument("recording", type=Path, metavar="RECORDING", help="a file that `serve --record` has written")


def run(values: argparse.Namespace) -> int:
    """Replay, and go on from there if that is asked for."""
    for name in ("port", "port_file"):
        if name in values.given and not values.serve:
            raise UsageError(f"--{name.replace('_', '-')} has no effect without --serve")
    from sched_emulator.recording.reader import Recording  # noqa: PLC0415 - nobody else pays for it
    from sched_emulator.server.replaying import Replay  # noqa: PLC0415 - the same

    replay = Replay()
    try:
        with Recording(values.recording) as recording:
            different = _played(replay, recording, values)
            version, cut_off = recording.header.version, recording.cut_off
    except RecordingError as error:
        raise UsageError(str(error)) from None
    if not replay.begun:
        raise UsageError(NO_BEGINNING.format(values.recording))
    if different is not None:
        from . import otherwise  # noqa: PLC0415 - as above

        write(sys.stdout, otherwise.told(different, values.recording, version))
        return 1
    write(sys.stdout, _equal(replay, values, version, cut_off=cut_off), flush=True)
    return _serve(replay, values) if values.serve else 0


def _played(replay: "Replay", recording: "Recording", values: argparse.Namespace) -> "Difference | None":
    from sched_emulator.server.replaying import PlayError  # noqa: PLC0415 - as above

    for entry in _with_progress(recording, values):
        if values.until is not None and entry.seq > values.until:
            return None
        try:
            different = replay.play(entry)
        except PlayError as error:
            raise RecordingError(f"{values.recording}, the line of seq {entry.seq} {error}") from None
        if different is not None:
            return different
    return None


def _with_progress(recording: "Recording", values: argparse.Namespace) -> Iterator["Entry"]:
    """Yield the entries, and tell after each tenth of a long file."""
    step = recording.size_bytes / STEPS if recording.size_bytes > LONG_BYTES else None
    told = 1
    for entry in recording:
        if step is not None and recording.done_bytes >= told * step and told < STEPS:
            complain(values.prog, f"{100 * told // STEPS} % of {values.recording} is played")
            told += 1
        yield entry


def _equal(replay: "Replay", values: argparse.Namespace, version: str, *, cut_off: bool) -> str:
    from sched_emulator import __version__  # noqa: PLC0415 - read from the package's metadata only when asked for

    by = f"version {version}" + ("" if version == __version__ else f", and replayed by {__version__}")
    told = (
        f"{_count(replay.compared, 'answer', 'answers')} and {_count(replay.deliveries, 'delivery', 'deliveries')} "
        f"come out as they were recorded by {by}\n"
    )
    if replay.passed_over:
        told += f"{_count(replay.passed_over, 'exchange', 'exchanges')} of no sandbox: not compared\n"
    if cut_off:
        told += f"{values.recording} ends within a line: replayed to its last whole one\n"
    return told


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


# --- Going on


def _serve(replay: "Replay", values: argparse.Namespace) -> int:
    from sched_emulator.server import app, replaying  # noqa: PLC0415 - nobody else pays for aiohttp

    if not replay.sandboxes:
        raise UsageError(f"{values.recording} has no sandbox to go on with at that place")
    going_on = replaying.going_on(replay)
    config = Config(port=values.port, port_file=values.port_file, answers=going_on[0].state.settings.answers)
    try:
        return app.serve(config, going_on)
    except OSError as error:
        raise UsageError(f"the server cannot start: {reason(error)}") from None
