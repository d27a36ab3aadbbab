"""Snapshots that come from outside: read and checked, and, for `--load`, made what the command line asks for.

What the command line says wins over the snapshot, or the start is refused with one sentence. What it leaves to its
defaults stays as the snapshot has it, but for where deliveries may go: that is the server's in any case.
"""

from pathlib import Path

from msgspec.structs import replace

from sched_emulator import files
from sched_emulator.config import Config, UsageError
from sched_emulator.core import snapshot, soundness
from sched_emulator.core.errors import InvalidRequest
from sched_emulator.core.instants import to_text
from sched_emulator.core.records import Settings, State
from sched_emulator.core.sandbox import Sandbox
from sched_emulator.core.timeline import EVENT_WORDS
from sched_emulator.spec import assumptions


def read_snapshot(document: bytes, *, may_be_changed: bool = False) -> State:
    """Return the state in a snapshot that came from outside. InvalidRequest when it is none, or does not hang together.

    Answers that its writer did not know of are the default ones.
    """
    state = snapshot.unseal(document, may_be_changed=may_be_changed)
    try:
        given = assumptions.parse_answers(state.answers), assumptions.parse_answers(state.settings.answers)
    except ValueError as error:
        raise InvalidRequest(f"the snapshot must have answers that are known: {error}") from None
    answers, beginning = ({**assumptions.defaults(), **known} for known in given)
    state = replace(state, answers=answers, settings=replace(state.settings, answers=beginning))
    soundness.check(state)
    return state


def load(path: Path, config: Config, own: Settings) -> State:
    """Return the state in which new sandboxes begin: that of a snapshot, with what was said besides.

    `own` are the settings of the server's sandboxes. UsageError when the file cannot be used, or not at `--now`.
    """
    try:
        state = snapshot.at_home(read_snapshot(files.read_bytes(path, "--load")), own)
    except InvalidRequest as error:
        raise UsageError(f"--load: {path} cannot be used: {error.message}") from None
    if "now" in config.given and config.now_ms is not None:
        state = _at(state, config.now_ms, path)
    settings = state.settings
    if config.given_answers:
        sandbox = Sandbox(state)
        sandbox.set_assumptions(config.given_answers)
        state = sandbox.store.state()
        settings = replace(settings, answers={**settings.answers, **config.given_answers})
    if "clock" in config.given:
        state = replace(state, mode=own.mode, speed=own.speed)
        settings = replace(settings, mode=own.mode, speed=own.speed)
    if "seed" in config.given:
        settings = replace(settings, seed=own.seed)
    routes = {**state.routes, **own.routes}
    return replace(state, routes=routes, settings=replace(settings, routes={**settings.routes, **own.routes}))


def _at(state: State, now_ms: int, path: Path) -> State:
    """Return a state at another instant, to which nothing is due on the way. UsageError when it cannot be there."""
    if not (state.journal_seq or state.fired or state.timeline):
        return replace(state, now_ms=now_ms, settings=replace(state.settings, start_ms=now_ms))
    stands = f"--now: {path} stands at {to_text(state.now_ms)}"
    if now_ms < state.now_ms:
        raise UsageError(f"{stands}, and its time does not go back; leave --now out, or give a later instant")
    first = min(state.timeline, key=lambda entry: entry.due_ms, default=None)
    if first is not None and first.due_ms <= now_ms != state.now_ms:
        words = EVENT_WORDS.get(first.kind, "the end of what {} retains")
        due = f"{words.format(first.subject)} is due at {to_text(max(first.due_ms, state.now_ms))}"
        raise UsageError(f"{stands}, and {due}; leave --now out, and let time pass by `sched-emulator clock set`")
    return replace(state, now_ms=now_ms)
