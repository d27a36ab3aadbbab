"""What `serve` runs with, and how the texts people type become its values.

`Config` is complete and checked: the server takes it as it is. The parsers raise `UsageError` with one sentence that
names the option, what came and what was expected. Nothing here reads the clock, the environment or a file, and
nothing knows the core, because the client reads texts by it too.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

__tracebackhide__ = True  # a failing test shows its own lines

FROZEN_START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z, where a frozen clock starts without --now
MAX_DURATION_SECONDS = 31_557_600_000  # a thousand years
MAX_SPEED = 1_000_000
KEEP_BYTES = 64 * 1024 * 1024
KEPT_ENTRIES = 10_000

ClockMode = Literal["wall", "frozen"]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_SHORT = re.compile(rf"(?:{_NUMBER}[smhdw])+")
_SHORT_PART = re.compile(rf"({_NUMBER})([smhdw])")
_ISO = re.compile(
    rf"P(?=[0-9T])(?:({_NUMBER})W)?(?:({_NUMBER})D)?(?:T(?=[0-9])(?:({_NUMBER})H)?(?:({_NUMBER})M)?(?:({_NUMBER})S)?)?"
)
_ISO_UNITS = ("w", "d", "h", "m", "s")
_SPEED = re.compile(rf"({_NUMBER})[x\u00d7]")


class UsageError(ValueError):
    """A value that cannot be used; the message names the option, the value and what was expected."""


def _nothing() -> Mapping[str, str]:
    return MappingProxyType({})


def _no_prices() -> Mapping[str, tuple[float, bool]]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Config:
    """Everything a server is started with. `Config()` is `serve` without arguments, but for `answers`.

    `answers` holds every assumption (`spec.preset` with what was chosen over it); `now_ms` is where the clock of a
    new sandbox starts, None meaning the real present; `keys` narrows the keys accepted, None meaning all that start
    with `ifr_`; `max_body`, `max_snapshot` and `keep` count bytes, `max_body` None meaning what the largest batch of
    messages takes; `journal` counts requests, and deliveries; `prices` has, by operation, US dollars and whether each
    message of a batch costs them. `given` names the options that were said, whatever they
    say, and `given_answers` has the answers that were: what is said wins over what `load` brings.
    """

    host: str = "localhost"
    port: int = 8420
    port_file: Path | None = None
    allow_hosts: tuple[str, ...] = ()
    clock_mode: ClockMode = "wall"
    speed: float = 1.0
    now_ms: int | None = None
    answers: Mapping[str, str | int] = field(default_factory=_nothing)
    routes: Mapping[str, str] = field(default_factory=_nothing)
    deliver: Literal["loopback", "all", "none"] = "loopback"
    uncovered: Literal["capture", "refuse"] = "capture"
    strict_urls: bool = False
    delivery_timeout_seconds: float = 10.0
    delivery_concurrency: int = 128
    signature_clock: Literal["virtual", "real"] = "virtual"
    seed: int = 0
    keys: frozenset[str] | None = None
    load: Path | None = None
    record: Path | None = None
    record_dir: Path | None = None
    max_body: int | None = None
    max_snapshot: int = 512 * 1024 * 1024
    keep: int = KEEP_BYTES
    journal: int = KEPT_ENTRIES
    prices: Mapping[str, tuple[float, bool]] = field(default_factory=_no_prices)
    log: Literal["text", "json", "quiet"] = "text"
    exit_with_stdin: bool = False
    given: frozenset[str] = field(default=frozenset(), compare=False)
    given_answers: Mapping[str, str | int] = field(default_factory=_nothing, compare=False)


def reachable_host(host: str) -> str:
    """Return the host, as it stands in a URL, under which this machine reaches a server bound to `host`."""
    address = {"localhost": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - not bound here
    return f"[{address}]" if ":" in address else address


def parse_duration(text: str, option: str) -> float:
    """Return the seconds of `90s`, `15m`, `2h`, `3d`, `1w`, `1h30m` or ISO-8601 `PT15M`."""
    seconds = _duration_seconds(text.strip())
    if seconds is None:
        back = text.strip().startswith("-") and _duration_seconds(text.strip()[1:]) is not None
        what = "goes back, and time only moves forward" if back else "is no duration"
        raise UsageError(f"{option}: {text!r} {what}; expected a form like 90s, 15m, 2h, 3d, 1w or PT15M")
    if seconds > MAX_DURATION_SECONDS:
        raise UsageError(f"{option}: {text!r} is too long; expected at most a thousand years")
    return seconds


def _duration_seconds(text: str) -> float | None:
    if _SHORT.fullmatch(text):
        return math.fsum(float(number) * _UNITS[unit] for number, unit in _SHORT_PART.findall(text))
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    parts = zip(match.groups(default="0"), _ISO_UNITS, strict=True)
    return math.fsum(float(number) * _UNITS[unit] for number, unit in parts)


def parse_clock(text: str, option: str) -> tuple[ClockMode, float]:
    """Return mode and speed of `wall`, `frozen`, `60x` (the sign for times is taken, too)."""
    if text == "frozen":
        return "frozen", 1.0
    if text == "wall":
        return "wall", 1.0
    match = _SPEED.fullmatch(text)
    if match is None:
        raise UsageError(f"{option}: {text!r} is no clock; expected wall, frozen or a speed like 60x")
    speed = float(match[1])
    if not 0 < speed <= MAX_SPEED:
        raise UsageError(f"{option}: {text!r} is no speed to run at; expected more than 0x and at most {MAX_SPEED}x")
    return "wall", speed


def parse_whole(text: str, option: str, least: int, most: int | None = None) -> int:
    """Return a whole number within bounds."""
    bounds = f"from {least} to {most}" if most is not None else f"of at least {least}"
    if re.fullmatch(r"[+-]?[0-9]{1,19}", text) is None:
        raise UsageError(f"{option}: {text[:40]!r} is no whole number; expected one {bounds}")
    number = int(text)
    if number < least or (most is not None and number > most):
        raise UsageError(f"{option}: {number} is out of range; expected a whole number {bounds}")
    return number


def parse_flag(text: str, option: str) -> bool:
    """Return the truth of `1`, `true`, `yes`, `on` or `0`, `false`, `no`, `off`, as environment variables hold it."""
    word = text.strip().lower()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off", ""}:
        return False
    raise UsageError(f"{option}: {text!r} is neither on nor off; expected 1 or 0")


def parse_list(text: str) -> tuple[str, ...]:
    """Return the entries of a comma separated list, without empty ones."""
    return tuple(entry for part in text.split(",") if (entry := part.strip()))


def parse_pair(text: str, option: str, form: str) -> tuple[str, str]:
    """Return both sides of `LEFT=RIGHT`, neither of them empty."""
    left, separator, right = text.partition("=")
    if not separator or not left.strip() or not right.strip():
        raise UsageError(f"{option}: {text!r} is incomplete; expected {form}")
    return left.strip(), right.strip()
