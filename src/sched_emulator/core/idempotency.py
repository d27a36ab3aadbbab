"""Idempotency keys, in one place for every write.

Scope: operation, path parameters and key. Fingerprint: the validated arguments without the key. Only what succeeded is
remembered, for `idempotency.window_seconds`; then one housekeeping entry forgets it. Two arguments that differ only in
the order of an object's members are the same request.
"""

from collections.abc import Callable, Mapping
from typing import Any

from .encoding import encode, encode_sorted
from .errors import IdempotencyConflict, InvalidRequest
from .records import RememberedCall
from .store import Store

KEYS = "idempotency keys"  # stands in `retention_entries` for the entry that forgets them


def perform(
    store: Store,
    *,
    scope: str,
    key: str | None,
    creation: bool,
    arguments: Mapping[str, Any],
    operation: Callable[[], Any],
) -> tuple[Any, int | None]:
    """Perform a write, or return what it answered before, with the number of the request that it repeats."""
    if key is None:
        if creation and store.answers.ask("idempotency.required") == "required":
            raise InvalidRequest(
                "`idempotency_key` must be given for a creation, got none", parameter="idempotency_key"
            )
        return operation(), None
    scope = encode([scope, key])
    fingerprint = encode_sorted(arguments)
    remembered = store.remembered.get(scope)
    if remembered is not None:
        if remembered.fingerprint != fingerprint and store.answers.ask("idempotency.conflict") == "reject":
            raise IdempotencyConflict(f"`idempotency_key` '{key}' was used before for a different request")
        return remembered.result, remembered.request_seq
    result = operation()
    store.remembered[scope] = RememberedCall(
        scope=scope,
        fingerprint=fingerprint,
        result=result,
        at_ms=store.now_ms,
        request_seq=store.journal.seq + 1,
    )
    if KEYS not in store.retention_entries:
        forget(store)
    return result, None


def forget(store: Store, _subject: str = "") -> None:
    """Forget keys older than the window, and schedule the next time (housekeeping `forget_keys`)."""
    store.timeline.cancel(store.retention_entries.pop(KEYS, None))
    window_ms = 1000 * store.answers.constant("idempotency.window_seconds")
    while store.remembered:
        scope, oldest = next(iter(store.remembered.items()))
        if oldest.at_ms + window_ms > store.now_ms:
            due_ms = oldest.at_ms + window_ms
            store.retention_entries[KEYS] = store.timeline.schedule(due_ms, "forget_keys", "")
            return
        del store.remembered[scope]
