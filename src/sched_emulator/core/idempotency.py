"""Idempotency keys, in one place for every write.

Scope: operation, path parameters and key. Fingerprint: the validated arguments without the key. Only what succeeded is
remembered, for `idempotency.window_seconds`; then one housekeeping entry forgets it.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .encoding import encode
from .errors import IdempotencyConflict, InvalidRequest
from .records import RememberedCall

if TYPE_CHECKING:
    from .sandbox import Sandbox


def perform(
    sandbox: "Sandbox",
    *,
    scope: str,
    key: str | None,
    creation: bool,
    arguments: Mapping[str, Any],
    operation: Callable[[], Any],
) -> tuple[Any, int | None]:
    """Perform a write, or return what it answered before, with the number of the request that it repeats."""
    if key is None:
        if creation and sandbox.answers.ask("idempotency.required") == "required":
            raise InvalidRequest(
                "`idempotency_key` must be given for a creation, got none", parameter="idempotency_key"
            )
        return operation(), None
    scope = f"{scope} {key}"
    fingerprint = encode(dict(sorted(arguments.items())))
    remembered = sandbox.remembered.get(scope)
    if remembered is not None:
        if remembered.fingerprint != fingerprint and sandbox.answers.ask("idempotency.conflict") == "reject":
            raise IdempotencyConflict(f"`idempotency_key` '{key}' was used before for a different request")
        return remembered.result, remembered.request_seq
    result = operation()
    sandbox.remembered[scope] = RememberedCall(
        scope=scope,
        fingerprint=fingerprint,
        result=result,
        at_ms=sandbox.now_ms,
        request_seq=sandbox.journal.seq + 1,
    )
    if len(sandbox.remembered) == 1:
        forget(sandbox, "")
    return result, None


def forget(sandbox: "Sandbox", _subject: str) -> None:
    """Forget keys older than the window, and schedule the next time (housekeeping `forget_keys`)."""
    window_ms = 1000 * sandbox.answers.constant("idempotency.window_seconds")
    while sandbox.remembered:
        scope, oldest = next(iter(sandbox.remembered.items()))
        if oldest.at_ms + window_ms > sandbox.now_ms:
            sandbox.timeline.schedule(oldest.at_ms + window_ms, "forget_keys", "")
            return
        del sandbox.remembered[scope]
