"""`sched-emulator contract`: the contract suite against the emulator, the real gateway or a mock of somebody's own."""

import argparse
import contextlib
import re
from collections.abc import Iterator
from functools import partial

from sched_emulator import files
from sched_emulator.config import UsageError, parse_whole

from .extras import installing
from .options import Commands, Option, add_command, url


def _rate(text: str, option: str) -> float:
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(?:/s)?", text.strip())
    if match is None or float(match[1]) <= 0:
        raise UsageError(f"{option}: {text!r} is no rate; expected requests in a second, such as 5/s")
    return float(match[1])


def _dollars(text: str, option: str) -> float:
    if not re.fullmatch(r"[0-9]+(?:\.[0-9]+)?", text.strip()):
        raise UsageError(f"{option}: {text!r} is no amount; expected US dollars, such as 0.50")
    return float(text)


def _listen(text: str, option: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"{option}: {text!r} is no address; expected HOST:PORT such as 0.0.0.0:9000")
    return text


def _seed(text: str, option: str) -> int:
    return parse_whole(text, option, least=0, most=2**31)


def target(text: str, option: str) -> str:
    """Return what is looked at: the URL of a target, or `emulator`."""
    return text if text == "emulator" else url(text, option)


TARGET_OPTIONS = (
    Option("--target", "`emulator` starts one; else where the target is (default emulator)", "URL", target, "emulator"),
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
    Option("--max-usd", "stop before more than so many dollars are spent, by the target's own prices", "N", _dollars),
    Option("--rate", "requests in a second (default 5/s; on this machine no limit)", "N/s", _rate),
    Option("--callback-url", "the public URL that leads to --callback-listen", "URL", url),
    Option("--callback-listen", "where to listen for deliveries", "HOST:PORT", _listen),
    Option("--prefix", "what the names begin with that are created (default: made of the seed)", "TEXT"),
    Option("--seed", "the same seed sends the same requests (default: a new one each time)", "N", _seed),
    Option("--real-time", "treat an emulator as any other service: no control API, real waits", default=False),
    Option("--record", "write what is sent and what comes into a new file, without keys", "FILE", files.to_write),
)
OPTIONS = (
    *TARGET_OPTIONS,
    Option("--only", "only checks whose address fits, such as 'queue/lease/*'", "GLOB", repeated=True, default=()),
    Option("--scenarios", "a folder of Python files with checks of your own", "DIR", files.folder_to_read),
    Option("--known", "a file of known deviations: `address: reason` on each line", "FILE", files.to_read),
    Option(
        "--hold",
        "what to fail for beside what is documented: vendor, choices (an emulator: both, unless this is documented)",
        "WARRANT",
        repeated=True,
        default=(),
    ),
    Option("--baseline", "the contract.json of an earlier run: say what changed since", "FILE", files.to_read),
    Option("--assumptions", "answers to compare with those observed, a TOML file", "FILE", files.to_read),
    Option("--report-dir", "write contract.html, .md, .xml and .json there", "DIR", files.folder_to_write),
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


@contextlib.contextmanager
def needed_packages() -> Iterator[None]:
    """Say in a sentence that a package is missing which only the suite needs."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.split(".")[0] in {"schemathesis", "hypothesis", "requests"}:
            raise UsageError(f"the contract suite needs further packages: {installing('contract')}") from None
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
    with needed_packages():
        from . import suite  # noqa: PLC0415 - heavy, and it needs further packages
    return suite.judge(values)
