"""Field by field: what a core returned against what came, with ids bound by their places and instants as intervals."""

from typing import Any, NamedTuple

from .wording import Keys, number_of

IDS = frozenset({"cron_id", "run_id", "task_id", "message_id", "subscription_id"})
EXACT = frozenset({"next_run_at", "run_at"})  # instants that follow from what was asked for, not from when
OPEN = frozenset({"error", "next_cursor", "checkout_url", "finished_at"})  # words and what nobody can foresee
LATE_MS = 2000  # how much later than due a delivery may come, or begin
ABSENT = "nothing"


class Difference(NamedTuple):
    """A field that came otherwise. `thing`: which record it is of, where the exchange alone does not say."""

    field: str
    expected: Any
    came: Any
    thing: str = ""


class Otherwise(Exception):
    """A world in which something came out otherwise than it was recorded."""

    def __init__(self, difference: Difference) -> None:
        super().__init__(difference.field)
        self.difference = difference


class Matching:
    """Compares results. `ids`: the target's ids, to ours; those seen for the first time are added to it."""

    def __init__(self, width_ms: int) -> None:
        self.ids: dict[str, str] = {}
        self._ours: dict[str, str] = {}
        self._width_ms = width_ms

    def copy(self) -> "Matching":
        """Return another that knows the same ids."""
        other = Matching(self._width_ms)
        other.ids, other._ours = dict(self.ids), dict(self._ours)
        return other

    def difference(self, expected: Any, came: Any, keys: Keys | None, place: str = "") -> Difference | None:
        """Return the first field that differs; None when there is none."""
        if isinstance(expected, dict) and isinstance(came, dict):
            return self._of_object(expected, came, keys or {}, place)
        if isinstance(expected, list) and isinstance(came, list):
            return self._of_list(expected, came, keys, place)
        return None if self._alike(place.rpartition(".")[2], expected, came) else Difference(place, expected, came)

    def bind(self, theirs: str, ours: str) -> bool:
        """Say whether an id of the target's may be ours, and keep that it is."""
        if not self.may_be(theirs, ours):
            return False
        self.ids[theirs], self._ours[ours] = ours, theirs
        return True

    def may_be(self, theirs: str, ours: str) -> bool:
        """Say whether an id of the target's may be ours."""
        return self.ids.get(theirs) == ours or (theirs not in self.ids and ours not in self._ours)

    def rebind(self, theirs: str, ours: str) -> None:
        """Let an id of the target's be ours, whatever it was before."""
        self._ours.pop(self.ids.get(theirs, ""), None)
        self.ids[theirs], self._ours[ours] = ours, theirs

    def _of_object(self, expected: Any, came: Any, keys: Keys, place: str) -> Difference | None:
        unnamed = expected.get("name") is not None and expected.get("name") == expected.get("cron_id")
        for name in {**came, **{key: None for key in keys if key in expected}}:
            if name in OPEN or (unnamed and name == "name"):
                continue
            where = f"{place}.{name}" if place else name
            if name not in expected or name not in came:
                return Difference(where, expected.get(name, ABSENT), came.get(name, ABSENT))
            payload = name == "payload"
            if payload:
                if expected[name] != came[name]:
                    return Difference(where, expected[name], came[name])
                continue
            found = self.difference(expected[name], came[name], keys.get(name), where)
            if found is not None:
                return found
        return None

    def _of_list(self, expected: Any, came: Any, keys: Keys | None, place: str) -> Difference | None:
        if len(expected) != len(came):
            return Difference(place, number_of(len(expected), "item"), number_of(len(came), "item"))
        name = "message_id" if place == "message_ids" else place
        for number, (one, other) in enumerate(zip(expected, came, strict=True)):
            where = f"{name}.{number}" if isinstance(one, dict) else name
            found = self.difference(one, other, keys, where)
            if found is not None:
                return found
        return None

    def _alike(self, name: str, expected: Any, came: Any) -> bool:
        if name in IDS and isinstance(expected, str) and isinstance(came, str):
            return self.bind(came, expected)
        if isinstance(came, bool) or isinstance(expected, bool):
            return bool(expected) == bool(came)
        if isinstance(expected, str) or isinstance(came, str) or name in EXACT:
            return bool(expected == came)
        if name.endswith("_at"):
            rounded_ms = 0 if came % 1000 else 999
            late_ms = LATE_MS if name == "started_at" else 0
            return bool(abs(expected - came) <= self._width_ms + rounded_ms + late_ms)
        if name == "oldest_age_seconds":
            return bool(abs(expected - came) <= 1 + self._width_ms / 1000)
        return bool(expected == came)
