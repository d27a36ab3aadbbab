"""What negates the choices of crons, runs, tasks, deliveries and idempotency: see `negations`."""

from tests.contract.negations import Negations

NEGATIONS: Negations = {}
APART: tuple[frozenset[str], ...] = ()
