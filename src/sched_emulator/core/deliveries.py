"""Deliveries and their attempts: what is sent, where to, when again, and what the journal says of it.

Used by runs (crons, tasks, failure webhooks) and by messages (push). Nothing here knows who owns a delivery: `end`
closes an attempt and the sandbox tells the owner. Body, delivery id and run id stay the same over all attempts of a
delivery; attempt number, timestamp and signature are new each time.
"""

from typing import Any

from . import signing, targets, urls
from .encoding import encode
from .records import Attempt, Delivery, DeliveryEntry, Outcome
from .store import Store


def backoff_ms(store: Store, failures: int) -> int:
    """Return how long to wait after this many failures in a row (assumption `delivery.backoff`)."""
    answer = store.answers.ask("delivery.backoff")
    if answer == "immediate":
        return 0
    if answer == "fixed":
        return 60_000
    first = store.answers.constant("delivery.backoff_first_seconds")
    longest = store.answers.constant("delivery.backoff_max_seconds")
    return 1000 * min(first << min(failures - 1, 32), longest)


def start(store: Store, delivery: Delivery, *, queue: str | None = None) -> Attempt:
    """Begin the next attempt of a delivery now, and journal it.

    The attempt's `outcome` is set when nobody outside has to be asked: a scripted receiver, or a delivery that is
    captured or refused. Otherwise it is for the edge to send.
    """
    delivery.attempt += 1
    body = {**delivery.body, "attempt": delivery.attempt} if delivery.numbered else delivery.body
    text = encode(body)
    headers = _headers(store, delivery, text)
    outcome = targets.answer(store.targets, delivery.url, delivery.timeout_ms)
    routed_to = _routed(store, delivery.url) if outcome is None else None
    if outcome is None and routed_to is None:
        outcome = _uncovered(store, delivery.url)
    entry = DeliveryEntry(
        seq=store.journal.next_seq(),
        at_ms=store.now_ms,
        kind=delivery.kind,
        url=delivery.url,
        routed_to=routed_to,
        headers=headers,
        body=body,
        attempt=delivery.attempt,
        run_id=None if delivery.kind == "push" else delivery.owner_id,
        message_id=delivery.owner_id if delivery.kind == "push" else None,
    )
    store.journal.add_delivery(entry)
    attempt = Attempt(
        attempt_id=f"{delivery.delivery_id}.{delivery.attempt}",
        delivery_id=delivery.delivery_id,
        kind=delivery.kind,
        owner_id=delivery.owner_id,
        queue=queue,
        url=routed_to or delivery.url,
        routed=routed_to is not None,
        headers=headers,
        body=text,
        timeout_ms=delivery.timeout_ms,
        journal_seq=entry.seq,
        number=delivery.attempt,
        outcome=outcome,
    )
    store.attempts[attempt.attempt_id] = attempt
    return attempt


def end(store: Store, attempt: Attempt, outcome: Outcome) -> None:
    """Close an attempt: it is no longer under way, and the journal says how it ended."""
    del store.attempts[attempt.attempt_id]
    entry = store.journal.delivery(attempt.journal_seq)
    if entry is not None:
        entry.outcome = outcome.result
        entry.status = outcome.status
        entry.error = outcome.error
        entry.duration_ms = store.now_ms - entry.at_ms
        entry.response_headers = outcome.response_headers
        entry.response_body = outcome.response_body
        store.journal.end_delivery(entry)


def note(store: Store, attempt: Attempt, text: str) -> None:
    """Say in the journal what else is to be known of an attempt."""
    entry = store.journal.delivery(attempt.journal_seq)
    if entry is not None:
        entry.note = text


def _headers(store: Store, delivery: Delivery, text: str) -> dict[str, str]:
    owner = "X-Infrai-Message-Id" if delivery.kind == "push" else "X-Infrai-Run-Id"
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Infrai-Scheduling/1.0 (sched-emulator)",
        "X-Infrai-Delivery-Id": delivery.delivery_id,
        "X-Infrai-Attempt": str(delivery.attempt),
        owner: delivery.owner_id,
    }
    if delivery.secret is not None:
        headers |= signing.sign(
            store.answers.ask("signature.scheme"),
            delivery.secret,
            body=text.encode(),
            delivery_id=delivery.delivery_id,
            timestamp_ms=store.now_ms if store.signing_now_ms is None else store.signing_now_ms,
        )
    if delivery.headers:
        own = {name.lower() for name in delivery.headers}
        headers = {name: value for name, value in headers.items() if name.lower() not in own} | delivery.headers
    return headers


def _routed(store: Store, url: str) -> str | None:
    """Return where a route leads a delivery, and count that it did; None when there is none."""
    source = urls.leading(url, store.routes)
    if source is None:
        return None
    store.routes_used[source] = store.routes_used.get(source, 0) + 1
    return urls.along(url, source, store.routes[source])


def _uncovered(store: Store, url: str) -> Outcome | None:
    """Return the outcome of a delivery that no script and no route covers; None when it is to be sent."""
    settings = store.settings
    if settings.deliver == "all" or (settings.deliver == "loopback" and urls.is_loopback(url)):
        return None
    if settings.uncovered == "refuse":
        return Outcome(result="refused", error="no scripted target and no route covers this URL")
    return Outcome(result="captured", status=200)


def event_body(kind: str, **facts: Any) -> dict[str, Any]:
    """Return the body of an event: its type, then what is known; what is None is left out."""
    return {"type": kind} | {name: value for name, value in facts.items() if value is not None}
