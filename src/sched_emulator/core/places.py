"""A message's life: where it can be, and what takes it from there.

A message is held by exactly one queue, in exactly one place. `PLACES` is all that can happen to it; a pair that is not
in it is a mistake of ours and raises. None is where a message is before it was published and when it has gone.

- available: the next to be handed out, in order of rank.
- delayed: waiting for an instant, published with a delay or backing off after a failure.
- in_flight: handed out under a lease, to a consumer or to a push.
- dead: a dead letter that only dlq.list and redrive reach. In a dead-letter queue that can be consumed a dead letter
  is a message like others, with a life as here; it can be redriven wherever it is.

What else to change together: docs/message-states.md, which a test compares with this table.
"""

from typing import Literal

from .records import Place

Happening = Literal[
    "publish",
    "publish_delayed",
    "delay_over",
    "hand_out",
    "ack",
    "requeue",
    "back_off",
    "die",
    "die_consumable",
    "drop",
    "redrive",
    "expire",
    "purge",
]

PLACES: dict[tuple[Place | None, Happening], Place | None] = {
    (None, "publish"): "available",
    (None, "publish_delayed"): "delayed",
    ("delayed", "delay_over"): "available",
    ("available", "hand_out"): "in_flight",
    ("in_flight", "ack"): None,
    ("available", "ack"): None,  # after its lease ran out, see `queue.ack_expired`
    ("in_flight", "requeue"): "available",
    ("in_flight", "back_off"): "delayed",
    ("in_flight", "die"): "dead",
    ("in_flight", "die_consumable"): "available",
    ("in_flight", "drop"): None,
    ("available", "redrive"): "available",
    ("delayed", "redrive"): "available",
    ("in_flight", "redrive"): "available",
    ("dead", "redrive"): "available",
    ("available", "expire"): None,
    ("delayed", "expire"): None,
    ("in_flight", "expire"): None,
    ("dead", "expire"): None,
    ("available", "purge"): None,
    ("delayed", "purge"): None,
    ("in_flight", "purge"): None,
}


def after(place: Place | None, happening: Happening) -> Place:
    """Return where a message is next; KeyError names both when there is no such way."""
    following = PLACES[place, happening]
    assert following is not None, (place, happening)
    return following


def leads_out(place: Place, happening: Happening) -> bool:
    """Say whether a message that something happens to has gone; KeyError names both when it cannot happen."""
    return PLACES[place, happening] is None
