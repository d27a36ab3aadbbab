"""How the server is put together: what does not fit stops the start."""

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from sched_emulator import spec
from sched_emulator.core.dispatch import OPERATIONS
from sched_emulator.server.app import check_handlers
from sched_emulator.server.binding import Binding, bind
from sched_emulator.spec import assumptions


def binding(change: Any) -> Binding:
    """Return the binding of a changed copy of the spec."""
    document = copy.deepcopy(spec.resolve(spec.load("scheduling"), assumptions.defaults()))
    change(document["paths"])
    return Binding(document)


def test_an_operation_without_a_function_stops_the_start() -> None:
    def rename(paths: dict[str, Any]) -> None:
        paths["/v1/scheduling/cron/list"]["get"]["operationId"] = "scheduling.cron.listing"

    with pytest.raises(ValueError, match=r"^openapi/scheduling\.yaml and core/dispatch\.py differ: ") as raised:
        check_handlers(binding(rename))
    assert str(raised.value).partition("differ: ")[2] == (
        "the operation scheduling.cron.listing has no function; the function of scheduling.cron.list has no operation"
    )


def test_a_function_without_an_operation_stops_the_start() -> None:
    def remove(paths: dict[str, Any]) -> None:
        del paths["/v1/scheduling/queue/purge/{queue}"]

    with pytest.raises(ValueError, match=r"differ: the function of scheduling\.queue\.purge has no operation$"):
        check_handlers(binding(remove))


def test_a_misspelt_keyword_in_the_spec_stops_the_start() -> None:
    def misspell(paths: dict[str, Any]) -> None:
        body = paths["/v1/scheduling/queue/publish"]["post"]["requestBody"]["content"]["application/json"]
        body["schema"]["properties"]["payload"]["maxPropertys"] = 3

    with pytest.raises(ValueError, match="maxPropertys"):
        binding(misspell)


def test_every_operation_is_served_under_both_generations_of_paths() -> None:
    routes = bind(assumptions.defaults()).routes
    described: Mapping[str, Any] = spec.resolve(spec.load("scheduling"), assumptions.defaults())["paths"]
    for path, item in described.items():
        for method in item.keys() & {"get", "post", "put", "patch", "delete"}:
            for served in (path, path.replace("/v1/scheduling/", "/v1/")):
                target = served.replace("{", "").replace("}", "")  # each parameter's own name as its value
                assert routes.match(method.upper(), target).operation_id == item[method]["operationId"]
    assert len(OPERATIONS) == 30
