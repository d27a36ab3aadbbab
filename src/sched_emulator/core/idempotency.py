"""Idempotency keys, in one place for every write.

Scope: operation, arguments in the path, and key. Fingerprint: the validated arguments without the key, or a hash of
long ones. Only what succeeded is remembered, for `idempotency.window_seconds`; then one housekeeping entry forgets it.
Two arguments that differ only in the order of an object's members are the same request.
"""

from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any

from .encoding import encode, encode_sorted
from .errors import IdempotencyConflict, InvalidRequest
from .records import RememberedCall
from .store import Store
from .timeline import DROPPED_A_CHORE, DROPPED_AT_ONCE, Entry

LONGEST_CHARS = 1024  # of arguments that are remembered as they are
KEYS = "idempotency keys"  # stands in `retention_entries` for the entry that forgets them


def refuse_without_key(store: Store, *, creation: bool) -> None:
    """Refuse a creation without a key where one is required (assumption `idempotency.required`)."""
    if creation and store.answers.ask("idempotency.required") == "required":
        raise InvalidRequest("must be given for a creation, got none", parameter="idempotency_key")


def perform(
    store: Store,
    *,
    operation_id: str,
    path: tuple[str, ...],
    key: str,
    arguments: Mapping[str, Any],
    operation: Callable[[], Any],
) -> tuple[Any, int | None]:
    """Perform a write, or return what it answered before, with the number of the request that it repeats."""
    place = encode([operation_id, *(arguments[name] for name in path), key])
    fingerprint = _shortened(encode_sorted(arguments))
    remembered = store.remembered.get(place)
    if remembered is not None:
        if _shortened(remembered.fingerprint) != fingerprint and store.answers.ask("idempotency.conflict") == "reject":
            raise IdempotencyConflict(f"`idempotency_key` '{key}' was used before for a different request")
        return remembered.result, remembered.request_seq
    result = operation()
    store.remembered[place] = RememberedCall(
        scope=place,
        fingerprint=fingerprint,
        result=result,
        at_ms=store.now_ms,
        request_seq=store.journal.seq + 1,
    )
    if KEYS not in store.retention_entries:
        forget(store)
    return result, None


def _shortened(fingerprint: str) -> str:
    """Return a fingerprint as it is remembered; snapshots of older versions have long ones whole."""
    if len(fingerprint) <= LONGEST_CHARS:
        return fingerprint
    return blake2b(fingerprint.encode(), digest_size=32).hexdigest()


def window_is_over(store: Store, entry: Entry) -> None:
    """Forget the keys that have been remembered long enough (housekeeping `forget_keys`)."""
    forget(store, happening=entry)


def forget(store: Store, *, happening: Entry | None = None) -> None:
    """Forget keys older than the window, and schedule the next time.

    An entry that is `happening` drops a few and happens again for the rest, before anything else.
    """
    store.timeline.cancel(store.retention_entries.pop(KEYS, None))
    window_ms = 1000 * store.answers.constant("idempotency.window_seconds")
    dropped = 0
    while store.remembered:
        scope, oldest = next(iter(store.remembered.items()))
        if oldest.at_ms + window_ms > store.now_ms:
            due_ms = oldest.at_ms + window_ms
            store.retention_entries[KEYS] = store.timeline.schedule(due_ms, "forget_keys", "")
            return
        if dropped == (DROPPED_AT_ONCE if happening is None else DROPPED_A_CHORE):
            store.retention_entries[KEYS] = store.the_rest(happening, "forget_keys", "")
            return
        del store.remembered[scope]
        dropped += 1
