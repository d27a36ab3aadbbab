"""The settings of a test's sandbox: those of its markers, over those of the command line."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sched_emulator.client.emulator import Emulator
from sched_emulator.client.http import EmulatorError
from sched_emulator.client.sandbox import Instant, Sandbox

from .relied import ASKED, note

__tracebackhide__ = True  # a failing test shows its own lines

Answers = dict[str, str | int]
MARKER = "sched_emulator"
GIVEN_ANSWERS: pytest.StashKey[Answers] = pytest.StashKey()


@dataclass(frozen=True)
class Settings:
    """What markers say about a test's sandbox."""

    now: Instant | None = None
    clock: str | None = None
    assumptions: Mapping[str, str | int] = field(default_factory=dict)
    dialect: str | None = None
    seed: int | None = None
    follow: bool | None = None


KINDS: dict[str, tuple[type, ...]] = {
    "now": (str, datetime),
    "clock": (str,),
    "assumptions": (Mapping,),
    "dialect": (str,),
    "seed": (int,),
    "follow": (bool,),
}


def keep_given_answers(config: pytest.Config) -> None:
    """Read the answers that the command line gives, and keep them in the configuration."""
    from sched_emulator.spec import assumptions  # noqa: PLC0415 - reads YAML

    answers: Answers = {}
    file = config.getoption("sched_assumptions")
    try:
        if file:
            answers |= assumptions.read_answers_toml(config.invocation_params.dir / Path(file))
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


@contextmanager
def sandbox_of(request: pytest.FixtureRequest, emulator: Emulator) -> Iterator[Sandbox]:
    """Make the sandbox that a test's markers ask for, and forget it at the end."""
    config: pytest.Config = request.config
    settings = settings_of(request.node)
    given = config.stash.get(GIVEN_ANSWERS, {})
    answers = {**_preset(settings.dialect), **given, **settings.assumptions}
    try:
        fresh = emulator.sandbox(
            clock=settings.clock, now=settings.now, assumptions=answers or None, seed=settings.seed
        )
    except (EmulatorError, ValueError) as error:
        pytest.fail(f"the test's sandbox cannot be made: {error}", pytrace=False)
    with fresh as box:
        follows = config.getoption("sched_follow") if settings.follow is None else settings.follow
        with _following(box) if follows else nullcontext():
            yield box
        if config.stash.get(ASKED, False):
            note(request.node, box, settings.assumptions)


def _following(box: Sandbox) -> AbstractContextManager[None]:
    from sched_emulator.follow import follow  # noqa: PLC0415 - costs those who follow

    return follow(box)


def settings_of(item: pytest.Item) -> Settings:
    """Return the settings of a test's markers: the closest says it, and answers add up."""
    found: dict[str, Any] = {}
    assumptions: dict[str, Any] = {}
    for marker in item.iter_markers(MARKER):
        _check(marker)
        assumptions = {**marker.kwargs.get("assumptions", {}), **assumptions}
        found = {**marker.kwargs, **found}
    return Settings(**{**found, "assumptions": assumptions})


def _check(marker: pytest.Mark) -> None:
    if marker.args:
        pytest.fail(f"the marker {MARKER} takes its settings by name: {', '.join(KINDS)}", pytrace=False)
    for name, value in marker.kwargs.items():
        if name not in KINDS:
            pytest.fail(f"the marker {MARKER} knows no {name!r}; there are {', '.join(KINDS)}", pytrace=False)
        if not isinstance(value, KINDS[name]):
            expected = " or ".join(kind.__name__.lower() for kind in KINDS[name])
            pytest.fail(f"the marker {MARKER} takes {expected} for {name}, got {value!r}", pytrace=False)


def _preset(dialect: str | None) -> Answers:
    if dialect is None:
        return {}
    from sched_emulator.spec import assumptions  # noqa: PLC0415 - reads YAML

    try:
        return assumptions.preset(dialect)
    except ValueError as error:
        pytest.fail(f"the marker {MARKER}: {error}", pytrace=False)
