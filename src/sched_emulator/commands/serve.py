"""`sched-emulator serve`: the options of a server, and the `Config` they make."""

import argparse
import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path

from sched_emulator import config, files
from sched_emulator.config import Config, UsageError
from sched_emulator.output import reason
from sched_emulator.recording.errors import RecordingError

from .options import Commands, Option, Parse, add_command, choice, instant, names

EXAMPLES = """  sched-emulator serve
  sched-emulator serve --clock frozen --now 2026-01-01T00:00:00Z
  sched-emulator serve --clock 60x --dialect observed --assume queue.nack_position=back
  sched-emulator serve --port 0 --port-file port.txt --route https://api.acme.com=http://127.0.0.1:9000"""


def whole(least: int, most: int | None = None) -> Parse:
    """Take a whole number within bounds."""
    return lambda text, option: config.parse_whole(text, option, least, most)


def _keys(text: str, option: str) -> frozenset[str]:
    keys = names(text, option)
    for key in keys:
        if not key.startswith("ifr_") or key == "ifr_":
            raise UsageError(f"{option}: {key[:8]!r} begins no key; expected keys that start with ifr_ and go on")
    return frozenset(keys)


def _timeout(text: str, option: str) -> float:
    seconds = config.parse_duration(text, option)
    if seconds <= 0:
        raise UsageError(f"{option}: {text!r} leaves no time to answer; expected more than 0s")
    return seconds


def _answer(text: str, option: str) -> tuple[str, str]:
    return config.parse_pair(text, option, "ID=ANSWER such as queue.nack_position=back")


def parse_route(text: str, option: str) -> tuple[str, str]:
    """Return both sides of `FROM=TO`, two http or https URLs or their beginnings."""
    from sched_emulator.core import urls  # noqa: PLC0415 - only `--route` pays for it

    source, target = config.parse_pair(text, option, "FROM=TO such as https://api.acme.com=http://127.0.0.1:9000")
    try:
        urls.check_route(source, target)
    except urls.UrlError as error:
        raise UsageError(f"{option}: {error}") from None
    return source, target


OPTIONS = (
    Option("--host", "where to listen; localhost is both loopbacks (default localhost)", "HOST", default="localhost"),
    Option("--port", "the port; 0 takes a free one (default 8420)", "PORT", whole(0, 65535), default=8420),
    Option("--port-file", "write the port's number there once the server answers", "FILE", files.to_write),
    Option("--allow-host", "further names in a Host header; * allows all", "NAME,…", names, default=()),
    Option(
        "--clock", "wall, frozen, or a speed such as 60x (default wall)", "CLOCK", config.parse_clock, ("wall", 1.0)
    ),
    Option(
        "--now",
        "where the clock starts, RFC 3339 (default: 2026-01-01T00:00:00Z if frozen, else the present)",
        "INSTANT",
        instant,
    ),
    Option(
        "--dialect",
        "answers to open questions: documented, or observed in public programs (default documented)",
        "DIALECT",
        choice("documented", "observed"),
        "documented",
    ),
    Option("--assume", "one answer over those, may be repeated", "ID=ANSWER", _answer, (), repeated=True),
    Option("--assumptions", "answers from a TOML file", "FILE", files.to_read),
    Option("--route", "where deliveries go instead, may be repeated", "FROM=TO", parse_route, (), repeated=True),
    Option(
        "--deliver",
        "send to loopback receivers, to all or to none (default loopback)",
        "WHERE",
        choice("loopback", "all", "none"),
        "loopback",
    ),
    Option(
        "--uncovered",
        "capture what is not sent, or refuse it so that it fails (default capture)",
        "HOW",
        choice("capture", "refuse"),
        "capture",
    ),
    Option("--strict-urls", "refuse loopback URLs too, as the gateway does", default=False),
    Option("--delivery-timeout", "how long a receiver may take, really (default 10s)", "DURATION", _timeout, 10.0),
    Option(
        "--delivery-concurrency", "deliveries side by side at most (default 128)", "N", whole(1, 10_000), default=128
    ),
    Option(
        "--signature-clock",
        "whose time signatures show, virtual or real (default virtual)",
        "CLOCK",
        choice("virtual", "real"),
        "virtual",
    ),
    Option("--seed", "what ids and chance are drawn from (default 0)", "N", whole(0), default=0),
    Option("--keys", "the only keys accepted (default: all that start with ifr_)", "KEY,…", _keys),
    Option("--load", "a snapshot to start from", "SNAPSHOT", files.to_read),
    Option("--record", "write all that happens into a new file, to be replayed", "FILE", files.to_write),
    Option(
        "--record-dir",
        "where a sandbox that asks for it has such a file of its own",
        "DIR",
        files.folder_to_write,
    ),
    Option("--prices", "what calls cost, as `drift --save` has kept it of a gateway", "FILE", files.to_read),
    Option(
        "--max-body",
        "how long the body of a request may be (default: what the largest batch takes, at least 32 MiB)",
        "BYTES",
        whole(1024),
    ),
    Option("--max-snapshot", "how long a snapshot may be that is sent (default 512 MiB)", "BYTES", whole(1024), 2**29),
    Option(
        "--journal",
        "how many requests, and how many deliveries, each sandbox keeps (default 10,000)",
        "N",
        whole(1),
        config.KEPT_ENTRIES,
    ),
    Option(
        "--keep",
        "how much of a session each sandbox keeps (default: 64 MiB, and that for each 10,000 of --journal)",
        "BYTES",
        whole(2**20),
    ),
    Option(
        "--log",
        "what happens, a line each: text, json, or quiet, which is errors only (default text)",
        "FORMAT",
        choice("text", "json", "quiet"),
        "text",
    ),
    Option("--exit-with-stdin", "stop when standard input ends, as it does with the parent", default=False),
)


def register(commands: Commands) -> None:
    """Add the command."""
    add_command(
        commands,
        "serve",
        summary="Start the emulator in the foreground.",
        examples=EXAMPLES,
        run=run,
        options=OPTIONS,
    )


def run(values: argparse.Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C."""
    settings = config_of(values)
    from sched_emulator.server import app  # noqa: PLC0415 - nobody else pays for aiohttp

    try:
        return app.serve(settings)
    except RecordingError as error:
        raise UsageError(f"--record: {error}") from None
    except OSError as error:
        raise UsageError(f"the server cannot start: {reason(error)}") from None


def config_of(values: argparse.Namespace) -> Config:
    """Return the configuration that the options make; a command without one of them has what `Config` says."""
    from sched_emulator.spec import assumptions  # noqa: PLC0415 - reads YAML

    alike = {field.name for field in dataclasses.fields(Config)}
    mode, speed = values.clock
    said = answers_said(values.assumptions, dict(values.assume))
    answers = assumptions.preset(values.dialect) | said
    return Config(
        **{name: value for name, value in vars(values).items() if name in alike - {"keep", "prices"}},
        allow_hosts=values.allow_host,
        clock_mode=mode,
        speed=speed,
        now_ms=config.FROZEN_START_MS if values.now is None and mode == "frozen" else values.now,
        answers=answers,
        given_answers=answers if "dialect" in values.given else said,
        routes=dict(values.route),
        prices={} if values.prices is None else prices_in(values.prices),
        delivery_timeout_seconds=values.delivery_timeout,
        keep=values.keep or math.ceil(values.journal / config.KEPT_ENTRIES) * config.KEEP_BYTES,
    )


def prices_in(file: Path) -> Mapping[str, tuple[float, bool]]:
    """Return the prices in a file. UsageError when there are none."""
    from sched_emulator.spec import prices  # noqa: PLC0415 - reads YAML

    try:
        found = prices.read(json.loads(files.read_text(file, "--prices")))
    except json.JSONDecodeError as error:
        raise UsageError(f"--prices: {file} is no JSON: {error}") from None
    except RecursionError:
        raise UsageError(f"--prices: {file} is nested too deeply") from None
    if not found:
        raise UsageError(f"--prices: {file} has no price of an operation; expected what `drift --save` writes")
    return found


def answers_said(file: Path | None, given: Mapping[str, str]) -> dict[str, str | int]:
    """Return the answers of a file, and over them the single ones."""
    from sched_emulator.spec import assumptions  # noqa: PLC0415 - reads YAML

    answers: dict[str, str | int] = {}
    if file is not None:
        text = files.read_text(file, "--assumptions")
        try:
            answers |= assumptions.parse_answers_toml(text, str(file))
        except ValueError as error:
            raise UsageError(f"--assumptions: {error}") from None
    try:
        answers |= assumptions.parse_answers(given)
    except ValueError as error:
        raise UsageError(f"--assume: {error}") from None
    return answers
