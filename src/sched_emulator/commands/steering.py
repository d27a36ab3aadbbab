"""`sched-emulator reset`, `snapshot`, `targets`, `faults`, `routes`: what surrounds a sandbox, set by hand."""

import argparse
import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from sched_emulator import config, files
from sched_emulator.config import UsageError
from sched_emulator.output.lines import shortened

from . import connection
from .options import Commands, Option, Parser, add_command, choice
from .serve import parse_route
from .terminal import say, say_json, table

SHOWN_CHARS = 60
EXAMPLES = {
    "targets": "'https://api.acme.com/*' 503 timeout '{\"status\": 200, \"latency_seconds\": 90}'",
    "faults": "--operation 'queue.*' --status 503 --times 2",
    "routes": "https://api.acme.com=http://127.0.0.1:9000",
}
Run = Callable[[argparse.Namespace], int]
ERRORS = frozenset({"timeout", "refused", "reset"})
OPTIONS = (*connection.OPTIONS, Option("--json", "write JSON", default=False))
OF_TARGETS = (
    *OPTIONS,
    Option(
        "--then", "after the last response: repeat-last, or cycle", "HOW", choice("repeat-last", "cycle"), "repeat-last"
    ),
)


def _number(text: str, option: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 <= number <= config.MAX_DURATION_SECONDS:
        raise UsageError(f"{option}: {text[:40]!r} is no number; expected one such as 0.5")
    return number


# The fields of a fault, as the control API names them.
OF_FAULTS = (
    *OPTIONS,
    Option("--operation", "the operations that meet it (default: all)", "GLOB", default="*"),
    Option("--status", "answer with this status", "STATUS", partial(config.parse_whole, least=400, most=599)),
    Option("--code", "and with this code", "CODE"),
    Option("--retry-after-seconds", "and with Retry-After", "N", partial(config.parse_whole, least=0, most=86_400)),
    Option("--latency-seconds", "answer so much later", "N", _number),
    Option("--drop", "break the connection off, without an answer", default=False),
    Option("--after", "once the operation has happened, not in its place", default=False),
    Option("--times", "so often (default: always)", "N", partial(config.parse_whole, least=1)),
    Option("--probability", "as likely as this, from 0 to 1", "P", _number),
)
FIELDS_OF_FAULTS = tuple(option.dest for option in OF_FAULTS if option not in OPTIONS)


def register(commands: Commands) -> None:
    """Add the commands."""
    told = "  sched-emulator reset --key ifr_local"
    add_command(commands, "reset", summary="Make a sandbox as new.", examples=told, run=reset, options=OPTIONS)
    _register_snapshot(commands)
    targets = _with_list(
        commands, "targets", "Script what answers deliveries.", OF_TARGETS, show=list_targets, add=add_target
    )
    targets.set_defaults(typed={"url": "URL", "responses": "RESPONSE"})
    targets.add_argument("glob", metavar="URL", help="a glob, such as 'https://api.acme.com/*'")
    targets.add_argument("responses", metavar="RESPONSE", nargs="+", help="a status, timeout, refused, reset, or JSON")
    _with_list(commands, "faults", "Make API requests fail.", OF_FAULTS, show=list_faults, add=add_fault)
    routes = _with_list(commands, "routes", "Lead deliveries elsewhere.", OPTIONS, show=list_routes, add=add_routes)
    routes.add_argument("routes", metavar="FROM=TO", nargs="+", help="two URLs, or their beginnings")


def _register_snapshot(commands: Commands) -> None:
    summary = "Save a sandbox's whole state, secrets included, or load it."
    examples = "  sched-emulator snapshot save team.json\n  sched-emulator snapshot load team.json"
    parser = add_command(commands, "snapshot", summary=summary, examples=examples, run=save, options=OPTIONS)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True, parser_class=Parser)
    for name, summary, run in (
        ("save", "Write the state into a file.", save),
        ("load", "Take the state of a file.", load),
    ):
        examples = f"  sched-emulator snapshot {name} team.json"
        action = add_command(actions, name, summary=summary, examples=examples, run=run, options=OPTIONS)
        action.add_argument("file", metavar="FILE")
        action.set_defaults(typed={"": "FILE"})


def _with_list(
    commands: Commands, name: str, summary: str, options: tuple[Option, ...], *, show: Run, add: Run
) -> Parser:
    """Add a command that lists, adds and clears; return the parser of what adds."""
    typed = f"  sched-emulator {name}"
    examples = f"{typed}\n{typed} add {EXAMPLES[name]}"
    parser = add_command(commands, name, summary=summary, examples=examples, run=show, options=OPTIONS)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", parser_class=Parser)
    for action, told, run in (
        ("list", "Show those in force.", show),
        ("clear", "Drop all.", partial(clear, name)),
    ):
        add_command(actions, action, summary=told, examples=f"{typed} {action}", run=run, options=OPTIONS)
    return add_command(
        actions,
        "add",
        summary="Add to those in force.",
        examples=f"{typed} add {EXAMPLES[name]}",
        run=add,
        options=options,
    )


def reset(values: argparse.Namespace) -> int:
    """Make a sandbox as new."""
    box = connection.sandbox_of(values)
    box.reset()
    _told(values, {"reset": True}, f"the sandbox is as new; it is {box.clock.state()['now']}")
    return 0


def save(values: argparse.Namespace) -> int:
    """Write a snapshot."""
    path = files.to_write(values.file, "FILE")
    document = json.dumps(connection.sandbox_of(values).snapshot(), ensure_ascii=False, separators=(",", ":"))
    files.write(path, document, "FILE")
    _told(
        values,
        {"saved": str(path)},
        f"wrote {path}, with the secrets of the sandbox, for `snapshot load` and `serve --load`",
    )
    return 0


def load(values: argparse.Namespace) -> int:
    """Take a snapshot."""
    path = files.to_read(values.file, "FILE")
    try:
        document = json.loads(files.read_text(path, "FILE"))
    except ValueError as error:
        raise UsageError(f"FILE: {path} is no snapshot: {error}") from None
    if not isinstance(document, dict):
        raise UsageError(f"FILE: {path} is no snapshot: expected a JSON object")
    box = connection.sandbox_of(values, making=True)
    box.restore(document)
    _told(values, {"restored": True}, f"the sandbox goes on from {path}; it is {box.clock.state()['now']}")
    return 0


def list_targets(values: argparse.Namespace) -> int:
    """Show the scripts in force."""
    scripts = connection.sandbox_of(values).targets.list()
    rows = [
        (each.url, ", ".join(map(_response, each.responses)), each.then, f"used {each.used:,}x") for each in scripts
    ]
    _listed(values, scripts, rows, "nothing is scripted")
    return 0


def add_target(values: argparse.Namespace) -> int:
    """Script a receiver."""
    responses = [_scripted(text) for text in values.responses]
    script = connection.sandbox_of(values, making=True).targets.script(values.glob, responses, values.then)
    _told(values, script, f"deliveries to {script.url} get {', '.join(map(_response, script.responses))}")
    return 0


def list_faults(values: argparse.Namespace) -> int:
    """Show the faults in force."""
    faults = connection.sandbox_of(values).faults.list()
    rows = [(each.operation, _fault(each), f"used {each.used:,}x") for each in faults]
    _listed(values, faults, rows, "there is no fault")
    return 0


def add_fault(values: argparse.Namespace) -> int:
    """Add a fault."""
    said = {name: value for name in FIELDS_OF_FAULTS if (value := getattr(values, name)) not in {None, False}}
    if said.keys() <= {"operation", "times", "probability", "after", "retry_after_seconds"}:
        raise UsageError("say what goes wrong: --status, --latency-seconds or --drop")
    fault = connection.sandbox_of(values, making=True).faults.add(**said)
    _told(values, fault, f"requests for {fault.operation} meet: {_fault(fault)}")
    return 0


def list_routes(values: argparse.Namespace) -> int:
    """Show the routes in force."""
    routes = connection.sandbox_of(values).routes.get()
    _listed(values, routes, list(routes.items()), "there is no route")
    return 0


def add_routes(values: argparse.Namespace) -> int:
    """Add routes."""
    added = dict(parse_route(text, "FROM=TO") for text in values.routes)
    routes = connection.sandbox_of(values, making=True).routes
    in_force = routes.set({**routes.get(), **added})
    _told(values, in_force, "\n".join(f"{source} leads to {target}" for source, target in in_force.items()))
    return 0


def clear(name: str, values: argparse.Namespace) -> int:
    """Drop all targets, faults or routes."""
    box = connection.sandbox_of(values)
    if name == "routes":
        box.routes.set({})
    else:
        getattr(box, name).clear()
    _told(values, {"cleared": True}, f"there are no {name} any more")
    return 0


def _told(values: argparse.Namespace, answer: Any, sentence: str) -> None:
    if values.json:
        say_json(answer)
    else:
        say(sentence)


def _listed(values: argparse.Namespace, answer: Any, rows: Sequence[tuple[str, ...]], otherwise: str) -> None:
    if values.json:
        say_json(answer)
    elif rows:
        table(rows)
    else:
        say(otherwise)


def _scripted(text: str) -> int | str | dict[str, Any]:
    """Return a response as it was typed; the emulator checks what is in it."""
    if text.isdecimal() or text in ERRORS:
        return int(text) if text.isdecimal() else text
    try:
        response = json.loads(text)
    except ValueError:
        response = None
    if not isinstance(response, dict):
        raise UsageError(
            f"RESPONSE: {text[:SHOWN_CHARS]!r} is none; expected a status, timeout, refused, reset, or a JSON object"
        )
    return response


def _response(response: dict[str, Any]) -> str:
    """Return a response as it would be typed."""
    if response.keys() == {"status"} or not response:
        return str(response.get("status", 200))
    return str(response["error"]) if response.keys() == {"error"} else shortened(json.dumps(response), SHOWN_CHARS)


def _fault(fault: dict[str, Any]) -> str:
    told = {name: value for name, value in fault.items() if name not in {"operation", "used"}}
    return ", ".join(name if value is True else f"{name} {value}" for name, value in told.items())
