"""`sched-emulator contract`: the contract suite against the emulator, the real gateway or a mock of somebody's own."""

import argparse
import importlib
import importlib.util
import os
import re
import sys
from functools import partial
from pathlib import Path
from typing import Any

from sched_emulator.config import UsageError, parse_whole

from .options import Commands, Option, add_command
from .terminal import say

SUITE = "sched_emulator.contract_tests"
NEEDS = "the contract suite needs further packages: pip install 'sched-emulator[contract]'"


def _rate(text: str, option: str) -> float:
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(?:/s)?", text.strip())
    if match is None or float(match[1]) <= 0:
        raise UsageError(f"{option}: {text!r} is no rate; expected requests in a second, such as 5/s")
    return float(match[1])


def _listen(text: str, option: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"{option}: {text!r} is no address; expected HOST:PORT such as 0.0.0.0:9000")
    return text


def _seed(text: str, option: str) -> int:
    return parse_whole(text, option, least=0, most=2**31)


TARGET_OPTIONS = (
    Option("--target", "`emulator` starts one; else where the target is (default emulator)", "URL", default="emulator"),
    Option(
        "--api-key-env",
        "the variable that holds the API key (default INFRAI_API_KEY)",
        "NAME",
        default="INFRAI_API_KEY",
    ),
    Option(
        "--allow-writes", "create crons, queues and tasks on the target; they are deleted in the end", default=False
    ),
    Option(
        "--max-requests",
        "stop after so many requests (default 500; on this machine no limit)",
        "N",
        partial(parse_whole, least=1),
    ),
    Option("--rate", "requests in a second (default 5/s; on this machine no limit)", "N/s", _rate),
    Option("--callback-url", "the public URL that leads to --callback-listen", "URL"),
    Option("--callback-listen", "where to listen for deliveries", "HOST:PORT", _listen),
    Option("--prefix", "what the names begin with that are created (default: made of the seed)", "TEXT"),
    Option("--seed", "the same seed sends the same requests (default: a new one each time)", "N", _seed),
    Option("--real-time", "treat an emulator as any other service: no control API, real waits", default=False),
)
OPTIONS = (
    *TARGET_OPTIONS,
    Option("--only", "only checks whose address fits, such as 'queue/lease/*'", "GLOB", repeated=True, default=()),
    Option("--known", "a file of known deviations: `address: reason` on each line", "FILE"),
    Option("--assumptions", "answers to compare with those observed, a TOML file", "FILE"),
    Option("--report-dir", "write contract.html, .md, .xml and .json there", "DIR"),
    Option(
        "--examples",
        "how many examples an operation is fuzzed with (default 10)",
        "N",
        partial(parse_whole, least=1),
        10,
    ),
    Option("--fail-fast", "stop at the first failure", default=False),
    Option("--cleanup", "only delete what an earlier run left behind under this prefix", "PREFIX"),
    Option("--list", "list the checks and their addresses", default=False),
)


def suite(module: str = "") -> Any:
    """Return a module of the suite: inside this package in a wheel, beside `src` in a checkout."""
    name = f"{SUITE}.{module}" if module else SUITE
    folder = Path(__file__).parents[3] / "contract_tests"
    if SUITE not in sys.modules and importlib.util.find_spec(SUITE) is None and folder.is_dir():
        spec = importlib.util.spec_from_file_location(
            SUITE, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        assert spec is not None
        assert spec.loader is not None
        package = importlib.util.module_from_spec(spec)
        sys.modules[SUITE] = package
        spec.loader.exec_module(package)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.split(".")[0] in {"schemathesis", "hypothesis", "requests"}:
            raise UsageError(NEEDS) from None
        raise


def register(commands: Commands) -> None:
    """Add the command."""
    add_command(
        commands,
        "contract",
        summary="Check whether a target behaves as documented.",
        examples="  sched-emulator contract\n"
        "  sched-emulator contract --target http://127.0.0.1:8420 --only 'queue/*'\n"
        "  sched-emulator contract --target https://api.infrai.cc --allow-writes --report-dir reports\n"
        "  sched-emulator contract --target https://api.infrai.cc --cleanup ct-12ab34-",
        run=run,
        options=OPTIONS,
    )


def run(values: argparse.Namespace) -> int:
    """Run the suite; 0 conforms, 1 does not, 2 could not be judged."""
    runner = suite("runner")
    if values.list:
        return _list()
    settings = settings_of(values)
    terminal = suite("reports.terminal").Terminal()
    if values.cleanup is not None:
        return _clean_up(settings, values.cleanup)
    try:
        report = runner.Run(settings, terminal).perform()
    except runner.CannotJudge as error:
        sys.stderr.write(f"{values.prog}: {error}\n")
        return 2
    except suite("settings").SettingsError as error:
        raise UsageError(str(error)) from None
    terminal.summarise(report)
    if settings.report_dir is not None:
        for path in suite("reports").write(report, settings.report_dir):
            say(f"wrote {path}")
    status: int = report.exit_status
    return status


def settings_of(values: argparse.Namespace) -> Any:
    """Return the suite's settings for the values of the options."""
    module = suite("settings")
    path = {name: getattr(values, name, None) for name in ("known", "report_dir", "assumptions")}
    given = {
        "target": values.target,
        "key": os.environ.get(values.api_key_env) or None,
        "key_variable": values.api_key_env,
        "allow_writes": values.allow_writes,
        "max_requests": values.max_requests,
        "rate": values.rate,
        "callback_url": values.callback_url,
        "callback_listen": values.callback_listen,
        "prefix_given": values.prefix,
        "real_time": values.real_time,
        "only": getattr(values, "only", ()),
        "fail_fast": getattr(values, "fail_fast", False),
        "examples": getattr(values, "examples", 10),
        **{name: None if text is None else Path(text) for name, text in path.items()},
    }
    if values.seed is not None:
        given["seed"] = values.seed
    try:
        return module.Settings(**given)
    except module.SettingsError as error:
        raise UsageError(str(error)) from None


def _list() -> int:
    for check in suite("plan").every_check():
        say(f"{check.address:34} {check.grade:6} {check.title}")
    return 0


def _clean_up(settings: Any, prefix: str) -> int:
    left = suite("cleanup").by_prefix(settings, prefix, say)
    for name in left:
        say(f"could not be deleted: {name}")
    return 1 if left else 0
