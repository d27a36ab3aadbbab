"""Faults: what the control API makes of calls, before or after they are performed."""

from . import globs, ids
from .errors import InjectedFault
from .instants import to_ms
from .records import Fault


def next_fault(faults: list[Fault], operation_id: str, *, seed: int, call_number: int) -> Fault | None:
    """Return the first fault that meets a call of an operation, and count it.

    Chance depends on the seed, the fault's place in the list and the number of the call.
    """
    for number, fault in enumerate(faults):
        if fault.operation is not None and not globs.names_operation(fault.operation, operation_id):
            continue
        if fault.times is not None and fault.used >= fault.times:
            continue
        if fault.probability < 1 and ids.fraction(seed, f"fault {number} {call_number}") >= fault.probability:
            continue
        fault.used += 1
        return fault
    return None


def raise_fault(fault: Fault) -> None:
    """Raise what a fault makes of a call; one that only delays raises nothing."""
    if fault.status is None and fault.code is None and not fault.drop:
        return
    raise InjectedFault(
        fault.status or 503,
        fault.code,
        retry_after_seconds=fault.retry_after_seconds,
        latency_ms=to_ms(fault.latency_seconds),
        drop=fault.drop,
    )
