"""Deviations that a real gateway could have, each as a change of a line or two of the emulator.

A mutant replaces `old`, which stands exactly once in `file`, by `new`. The contract suite has to notice: see
`kill_mutants.py`, and `make mutants`. `SURVIVORS` names those that it cannot notice, and why.
"""

from tests.contract.mutants_crons import CRONS_MUTANTS
from tests.contract.mutants_edge import EDGE_MUTANTS
from tests.contract.mutants_gateway import GATEWAY_MUTANTS
from tests.contract.mutants_queues import QUEUES_MUTANTS

MUTANTS = (*QUEUES_MUTANTS, *CRONS_MUTANTS, *EDGE_MUTANTS, *GATEWAY_MUTANTS)

SURVIVORS = {
    "a task's name is ignored": "nothing that is documented shows the name of a task again",
}
