"""The settings of a test's sandbox: those of its markers, over those of the command line."""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypedDict

import pytest

from sched_emulator import files
from sched_emulator.client.emulator import OWN_PREFIX, Emulator
from sched_emulator.client.sandbox import Instant, Sandbox
from sched_emulator.config import FROZEN_START_MS, UsageError
from sched_emulator.intercept import emulator_of_run

__tracebackhide__ = True  # a failing test shows its own lines

Answers = dict[str, str | int]
MARKER = "sched_emulator"
PASSED: pytest.StashKey[bool] = pytest.StashKey()  # the test itself, so far
GIVEN_ANSWERS: pytest.StashKey[Answers] = pytest.StashKey()
MEASURED_ANSWERS: pytest.StashKey[Answers] = pytest.StashKey()  # of the file of --sched-assumptions, where there is one


@dataclass(frozen=True)
class Settings:
    """What markers say about a test's sandbox."""

    now: Instant | None = None
    clock: str | None = None
    assumptions: Mapping[str, str | int] = field(default_factory=dict)
    dialect: str | None = None
    seed: int | None = None
    follow: bool | None = None
    strict: bool = False


class SandboxSettings(TypedDict, total=False):
    """The same as keywords."""

    now: Instant
    clock: str
    assumptions: Mapping[str, str | int]
    dialect: str
    seed: int
    follow: bool
    strict: bool


KINDS: dict[str, tuple[type, ...]] = {
    "now": (str, datetime),
    "clock": (str,),
    "assumptions": (Mapping,),
    "dialect": (str,),
    "seed": (int,),
    "follow": (bool,),
    "strict": (bool,),
}


def keep_given_answers(config: pytest.Config) -> None:
    """Read the answers that the command line gives, and keep them in the configuration."""
    from sched_emulator.spec import answer_files, assumptions  # noqa: PLC0415 - both read YAML

    answers: Answers = {}
    file = config.getoption("sched_assumptions")
    try:
        if file:
            path = files.to_read(str(config.invocation_params.dir / file), "--sched-assumptions")
            text = files.read_text(path, "--sched-assumptions")
            answers |= assumptions.parse_answers_toml(text, str(path))
            config.stash[MEASURED_ANSWERS] = answer_files.measured_in(text, str(path))
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
    except ValueError as error:
        raise pytest.UsageError(f"--sched-assumptions: {error}") from None
    try:
        answers |= assumptions.parse_answers(dict(map(_pair, config.getoption("sched_assume"))))
    except ValueError as error:
        raise pytest.UsageError(f"--sched-assume: {error}") from None
    config.stash[GIVEN_ANSWERS] = answers


def _pair(text: str) -> tuple[str, str]:
    name, equals, answer = text.partition("=")
    if not equals:
        raise ValueError(f"{text!r} is no ID=ANSWER such as queue.nack_position=back.")
    return name.strip(), answer.strip()


@dataclass(frozen=True)
class Beginning:
    """How a sandbox begins, as `Emulator.sandbox` takes it, and whether its clock then follows frozen time."""

    keywords: dict[str, Any]
    follows: bool


def beginning_of(config: pytest.Config, settings: Settings, emulator: Emulator) -> Beginning:
    """Return how a sandbox with these settings begins: they go before what the command line gives."""
    given = config.stash.get(GIVEN_ANSWERS, {})
    answers = {**_preset(settings.dialect), **given, **settings.assumptions}
    clock, now = settings.clock, settings.now
    if emulator.url == emulator_of_run(os.environ) and (clock, now) == (None, None) and _runs(emulator):
        clock, now = "frozen", datetime.fromtimestamp(FROZEN_START_MS / 1000, UTC)  # where it begins without `run`, too
    follows = config.getoption("sched_follow") if settings.follow is None else settings.follow
    return Beginning({"clock": clock, "now": now, "assumptions": answers or None, "seed": settings.seed}, follows)


@lru_cache(maxsize=1)
def _runs(emulator: Emulator) -> bool:
    """Say whether a sandbox that nobody sets has a running clock in this emulator."""
    with emulator.sandbox(f"{OWN_PREFIX}{os.getpid()}") as box:
        return box.clock.mode == "wall"


def following(box: Sandbox, beginning: Beginning) -> AbstractContextManager[None]:
    """Return the context in which a sandbox's clock follows the test's frozen time, if it is to."""
    return _following(box) if beginning.follows else nullcontext()


def _following(box: Sandbox) -> AbstractContextManager[None]:
    from sched_emulator.follow import follow  # noqa: PLC0415 - costs those who follow

    return follow(box)


def settings_of(item: pytest.Item) -> Settings:
    """Return the settings of a test's markers: the closest says it, and answers add up."""
    found: dict[str, Any] = {}
    assumptions: dict[str, Any] = {}
    for marker in item.iter_markers(MARKER):
        if marker.args:
            pytest.fail(f"the marker {MARKER} takes its settings by name: {', '.join(KINDS)}", pytrace=False)
        settings = checked(f"the marker {MARKER}", marker.kwargs)
        assumptions = {**settings.assumptions, **assumptions}
        found = {**marker.kwargs, **found}
    return Settings(**{**found, "assumptions": assumptions})


def checked(place: str, given: Mapping[str, Any]) -> Settings:
    """Return settings by their names; what cannot be meant fails the test, saying where it stands."""
    for name, value in given.items():
        if name not in KINDS:
            pytest.fail(f"{place} knows no {name!r}; there are {', '.join(KINDS)}", pytrace=False)
        if not isinstance(value, KINDS[name]):
            expected = " or ".join(kind.__name__.lower() for kind in KINDS[name])
            pytest.fail(f"{place} takes {expected} for {name}, got {value!r}", pytrace=False)
    return Settings(**given)


def _preset(dialect: str | None) -> Answers:
    if dialect is None:
        return {}
    from sched_emulator.spec import assumptions  # noqa: PLC0415 - reads YAML

    try:
        return assumptions.preset(dialect)
    except ValueError as error:
        pytest.fail(f"the marker {MARKER}: {error}", pytrace=False)
