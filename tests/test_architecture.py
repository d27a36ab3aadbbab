"""How the house is built, by reading imports: they only point down, never round, and the core knows no edge.

An import for type checkers alone (`if TYPE_CHECKING:`) is one like any other: what a module's types name, it knows.
Each rule is a function from source to sentences that name what is wrong, so that it can be tried on small sources that
break it.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src"
PACKAGE = "sched_emulator"
Graph = Mapping[str, set[str]]

# What the core must not touch: whatever blocks, waits, rolls dice, or differs from machine to machine.
FORBIDDEN = frozenset(
    [
        *(
            "aiohttp",
            "asyncio",
            "concurrent",
            "ctypes",
            "http",
            "importlib.metadata",
            "io",
            "logging",
            "multiprocessing",
        ),
        *(
            "os",
            "pathlib",
            "platform",
            "queue",
            "random",
            "requests",
            "sched",
            "secrets",
            "select",
            "selectors",
            "shutil",
        ),
        *("signal", "socket", "socketserver", "ssl", "subprocess", "sys", "tempfile", "threading", "time", "trio"),
        *("urllib.request", "uuid", "yaml", "zoneinfo"),
    ]
)
CLOCKS = frozenset({"now", "utcnow", "today", "fromtimestamp", "utcfromtimestamp"})

# The rooms from the bottom up, as CONTRIBUTING.md draws them. What is not named is the door, on top of all.
LAYERS = (
    ("core", "spec"),
    ("config", "signatures"),
    ("client", "server"),
    ("drift", "follow", "intercept"),
    ("commands", "plugin"),
)
DOOR = {"__init__", "__main__", "cli", "config", "pytest_plugin", "signatures"}
CORE_LAYERS = {
    "store": 1,
    **dict.fromkeys(("account", "deliveries", "idempotency", "queues"), 2),
    **dict.fromkeys(("messages", "runs"), 3),
    **dict.fromkeys(("crons", "pushes", "tasks"), 4),
    "dispatch": 5,
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
    "config": {"config"},
    "client": {"client", "config", "signatures", "core.signing"},
    "server": {"server", "config", "core", "spec"},
    "contract": {"contract", "client", "config", "spec"},
    "drift": {"drift", "spec"},
}
# Modules that need each other: the handles offer themselves as coroutines, by `box.aio`.
CIRCLES = ["client.aio, client.sandbox"]
# The domain of the core takes the dispatcher where it means its data.
STILL_A_CIRCLE = [
    "core.account, core.crons, core.deliveries, core.idempotency, core.messages, core.operations, core.paging,"
    " core.pushes, core.queue_index, core.queues, core.runs, core.sandbox, core.tasks"
]


# --- Reading


def module_of(path: Path) -> str:
    """Return the dotted name of a file under `src`."""
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def sources(folder: str = "") -> dict[str, str]:
    """Return the sources of the package, or of one folder in it, by module."""
    files = sorted((SRC / PACKAGE / folder).rglob("*.py"))
    return {module_of(path): path.read_text(encoding="utf-8") for path in files}


def imports(source: str, module: str, *, is_package: bool = False) -> set[str]:
    """Return the absolute names of all that a module imports, down to the names it takes."""
    found = set()
    package = module.split(".") if is_package else module.split(".")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found |= {f"{base}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {"__import__", "importlib.import_module"}:
            found |= {str(argument.value) for argument in node.args[:1] if isinstance(argument, ast.Constant)}
    return found


def part(name: str, place: str = PACKAGE) -> str | None:
    """Return which part of a package a dotted name belongs to; None when it is none of it."""
    if not name.startswith(f"{place}."):
        return None
    return name.removeprefix(f"{place}.").partition(".")[0]


def links(modules: Mapping[str, str]) -> dict[str, set[str]]:
    """Return which of the modules import which others."""
    found = {}
    for module, source in modules.items():
        is_package = any(other.startswith(f"{module}.") for other in modules)
        named = imports(source, module, is_package=is_package)
        found[module] = {there for name in named if (there := _home(name, modules)) not in {None, module}}
    return {module: {name for name in others if name is not None} for module, others in found.items()}


def _home(name: str, modules: Collection[str]) -> str | None:
    """Return the module that a dotted name is, or is in."""
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name or None


def graph(modules: Mapping[str, str], place: str = PACKAGE) -> dict[str, set[str]]:
    """Return which parts of a package import which others."""
    found: dict[str, set[str]] = {}
    for module, others in links(modules).items():
        here = part(module, place)
        if here is not None:
            there = {part(other, place) for other in others}
            found.setdefault(here, set()).update(item for item in there if item not in {None, here})
    return found


# --- Rules


def impure(source: str, module: str) -> list[str]:
    """Say what in a module of the core waits, reads a clock, or reaches for the machine."""
    wrong = [
        f"imports {name}"
        for name in sorted(imports(source, module))
        for forbidden in sorted(FORBIDDEN)
        if name == forbidden or name.startswith(f"{forbidden}.")
    ]
    wrong += [
        f"imports {name}"
        for name in sorted(imports(source, module))
        if name.startswith(PACKAGE) and part(name) != "core"
    ]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.AsyncFunctionDef | ast.AsyncFor | ast.AsyncWith | ast.Await):
            wrong.append(f"line {node.lineno} is asynchronous")
        if isinstance(node, ast.Attribute) and node.attr in CLOCKS:
            of = ast.unparse(node.value).rpartition(".")[2]
            wrong += [f"line {node.lineno} reads a clock"] if of in {"date", "datetime"} else []
        if isinstance(node, ast.Name) and node.id in {"open", "input", "print"}:
            wrong.append(f"line {node.lineno} uses {node.id}")
    return wrong


def upward(found: Graph, layers: Mapping[str, int], top: int) -> list[str]:
    """Say which imports point up."""
    return [
        f"{here} imports {there}"
        for here, others in sorted(found.items())
        for there in sorted(others)
        if layers.get(here, top) < layers.get(there, top)
    ]


def not_down(found: Graph, layers: tuple[tuple[str, ...], ...]) -> list[str]:
    """Say which imports between rooms point up, or to a room beside; the door may import all, and itself."""
    floors = {room: floor for floor, rooms in enumerate(layers) for room in rooms}
    return [
        f"{here} imports {there}"
        for here, others in sorted(found.items())
        for there in sorted(others)
        if here in floors and floors[here] <= floors.get(there, len(layers))
    ]


def astray(found: Graph, here: str, may_reach: Collection[str]) -> Iterator[str]:
    """Say what a module reaches, directly or by others, beyond the rooms and modules that it may."""
    ways: dict[str, list[str]] = {here: []}
    todo = [here]
    for module in todo:
        for there in sorted(found[module] - ways.keys()):
            ways[there] = [*ways[module], module] if module != here else []
            name = short(there)
            if any(name == known or name.startswith(f"{known}.") for known in may_reach):
                todo.append(there)
            else:
                by = f" by {', '.join(map(short, ways[there]))}" if ways[there] else ""
                yield f"{short(here)} reaches {name}{by}"


def short(module: str) -> str:
    """Return a module's name without the package's."""
    return module.removeprefix(f"{PACKAGE}.")


def unfriendly(found: Graph) -> list[str]:
    """Say which modules of the domain import each other though they should talk through the sandbox."""
    return [
        f"{here} imports {there}"
        for here in sorted(DOMAIN & found.keys())
        for there in sorted(found[here] & DOMAIN)
        if (here, there) not in DOMAIN_MAY
    ]


def circles(found: Graph) -> list[str]:
    """Say which modules import each other, directly or by a detour."""
    reached = {here: set(others) for here, others in found.items()}
    for middle, beyond in reached.items():
        for others in reached.values():
            if middle in others:
                others.update(beyond)
    found_circles = {
        tuple(sorted(there for there in reached[here] if here in reached.get(there, ())))
        for here in reached
        if here in reached[here]
    }
    return [", ".join(map(short, circle)) for circle in sorted(found_circles)]


def control_paths(source: str) -> list[str]:
    """Say which lines write a path of the control API."""
    return [
        f"line {node.lineno} writes {node.value}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("/_emulator/")
    ]


def too_long(source: str, module: str, *, lines: int = 400, function_lines: int = 50) -> list[str]:
    """Say what is longer than a reader can keep in mind."""
    count = len(source.splitlines())
    wrong = [f"{module} has {count} lines"] if count > lines else []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            length = node.end_lineno - node.lineno + 1
            wrong += [f"{module}.{node.name} has {length} lines"] if length > function_lines else []
    return wrong


# --- The package keeps the rules


CORE = sources("core")
ALL = sources()
SUITE = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "contract_tests").rglob("*.py"))
}
LINKS = links({**ALL, **SUITE})


@pytest.mark.parametrize("module", CORE)
def test_the_core_imports_nothing_that_blocks_tells_time_or_rolls_dice(module: str) -> None:
    assert impure(CORE[module], module) == []


def test_imports_point_down() -> None:
    assert not_down(graph(ALL), LAYERS) == []


def test_no_module_imports_itself_by_a_detour() -> None:
    assert circles(LINKS) == CIRCLES + STILL_A_CIRCLE


def test_imports_within_the_core_point_down() -> None:
    wrong = upward(graph(CORE, f"{PACKAGE}.core"), CORE_LAYERS, 0)
    assert [sentence for sentence in wrong if not sentence.endswith(" imports sandbox")] == []


def test_modules_of_the_domain_do_not_import_each_other() -> None:
    assert unfriendly(graph(CORE, f"{PACKAGE}.core")) == []


@pytest.mark.parametrize("room", MAY_REACH)
def test_what_a_room_stands_on_is_all_that_it_reaches(room: str) -> None:
    modules = [module for module in ALL if part(module) == room]
    assert [wrong for module in modules for wrong in astray(LINKS, module, MAY_REACH[room])] == []


def test_the_contract_suite_knows_nothing_of_what_it_judges() -> None:
    known = {"contract_tests", *MAY_REACH["contract"]}
    assert [wrong for module in SUITE for wrong in astray(LINKS, module, known)] == []


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


def test_files_and_functions_are_short() -> None:
    assert [wrong for module, source in ALL.items() for wrong in too_long(source, module)] == []


@pytest.mark.parametrize("module", [PACKAGE, f"{PACKAGE}.signatures", f"{PACKAGE}.pytest_plugin"])
def test_importing_what_people_import_brings_in_nothing_heavy(module: str) -> None:
    heavy = ("aiohttp", "asyncio", "croniter", "hypothesis", "jsonschema_rs", "schemathesis", "yaml")
    code = f"import sys, {module}; print(sorted(set({heavy!r}) & sys.modules.keys()))"
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
    assert unfriendly(found) == ["crons imports queues", "queues imports messages"]
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
