"""The rules by which the house is built, each a function from source to sentences that say what is wrong.

`test_architecture.py` says what the rooms are, holds the package to the rules, and tries these on small sources that
break them. An import for type checkers alone (`if TYPE_CHECKING:`) is one like any other: what a module's types name,
it knows.
"""

import ast
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path

SRC = Path(__file__).parents[1] / "src"
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


# --- Reading


def module_of(path: Path) -> str:
    """Return the dotted name of a file under `src`."""
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def sources(folder: str = "") -> dict[str, str]:
    """Return the sources of the package, or of one folder in it, by module."""
    files = sorted((SRC / PACKAGE / folder).rglob("*.py"))
    return {module_of(path): path.read_text(encoding="utf-8") for path in files}


@cache
def tree(source: str) -> ast.Module:
    """Return a source, parsed."""
    return ast.parse(source)


def imports(source: str, module: str, *, is_package: bool = False) -> set[str]:
    """Return the absolute names of all that a module imports, down to the names it takes."""
    found = set()
    package = module.split(".") if is_package else module.split(".")[:-1]
    for node in ast.walk(tree(source)):
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
    for node in ast.walk(tree(source)):
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


def reached(found: Graph, here: str) -> list[str]:
    """Return a module and all that it reaches, directly or by others."""
    known = [here]
    for module in known:
        known += sorted(found[module] - {*known})
    return known


def short(module: str) -> str:
    """Return a module's name without the package's."""
    return module.removeprefix(f"{PACKAGE}.")


def unfriendly(found: Graph, domain: frozenset[str], may: Collection[tuple[str, str]]) -> list[str]:
    """Say which modules of the domain import each other though they should talk by return values."""
    return [
        f"{here} imports {there}"
        for here in sorted(domain & found.keys())
        for there in sorted(found[here] & domain)
        if (here, there) not in may
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
        for node in ast.walk(tree(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("/_emulator/")
    ]


def too_long(source: str, module: str, *, lines: int = 400, function_lines: int = 50) -> list[str]:
    """Say what is longer than a reader can keep in mind."""
    count = len(source.splitlines())
    wrong = [f"{module} has {count} lines"] if count > lines else []
    for node in ast.walk(tree(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            length = node.end_lineno - node.lineno + 1
            wrong += [f"{module}.{node.name} has {length} lines"] if length > function_lines else []
    return wrong
