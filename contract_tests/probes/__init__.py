"""One probe for each open question that can be measured within a run; importing this registers them all."""

from . import constants, crons, deliveries, queues, shapes

__all__ = ["constants", "crons", "deliveries", "queues", "shapes"]

CANNOT_BE_PROBED = {
    "account.topup_url": "it would begin a payment",
    "queue.retention_days": "it would take days, and no operation returns it",
    "delivery.backoff_max_seconds": "it would take hours",
    "idempotency.window_seconds": "it would take as long as the window, a day perhaps",
}
