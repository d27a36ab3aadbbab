"""The contract suite: tells whether a target behaves as the scheduling API is documented.

A target is the emulator, the real gateway, or a mock of somebody's own. The suite speaks HTTP only: it knows the
specification (`openapi/`), and nothing of how any target is built. This package is its engine; the checks are written
apart from it, in folders of files that import what stands below and nothing else. How the engine is put together, from
the bottom:

    results · settings          what a check is, what became of it; what the user asked for
    described                   the documents resolved for the target's shapes
    gate · pace · created       every request passes here: budget, rate, refusals, the key, what was made
    prices                      what requests cost, by the target's own discovery
    site · stages · receivers   the target; where one check takes place, in virtual time or real; who is delivered to
    sharing                     what checks share where each request may cost
    api · reply · steps         what scenarios and probes talk to, and what several of them do
    common                      queues and crons that many of them use
    crons                       crons, runs, deliveries and messages, read by meaning
    declare · catalogue         how a check is written, with address and warrant; which there are
    demands                     what checks demand besides, that nobody documented: judged once for each choice
    ledger                      the target's answers to the open questions
    schema/                     schemathesis over the resolved document
    judge · plan                what becomes of one check; which checks a run makes, and what they cost
    runner · cleanup · known    the policy of a run: side by side, and what was made is deleted in the end
    reports/                    terminal, HTML, Markdown, JUnit, JSON

A check is a function that takes an `Api`, has a docstring for its title, is declared by a `Group` (or as a `probe`),
and fails by `equal`, by `require`, or by a method of the `Api` that expects something. docs/conformance.md shows one.
"""

from .api import NEVER, NO_BODY, Api
from .beats import (
    TRICKY,
    beat,
    changing_cron,
    due,
    fired_cron,
    lateness,
    with_expression,
)
from .common import (
    creations,
    empty_queue,
    fifo_queue,
    idle_cron,
    idle_cron_fetched,
    idle_cron_retention,
    idle_queue,
    listed_crons,
    published,
    purged,
    pushed_queue,
    senseless,
    spare_cron,
    standard_queue,
    two_empty_queues,
    two_queues,
    unkeyed_queue,
)
from .crons import cron_id, has_ended, messages_in, next_run
from .declare import Bound, Group, probe
from .described import routes
from .instants import instant_of, instant_text
from .receivers import Answer, Call, Receiver
from .reply import Reply, accepted
from .results import Failed, NotChecked, equal, require, shown
from .signed import SCHEMES, SECRET, is_signed
from .steps import (
    LATE_SECONDS,
    Nacked,
    collected,
    collected_ids,
    dead_letter,
    dead_letter_taken,
    dead_letters,
    die,
    nack,
    nacked_with_one_retry,
    named_task,
    plain_push,
    plain_task,
    prioritised,
    requeued,
    side_by_side,
    signed_push,
    signed_task,
    tells,
    would_refuse,
    would_take,
)

__all__ = [
    "LATE_SECONDS",
    "NEVER",
    "NO_BODY",
    "SCHEMES",
    "SECRET",
    "TRICKY",
    "Answer",
    "Api",
    "Bound",
    "Call",
    "Failed",
    "Group",
    "Nacked",
    "NotChecked",
    "Receiver",
    "Reply",
    "accepted",
    "beat",
    "changing_cron",
    "collected",
    "collected_ids",
    "creations",
    "cron_id",
    "dead_letter",
    "dead_letter_taken",
    "dead_letters",
    "die",
    "due",
    "empty_queue",
    "equal",
    "fifo_queue",
    "fired_cron",
    "has_ended",
    "idle_cron",
    "idle_cron_fetched",
    "idle_cron_retention",
    "idle_queue",
    "instant_of",
    "instant_text",
    "is_signed",
    "lateness",
    "listed_crons",
    "messages_in",
    "nack",
    "nacked_with_one_retry",
    "named_task",
    "next_run",
    "plain_push",
    "plain_task",
    "prioritised",
    "probe",
    "published",
    "purged",
    "pushed_queue",
    "requeued",
    "require",
    "routes",
    "senseless",
    "shown",
    "side_by_side",
    "signed_push",
    "signed_task",
    "spare_cron",
    "standard_queue",
    "tells",
    "two_empty_queues",
    "two_queues",
    "unkeyed_queue",
    "with_expression",
    "would_refuse",
    "would_take",
]
