"""The checks as a whole: every operation, parameter and open question has one, and each can be found again."""

import json
import re
from pathlib import Path

from sched_emulator.contract import catalogue, costs, plan
from sched_emulator.contract.described import routes
from sched_emulator.contract.results import Warrant
from sched_emulator.spec import assumptions, short

DOCUMENTED = json.loads((Path(__file__).parents[1] / "data" / "operations.json").read_text(encoding="utf-8"))
FOUND = catalogue.load()
EVERY_CHECK = plan.every_check(FOUND)
WRITTEN = [
    *FOUND.scenarios.values(),
    *(check for check in FOUND.probes.values() if not assumptions.catalogue()[check.question].unprobed),
]
COVERED = {name for check in EVERY_CHECK for name in check.covers}
BY_SCENARIOS = {name for check in WRITTEN for name in check.covers}


def test_every_operation_has_a_scenario_and_a_schema_check() -> None:
    without = {short(item["id"]) for item in DOCUMENTED["operations"]} - BY_SCENARIOS
    assert without == set()
    assert {f"schema/{name}/examples" for name in routes()} <= {check.address for check in EVERY_CHECK}


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
    assert set(FOUND.probes) == set(assumptions.catalogue())


def test_addresses_are_unique_and_stable_in_form() -> None:
    addresses = [check.address for check in EVERY_CHECK]
    assert len(addresses) == len(set(addresses))
    assert [item for item in FOUND.scenarios if not re.fullmatch(r"[a-z]+(/[a-z-]+)?/[0-9]+", item)] == []


def test_scenarios_are_graded_by_the_documentation_and_probes_only_inform() -> None:
    assert {check.warrant for check in FOUND.scenarios.values()} == {Warrant.DOCUMENTED, Warrant.CHOICE}
    assert {check.warrant for check in FOUND.probes.values()} == {Warrant.OPEN}


def test_lines_of_the_documentation_are_lines() -> None:
    assert {line for check in EVERY_CHECK for line in check.lines if not 1 <= line <= 1100} == set()


def test_every_scenario_and_probe_has_been_measured() -> None:
    measurable = {check.address for check in WRITTEN if check.seconds <= 95}
    assert measurable - set(costs.costs()) == set()


def test_checks_come_through_the_door_that_users_have() -> None:
    root = Path(__file__).parents[2]
    for path in [*root.glob("contract_tests/scenarios/*.py"), *root.glob("contract_tests/probes/*.py")]:
        text = path.read_text(encoding="utf-8")
        names = re.findall(r"^(?:from|import) ((?:sched_emulator|\.)\S*)", text, re.MULTILINE)
        beside = {name for name in names if name.startswith(".")}
        assert set(names) - beside == {"sched_emulator.contract"}, path
        assert {(path.parent / f"{name[1:]}.py").is_file() for name in beside} <= {True}, path


def test_the_engine_speaks_http_and_nothing_of_the_emulators_core_or_server() -> None:
    for path in (Path(__file__).parents[2] / "src" / "sched_emulator" / "contract").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "sched_emulator.core" not in text, path
        assert "sched_emulator.server" not in text, path
