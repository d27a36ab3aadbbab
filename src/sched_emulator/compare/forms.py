"""What a state is like: all by which anybody could ever tell it from another, and its instants beside it."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from hashlib import blake2b
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from sched_emulator.core.records import Attempt, Cron, Delivery, Message, Queue, RememberedCall, Run, Task

from .held import Standing

INSTANTS = frozenset(
    {
        "published_ms",
        "kept_from_ms",
        "died_ms",
        "scheduled_ms",
        "started_ms",
        "finished_ms",
        "run_at_ms",
        "next_run_ms",
        "at_ms",
    }
)
NUMBERS = frozenset(  # which another order of what nobody can tell apart would have made others
    {
        "arrival",
        "position",
        "finish_number",
        "entry",
        "fire_entry",
        "push_entry",
        "retention_entry",
        "journal_seq",
        "request_seq",
    }
)
_encoder = msgspec.json.Encoder(decimal_format="number", order="deterministic", enc_hook=repr)  # of UNSET
Fields = Callable[[Any], tuple[Any, ...]]


class Form(NamedTuple):
    """What a state is like. `digest` is of all but its instants and the ids that are bound to its things."""

    digest: bytes
    instants: tuple[int | None, ...]
    ids: Mapping[str, str]

    def near(self, other: "Form", width_ms: int) -> bool:
        """Whether two states of one digest differ in instants alone, by no more than so much."""
        if self.instants == other.instants or not width_ms:
            return self.instants == other.instants and self.ids == other.ids
        pairs = zip(self.instants, other.instants, strict=True)
        return self.ids == other.ids and all(_near(*pair, width_ms) for pair in pairs)


def _near(one: int | None, other: int | None, width_ms: int) -> bool:
    return one == other or (one is not None and other is not None and abs(one - other) <= width_ms)


def form_of(standing: Standing, *, in_order: bool = True) -> Form:
    """Return what a state is like. Not `in_order`: in whatever order things will happen that are due in it."""
    state = standing.sandbox.store.state()
    ranked_by = ("due_ms", "seq") if in_order else ("kind", "subject", "due_ms", "seq")
    timeline = sorted(state.timeline, key=attrgetter(*ranked_by))
    instants: list[int | None] = [state.now_ms, *(entry.due_ms for entry in timeline)]
    plain: list[Any] = [[[entry.kind, entry.subject, entry.queue] for entry in timeline]]
    kinds: tuple[tuple[type[msgspec.Struct], Iterable[Any]], ...] = (
        (Message, state.messages),
        (Cron, state.crons),
        (Task, state.tasks),
        (Run, state.runs),
        (Queue, state.queues),
        (Delivery, state.deliveries),
        (Attempt, state.attempts),
        (RememberedCall, state.remembered),
    )
    for kind, records in kinds:
        shown, timed = _fields(kind)
        plain.append([shown(record) for record in records])
        instants += [instant for record in records for instant in timed(record)]
    ranked = (sorted(state.messages, key=attrgetter(rank)) for rank in ("arrival", "position"))
    plain += [[message.message_id for message in messages] for messages in ranked]
    plain += [sorted(state.retention_entries), sorted(standing.taken)]
    digest = blake2b(_encoder.encode(plain), digest_size=16).digest()
    return Form(digest, tuple(instants), standing.matching.ids)


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[Fields, Fields]:
    """Return what gives the fields of a record that show, and its instants."""
    timed = [name for name in kind.__struct_fields__ if name in INSTANTS]
    shown = [name for name in kind.__struct_fields__ if name not in INSTANTS | NUMBERS]
    return _getter(shown), _getter(timed)


def _getter(names: list[str]) -> Fields:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda record: tuple(getattr(record, name) for name in names)
