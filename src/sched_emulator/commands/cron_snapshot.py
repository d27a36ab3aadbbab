"""`sched-emulator cron` of crons that there are already: those of a snapshot, or of a sandbox of a running emulator."""

from collections import Counter
from typing import NamedTuple

from sched_emulator.config import UsageError
from sched_emulator.core import schedule
from sched_emulator.core.preview import Timed
from sched_emulator.core.records import Cron
from sched_emulator.core.schedule import ScheduleError

from .cron_file import Planned


class Held(NamedTuple):
    """The crons that will fire, the first instant at which one of them may, and the names of those that will not."""

    planned: list[Planned]
    start_ms: int
    resting: list[str]


def read(document: bytes, what: str) -> Held:
    """Return the crons of a snapshot, read under its answers.

    UsageError where it is none, ScheduleError where one of them cannot be under its answers. `what` is named in errors.
    """
    from sched_emulator.core.errors import InvalidRequest  # noqa: PLC0415 - beside its use
    from sched_emulator.server import loading  # noqa: PLC0415 - who has a TOML file pays nothing for it

    try:
        state = loading.read_snapshot(document)
    except InvalidRequest as error:
        raise UsageError(f"{what} cannot be used: {error.message}") from None
    counts = Counter(cron.name for cron in state.crons)
    fired = all(cron.next_run_ms is None or cron.next_run_ms > state.now_ms for cron in state.crons)
    start_ms = state.now_ms + fired  # what was due at this instant has happened
    planned, resting = [], []
    for cron in state.crons:
        name = cron.name if counts[cron.name] == 1 else f"{cron.name} ({cron.cron_id})"
        if cron.next_run_ms is None:
            resting.append(name)
        else:
            planned.append(_planned(name, cron, state.answers, start_ms))
    return Held(planned, start_ms, resting)


def _planned(name: str, cron: Cron, answers: dict[str, str | int], start_ms: int) -> Planned:
    if cron.run_at_ms is not None:
        return Planned(name, None, (), once_ms=cron.next_run_ms)
    position = str(answers["cron.seconds_position"]) if len(cron.cron_expr.split()) == 6 else "first"
    try:
        parsed = schedule.parse(cron.cron_expr, seconds_position=position)
        timed = Timed(parsed, schedule.load_zone(cron.timezone), str(answers["cron.dst"]))
    except ScheduleError as error:
        raise ScheduleError(f"{name}: {error}") from None
    left = None if cron.max_runs is None else max(cron.max_runs - cron.runs_counted, 0)
    return Planned(name, timed, (), left=left, since_ms=start_ms)
