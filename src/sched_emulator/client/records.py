"""What the control API answers, with names: each record is the documented object itself, and its fields are attributes.

A record is a dict, so that it is compared, printed and read by key like any JSON; what was not answered is no key, and
None as an attribute.
"""

from collections.abc import Callable, Mapping
from typing import Any, Generic, Literal, Self, TypeVar, overload

from .http import EmulatorError

__tracebackhide__ = True  # a failing test shows its own lines
T = TypeVar("T")


class Field(Generic[T]):
    """An attribute that is the key of its name; None where the key is absent."""

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, record: None, _owner: type) -> Self: ...

    @overload
    def __get__(self, record: "Record", _owner: type) -> T: ...

    def __get__(self, record: "Record | None", _owner: type) -> Self | T:
        return self if record is None else record.get(self._name)  # type: ignore[return-value] # T allows None


class Record(dict[str, Any]):
    """An object of the control API. It has no attributes but its fields, so none that is misspelt can be set."""

    __slots__ = ()


class Delivery(Record):
    """One attempt at a delivery. `at` is when it started, in virtual time; `url` what was configured."""

    __slots__ = ()
    seq = Field[int]()
    at = Field[str]()
    kind = Field[Literal["cron", "task", "push", "failure"]]()
    url = Field[str]()
    routed_to = Field[str | None]()
    headers = Field[dict[str, str]]()
    body = Field[Any]()
    attempt = Field[int]()
    run_id = Field[str | None]()
    message_id = Field[str | None]()
    outcome = Field[Literal["running", "delivered", "failed", "timeout", "refused", "captured"]]()
    status = Field[int | None]()
    error = Field[str | None]()
    duration_seconds = Field[float | None]()
    response_headers = Field[dict[str, str] | None]()
    response_body = Field[str | None]()
    note = Field[str | None]()


class Request(Record):
    """One request to the emulated API. `operation` is None when none matched; `ignored` fields had no effect."""

    __slots__ = ()
    seq = Field[int]()
    at = Field[str]()
    operation = Field[str | None]()
    method = Field[str]()
    path = Field[str]()
    body = Field[Any]()
    status = Field[int]()
    response = Field[Any]()
    ignored = Field[list[str]]()
    replayed_from = Field[int | None]()
    note = Field[str | None]()


class TimelineEntry(Record):
    """Something that is due. `subject` is the id of what it happens to, `name` its name if it has one."""

    __slots__ = ()
    at = Field[str]()
    kind = Field[str]()
    subject = Field[str]()
    name = Field[str | None]()


class Advanced(Record):
    """How an advance ended: the instant reached, how many events happened, and what stopped it."""

    __slots__ = ()
    now = Field[str]()
    fired = Field[int]()
    stopped = Field[Literal["until", "events", "idle", "max_events"]]()


class Script(Record):
    """A scripted receiver, and how many deliveries it answered."""

    __slots__ = ()
    url = Field[str]()
    responses = Field[list[dict[str, Any]]]()
    then = Field[Literal["repeat-last", "cycle"]]()
    used = Field[int]()


class Fault(Record):
    """A fault, and how many requests met it."""

    __slots__ = ()
    operation = Field[str]()
    status = Field[int | None]()
    code = Field[str | None]()
    retry_after_seconds = Field[int | None]()
    latency_seconds = Field[float | None]()
    drop = Field[bool | None]()
    times = Field[int | None]()
    probability = Field[float | None]()
    after = Field[bool | None]()
    used = Field[int]()


E = TypeVar("E", bound=Record)


class Log(list[E]):
    """Journal entries, oldest first. `dropped` says how many before `first_seq` are no longer kept."""

    def __init__(self, page: Mapping[str, Any], kind: Callable[[Any], E]) -> None:
        super().__init__(map(kind, page["items"]))
        self.first_seq: int = page["first_seq"]
        self.dropped: int = page["dropped"]

    def whole(self, what: str, since: int | None) -> Self:
        """Return itself when nothing that was asked for has been dropped; EmulatorError `DROPPED` otherwise."""
        if self.dropped and (since is None or since < self.first_seq - 1 or not self.first_seq):
            raise EmulatorError(
                0,
                "DROPPED",
                f"the first {self.dropped:,} {what} of the session are no longer kept, so what is left tells no number",
                "Emulator.start(journal=N) or `serve --journal N` keeps more (`keep` bounds their bytes), since= asks"
                " for later ones, kept=True for those that are left",
            )
        return self
