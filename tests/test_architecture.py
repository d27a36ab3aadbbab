"""How the house is built, by reading imports: they only point down, never round, and the core knows no edge."""

import re
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module

import pytest

from tests.architecture import (
    PACKAGE,
    SRC,
    astray,
    circles,
    control_paths,
    graph,
    imports,
    impure,
    links,
    not_down,
    part,
    reached,
    sources,
    too_long,
    unfriendly,
    upward,
)

ROOT = SRC.parent
# The rooms from the bottom up, as CONTRIBUTING.md draws them. What is not named is the door, on top of all.
LAYERS = (
    ("core", "spec", "recording"),
    ("config", "signatures"),
    ("output",),
    ("files",),
    ("client", "server"),
    ("compare", "contract", "drift", "follow", "intercept"),
    ("commands", "plugin"),
)
DOOR = {"__init__", "__main__", "cli", "config", "files", "pytest_plugin", "signatures", "testing"}
CORE_LAYERS = {
    "store": 1,
    **dict.fromkeys(("account", "beginning", "deliveries", "idempotency", "queues"), 2),
    **dict.fromkeys(("messages", "runs"), 3),
    **dict.fromkeys(("crons", "pushes", "tasks"), 4),
    "soundness": 4,
    "dispatch": 5,
    "command_log": 3,
    "sandbox": 6,
    "replay": 7,
    "relied": 8,
}
DOMAIN = frozenset({"crons", "messages", "pushes", "queues", "tasks"})
DOMAIN_MAY = {("messages", "queues"), ("pushes", "messages"), ("pushes", "queues")}
# What a room may reach, by others too. A receiver checks signatures, and how one is made is said once: in the core.
MAY_REACH = {
    "core": {"core"},
    "spec": {"spec"},
    "recording": {"recording"},
    "config": {"config"},
    "output": {"output", "config"},
    "files": {"files", "output", "config"},
    "client": {"client", "config", "signatures", "core.signing"},
    "server": {"server", "files", "output", "config", "core", "spec", "recording"},
    "contract": {"contract", "client", "files", "output", "config", "spec", "recording"},
    "drift": {"drift", "spec"},
    "compare": {"compare", "server", "files", "output", "config", "core", "spec", "recording"},
    "follow": {"follow", "client", "config", "core.instants"},
    "intercept": {"intercept", "server", "files", "output", "config", "core", "spec", "recording"},
    "plugin": {"plugin", "client", "files", "output", "config", "spec", "follow", "intercept", "core.instants"},
}
# What of the edge is as pure as the core: from a request to its answer, without a socket or a loop.
PURE_EDGE = ("binding", "exchange", "replaying", "routes")
# Modules that need each other: the handles offer themselves as coroutines, by `box.aio`.
CIRCLES = ["client.aio, client.sandbox"]


# --- The package keeps the rules


CORE = sources("core")
ALL = sources()
CHECKS = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "contract_tests").rglob("*.py"))
}
LINKS = links(ALL)


@pytest.mark.parametrize("module", CORE)
def test_the_core_imports_nothing_that_blocks_tells_time_or_rolls_dice(module: str) -> None:
    assert impure(CORE[module], module) == []


@pytest.mark.parametrize("room", sorted(name for name, source in ALL.items() if "\n__all__ = " in source))
def test_what_a_room_offers_is_there(room: str) -> None:
    offered = import_module(room)
    assert [name for name in offered.__all__ if not hasattr(offered, name)] == []


def test_imports_point_down() -> None:
    assert not_down(graph(ALL), LAYERS) == []


def test_no_module_imports_itself_by_a_detour() -> None:
    assert circles(LINKS) == CIRCLES


def test_imports_within_the_core_point_down() -> None:
    assert upward(graph(CORE, f"{PACKAGE}.core"), CORE_LAYERS, 0) == []


def test_modules_of_the_domain_do_not_import_each_other() -> None:
    assert unfriendly(graph(CORE, f"{PACKAGE}.core"), DOMAIN, DOMAIN_MAY) == []


@pytest.mark.parametrize("room", MAY_REACH)
def test_what_a_room_stands_on_is_all_that_it_reaches(room: str) -> None:
    modules = [module for module in ALL if part(module) == room]
    assert [wrong for module in modules for wrong in astray(LINKS, module, MAY_REACH[room])] == []


def test_traffic_is_compared_by_a_command_alone() -> None:
    users = {part(module) for module, names in LINKS.items() if any(part(name) == "compare" for name in names)}
    assert users == {"compare", "commands"}


def test_the_checks_of_the_contract_know_its_engine_alone() -> None:
    wrong = {
        f"{module} imports {name}"
        for module, source in CHECKS.items()
        for name in imports(source, module)
        if part(name) not in {None, "contract"}
    }
    assert wrong == set()


def test_the_rooms_are_all_that_there_is_beside_the_door() -> None:
    files = {path.stem for path in (SRC / PACKAGE).glob("*.py")}
    rooms = {path.parent.name for path in (SRC / PACKAGE).glob("*/__init__.py")}
    assert files == DOOR
    assert len(files) <= 9
    assert files | rooms == DOOR | {room for rooms in LAYERS for room in rooms}


def test_the_drawing_shows_the_rooms() -> None:
    drawing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("```text\n")[2].partition("```")[0]
    assert {room for rooms in LAYERS for room in rooms} <= set(re.findall(r"[a-z_]+", drawing))


def test_the_handles_are_the_only_door_to_the_control_api() -> None:
    users = {part(module) for module, source in ALL.items() if control_paths(source)}
    assert users <= {"client", "contract", "server"}


def test_aiohttp_is_imported_by_the_edge_alone() -> None:
    users = {
        part(module)
        for module, source in ALL.items()
        if any(name.partition(".")[0] == "aiohttp" for name in imports(source, module))
    }
    assert users - {"intercept"} == {"server"}


@pytest.mark.parametrize("name", PURE_EDGE)
def test_an_exchange_needs_neither_a_socket_nor_a_loop(name: str) -> None:
    modules = reached(LINKS, f"{PACKAGE}.server.{name}")
    assert {module for module in modules for used in imports(ALL[module], module) if _waits(used)} == set()
    assert [wrong for module in modules for wrong in impure(ALL[module], module) if "asynchronous" in wrong] == []


def _waits(name: str) -> bool:
    return name.partition(".")[0] in {"aiohttp", "asyncio", "http", "socket", "threading"}


def test_files_and_functions_are_short() -> None:
    assert [wrong for module, source in ALL.items() for wrong in too_long(source, module)] == []


@pytest.mark.parametrize("module", [PACKAGE, f"{PACKAGE}.signatures", f"{PACKAGE}.pytest_plugin"])
def test_importing_what_people_import_brings_in_nothing_heavy(module: str) -> None:
    heavy = ("aiohttp", "asyncio", "croniter", "hypothesis", "jsonschema_rs", "schemathesis", "yaml")
    code = f"import sys, {module}; print(sorted(set({heavy!r}) & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_command_pays_for_nothing_that_others_need() -> None:
    heavy = ("aiohttp", "asyncio", "croniter", "html", "msgspec", "requests", "yaml")
    ours = ("client.emulator", "client.watching", "core.urls", "recording.lines", "spec")
    listed = (*heavy, *(f"{PACKAGE}.{name}" for name in ours))
    code = f"import sys, {PACKAGE}.cli; print(sorted(set({listed!r}) & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_module_of_the_core_has_its_tests() -> None:
    tested = {path.stem.removeprefix("test_") for path in (ROOT / "tests" / "core").glob("test_*.py")}
    assert {part(module, f"{PACKAGE}.core") for module in CORE} - {None} <= tested


# --- The rules notice what breaks them


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("import time", ["imports time"]),
        ("import time as clock", ["imports time"]),
        ("from time import monotonic", ["imports time.monotonic"]),
        ("def f():\n    import random", ["imports random"]),
        ("import os.path", ["imports os.path"]),
        ("from urllib import request", ["imports urllib.request"]),
        ("from uuid import uuid4", ["imports uuid.uuid4"]),
        ("import aiohttp", ["imports aiohttp"]),
        ("__import__('socket')", ["imports socket"]),
        ("import importlib\nimportlib.import_module('threading')", ["imports threading"]),
        ("try:\n    import asyncio\nexcept ImportError:\n    pass", ["imports asyncio"]),
        ("from ..server import app", ["imports sched_emulator.server.app"]),
        ("from .. import spec", ["imports sched_emulator.spec"]),
        ("from sched_emulator.client.http import Client", ["imports sched_emulator.client.http.Client"]),
        ("async def f(): pass", ["line 1 is asynchronous"]),
        ("from datetime import datetime\ndatetime.now()", ["line 2 reads a clock"]),
        ("import datetime\ndatetime.datetime.utcnow()", ["line 2 reads a clock"]),
        ("from datetime import date\nx = date.today", ["line 2 reads a clock"]),
        ("print('x')", ["line 1 uses print"]),
        ("open('x')", ["line 1 uses open"]),
        ("if TYPE_CHECKING:\n    import socket", ["imports socket"]),
        (
            "import typing\nif typing.TYPE_CHECKING:\n    from ..server import app",
            ["imports sched_emulator.server.app"],
        ),
        ("import timeit_not_time, osmosis\nfrom . import ids\nfrom .errors import Conflict", []),
        ("from urllib.parse import quote\nself.now()\nclock.today", []),
    ],
)
def test_a_planted_impurity_is_noticed(source: str, wrong: list[str]) -> None:
    assert impure(source, "sched_emulator.core.planted") == wrong


PLANTED = {
    "sched_emulator": "",
    "sched_emulator.cli": "from .drift import compare",
    "sched_emulator.core": "",
    "sched_emulator.core.ids": "from sched_emulator import config",
    "sched_emulator.config": "from . import server",
    "sched_emulator.server": "from .app import x",
    "sched_emulator.server.app": "from ..drift import compare\nfrom .. import core",
    "sched_emulator.drift": "",
    "sched_emulator.drift.compare": "from ..client.http import Client\nfrom .. import cli, follow",
    "sched_emulator.follow": "",
    "sched_emulator.client": "",
    "sched_emulator.client.http": "if TYPE_CHECKING:\n    from ..core.ids import x",
}


def test_a_planted_import_upwards_or_sideways_is_noticed() -> None:
    assert not_down(graph(PLANTED), LAYERS) == [
        "config imports server",
        "core imports config",
        "drift imports cli",
        "drift imports follow",
        "server imports drift",
    ]


def test_a_planted_detour_is_noticed() -> None:
    wrong = "drift.compare reaches core.ids by client.http"
    found = links({**PLANTED, "sched_emulator.drift.compare": "from ..client.http import Client"})
    assert list(astray(found, "sched_emulator.drift.compare", {"drift", "client"})) == [wrong]
    assert list(astray(found, "sched_emulator.client.http", {"client"})) == ["client.http reaches core.ids"]
    assert list(astray(found, "sched_emulator.client.http", {"client", "core.id"})) == ["client.http reaches core.ids"]
    assert list(astray(found, "sched_emulator.client.http", {"client", "core.ids", "config", "server", "core"})) == [
        "client.http reaches drift.compare by core.ids, config, server, server.app"
    ]


def test_a_planted_friendship_and_a_planted_circle_are_noticed() -> None:
    found = {
        "crons": {"queues", "runs"},
        "queues": {"messages"},
        "messages": {"queues"},
        "runs": {"deliveries"},
        "deliveries": {"targets"},
        "targets": {"runs"},
    }
    assert unfriendly(found, DOMAIN, DOMAIN_MAY) == ["crons imports queues", "queues imports messages"]
    assert circles(found) == ["deliveries, runs, targets", "messages, queues"]
    assert upward({"runs": {"crons"}, "ids": {"deliveries"}, "crons": {"runs", "ids"}}, CORE_LAYERS, 0) == [
        "ids imports deliveries",
        "runs imports crons",
    ]


def test_a_planted_circle_of_types_and_across_rooms_is_noticed() -> None:
    planted = {
        "sched_emulator": "from .client.http import Client",
        "sched_emulator.client": "",
        "sched_emulator.client.http": "if TYPE_CHECKING:\n    from ..follow import follow",
        "sched_emulator.follow": "def f():\n    from ..client import http",
        "sched_emulator.follow.frozen_time": "",
        "sched_emulator.cli": "from . import __version__",
    }
    assert circles(links(planted)) == ["client.http, follow"]


def test_a_planted_path_of_the_control_api_is_noticed() -> None:
    source = 'get("/_emulator/clock")\nf"{url}/_emulator/{name}"\n"see PUT /_emulator/clock"\n"/_emulator"'
    assert control_paths(source) == ["line 1 writes /_emulator/clock", "line 2 writes /_emulator/"]


def test_a_planted_length_is_noticed() -> None:
    source = "def short():\n    pass\n\n\nclass A:\n    async def long(self):\n        pass\n        pass\n"
    assert too_long(source, "m", lines=8, function_lines=2) == ["m.long has 3 lines"]
    assert too_long(source, "m", lines=7) == ["m has 8 lines"]


def test_a_star_and_a_chain_of_folders_are_read_as_what_they_are() -> None:
    read: Callable[[str], set[str]] = lambda source: imports(source, "sched_emulator.server.app")  # noqa: E731 - short
    assert read("from ..core.errors import *") == {"sched_emulator.core.errors.*"}
    assert read("from . import api, app") == {"sched_emulator.server.api", "sched_emulator.server.app"}
    assert imports("from .app import x", "sched_emulator.server", is_package=True) == {"sched_emulator.server.app.x"}
