import ast
import inspect
from pathlib import Path
from typing import Any
from unittest import TestCase

import pytest

import sched_emulator
from sched_emulator import Emulator, EmulatorError, Receiver, Sandbox, follow, signatures, testing
from sched_emulator.client import account, records
from sched_emulator.client import sandbox as handles

USED = {
    name
    for node in ast.walk(ast.parse((Path(__file__).parent / "typing_api.py").read_text(encoding="utf-8")))
    for name in (
        [node.attr] if isinstance(node, ast.Attribute) else [alias.name for alias in getattr(node, "names", ())]
    )
}
PUBLIC = (
    account.Account,
    records.Advanced,
    handles.Assumptions,
    handles.Clock,
    records.Delivery,
    Emulator,
    EmulatorError,
    records.Fault,
    handles.Faults,
    Receiver,
    records.Request,
    handles.Routes,
    Sandbox,
    records.Script,
    handles.Targets,
    testing.SchedulingTestCase,
    records.TimelineEntry,
)


@pytest.mark.parametrize("kind", PUBLIC)
def test_every_public_member_is_used_as_a_user_would(kind: type[Any]) -> None:
    inherited = {name for base in (Exception, dict, TestCase) for name, _ in inspect.getmembers(base)}
    assert {name for name, _ in inspect.getmembers(kind) if not name.startswith("_")} - inherited <= USED


def test_every_public_name_is_used_as_a_user_would() -> None:
    defined = {
        name
        for module in (signatures, follow, testing)
        for name, value in inspect.getmembers(module)
        if getattr(value, "__module__", "") == module.__name__ and not name.startswith("_")
    }
    assert {*sched_emulator.__all__, *defined} <= USED
