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
    api · reply · steps         what scenarios and probes talk to, and what several of them do
    crons                       crons, runs and their deliveries, read by meaning
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

from .api import NEVER, NO_BODY, Api, messages_in
from .beats import beat, lateness
from .crons import cron_id, has_ended, next_run
from .declare import Bound, Group, probe
from .described import routes
from .instants import instant_of, instant_text
from .receivers import Answer, Call, Receiver
from .reply import Reply, accepted
from .results import Failed, NotChecked, equal, require, shown
from .signed import SCHEMES, SECRET, is_signed
from .steps import collected, collected_ids, dead_letter, side_by_side, tells, would_refuse, would_take

__all__ = [
    "NEVER",
    "NO_BODY",
    "SCHEMES",
    "SECRET",
    "Answer",
    "Api",
    "Bound",
    "Call",
    "Failed",
    "Group",
    "NotChecked",
    "Receiver",
    "Reply",
    "accepted",
    "beat",
    "collected",
    "collected_ids",
    "cron_id",
    "dead_letter",
    "equal",
    "has_ended",
    "instant_of",
    "instant_text",
    "is_signed",
    "lateness",
    "messages_in",
    "next_run",
    "probe",
    "require",
    "routes",
    "shown",
    "side_by_side",
    "tells",
    "would_refuse",
    "would_take",
]
