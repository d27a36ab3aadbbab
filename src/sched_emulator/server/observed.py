"""A request that is refused, and that the dialect `observed` would read: the refusal says so.

Public programs send names and forms that the documentation does not have. Somebody whose program is refused for one
should not have to find out elsewhere that there is an answer under which it is not.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from sched_emulator.core.errors import InvalidRequest
from sched_emulator.spec import assumptions

from .binding import BoundOperation, Json, Sources, bind

EXPLAINED_BYTES = 64 * 1024  # of a body: a longer one is not read a second time for the sake of a hint
HINT = "The dialect `observed` takes this request: start the emulator with --dialect observed"


def explained(
    error: InvalidRequest, bound: BoundOperation, answers: Mapping[str, str | int], sources: Sources, body: Any
) -> InvalidRequest:
    """Return the error of a request that could not be read; its hint leads to the dialect, where that reads it."""
    observed = bind({**answers, **_observed_shapes()}).operations[bound.operation_id]
    try:
        observed.read(sources, body)
    except InvalidRequest:
        return error
    known, documented = _fields(observed), _fields(bound)
    new = [name for name in body or {} if name in known and name not in documented]
    names = [f"`{name}` is `{known[name].get('x-alias-of', name)}` there" for name in new]
    error.hint = f"{'; '.join([HINT, *names])}."
    return error


def _fields(bound: BoundOperation) -> Json:
    fields: Json = (bound.operation.body_schema or {}).get("properties", {})
    return fields


@cache
def _observed_shapes() -> dict[str, str | int]:
    """Return the answers about names and forms that the dialect gives otherwise."""
    defaults, catalogue = assumptions.defaults(), assumptions.catalogue()
    observed = assumptions.preset("observed")
    return {
        name: answer
        for name, answer in observed.items()
        if answer != defaults[name] and catalogue[name].kind == "shape"
    }
