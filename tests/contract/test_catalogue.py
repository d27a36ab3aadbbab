"""The checks as a whole: every operation, parameter and open question has one, and each can be found again."""

import json
import re
from pathlib import Path

from contract_tests import plan
from contract_tests.catalogue import CHECKS, PROBES
from contract_tests.contract import routes
from contract_tests.probes import CANNOT_BE_PROBED
from contract_tests.results import Grade
from sched_emulator.spec import assumptions

DOCUMENTED = json.loads((Path(__file__).parents[1] / "data" / "operations.json").read_text(encoding="utf-8"))
COVERED = {name for check in plan.every_check() for name in check.covers}
BY_SCENARIOS = {name for check in [*CHECKS.values(), *PROBES.values()] for name in check.covers}


def short(capability: str) -> str:
    return capability.removeprefix("scheduling.")


def test_every_operation_has_a_scenario_and_a_schema_check() -> None:
    without = {short(item["id"]) for item in DOCUMENTED["operations"]} - BY_SCENARIOS
    assert without == set()
    assert {f"schema/{name}/examples" for name in routes()} <= {check.address for check in plan.every_check()}


def test_every_documented_parameter_has_a_check_that_names_it() -> None:
    parameters = {
        f"{short(item['id'])}:{parameter['name']}"
        for item in DOCUMENTED["operations"]
        for parameter in item["parameters"]
    }
    assert len(parameters) == 100
    assert parameters - COVERED == set()


def test_every_documented_parameter_that_does_something_has_a_scenario_or_a_probe() -> None:
    parameters = {
        f"{short(item['id'])}:{parameter['name']}"
        for item in DOCUMENTED["operations"]
        for parameter in item["parameters"]
    }
    assert parameters - BY_SCENARIOS == set()


def test_what_is_covered_exists() -> None:
    operations = {name.partition(":")[0] for name in COVERED}
    assert operations <= set(routes())


def test_every_open_question_is_probed_or_says_why_not() -> None:
    assert set(PROBES) | set(CANNOT_BE_PROBED) == set(assumptions.catalogue())
    assert set(PROBES) & set(CANNOT_BE_PROBED) == set()


def test_what_cannot_be_probed_is_said_in_the_catalogue_of_assumptions_too() -> None:
    said = {name for name, entry in assumptions.catalogue().items() if entry.probe.startswith("cannot be probed")}
    assert said == set(CANNOT_BE_PROBED)


def test_addresses_are_unique_and_stable_in_form() -> None:
    addresses = [check.address for check in plan.every_check()]
    assert len(addresses) == len(set(addresses))
    assert [item for item in CHECKS if not re.fullmatch(r"[a-z]+(/[a-z-]+)?/[0-9]+", item)] == []


def test_scenarios_are_graded_by_the_documentation_and_probes_only_inform() -> None:
    assert {check.grade for check in CHECKS.values()} == {Grade.MUST, Grade.SHOULD}
    assert {check.grade for check in PROBES.values()} == {Grade.INFO}


def test_lines_of_the_documentation_are_lines() -> None:
    assert {line for check in plan.every_check() for line in check.lines if not 1 <= line <= 1100} == set()


def test_every_scenario_and_probe_has_been_measured() -> None:
    measurable = {check.address for check in [*CHECKS.values(), *PROBES.values()] if check.seconds <= 95}
    assert measurable - set(plan.costs()) == set()


def test_the_suite_imports_nothing_of_the_emulators_core_or_server() -> None:
    folder = Path(__file__).parents[2] / "contract_tests"
    for path in folder.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "sched_emulator.core" not in text, path
        assert "sched_emulator.server" not in text, path
