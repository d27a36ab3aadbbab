"""What the probes observed of a target, written as a TOML file that the emulator, the plugin and the suite load.

An answer stands there with its evidence and date. What could not be determined stands there as a comment, with the
reason and the default that is left in force; so does a bound that the default agrees with.
"""

import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from sched_emulator.output import counted, printable
from sched_emulator.spec import assumptions
from sched_emulator.spec.answer_files import setting

from .ledger import Observation
from .results import ARRIVED, Exchange, Result, Status

Value: TypeAlias = str | int
WIDTH = 118
SHOWN_CHARS = 240
ARRIVALS_SHOWN = 3
SIGNS = re.compile("sign|webhook|timestamp")
BEYOND_READING = "it is no value that the emulator takes"


_SETS = re.compile(r'^(?:# )?"?([a-z0-9_.]+)"? = ', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Finding:
    """What becomes of one question: the value to set, None where the default is left; and why."""

    observation: Observation
    value: Value | None
    remark: str


def finding(observation: Observation) -> Finding:
    """Judge an observation: a bound matters only where the default lies beyond it."""
    assumption, answer = assumptions.catalogue()[observation.question], observation.answer
    if answer is None:
        return Finding(observation, None, f"undetermined: {observation.reason}")
    try:
        assumptions.parse_answers({assumption.id: answer})
    except ValueError:
        return Finding(observation, None, f"observed {answer}, but {BEYOND_READING}")
    if observation.bound and isinstance(answer, int) and int(assumption.default) >= answer:
        return Finding(observation, None, f"a bound: {observation.bound}; the default agrees with it")
    return Finding(observation, answer, f"a bound: {observation.bound}" if observation.bound else "observed")


def observed(results: Iterable[Result], questions: Iterable[str], stopped: str | None) -> list[Observation]:
    """Return what is known of questions by the results of a run, which may have been stopped before it asked them."""
    found = {result.check.question: result for result in results if result.check.aspect == "probes"}
    return [
        Observation(name, found[name].answer, found[name].reason, found[name].bound, found[name].exchanges)
        if name in found
        else Observation(name, None, stopped or "it was not asked")
        for name in questions
    ]


def document(
    findings: Iterable[Finding],
    *,
    target: str,
    date: str,
    secret: str | None,
    requests: int,
    results: Iterable[Result] = (),
) -> str:
    """Return the text of the file; what differs among the `results` stands at its end, where no answer can set it.

    `secret` is struck out wherever it may stand.
    """
    listed = list(findings)
    known = sum(item.value is not None for item in listed)
    head = [
        f"# Observed at {target} on {date} by `sched-emulator calibrate`, with {counted(requests, 'request')}:",
        f"# {known} of {len(listed)} questions answered; the others are left at their defaults, as comments.",
        "# `sched-emulator assumptions explain ID` explains a question;",
        "# `sched-emulator serve --assumptions THIS_FILE` answers as below.",
    ]
    blocks = [list(_lines(item, date)) for item in listed]
    blocks += [list(_difference(result)) for result in results if result.status == Status.DIFFERS]
    text = "\n".join([*head, *(line for block in blocks for line in ("", *block))]) + "\n"
    return printable(text if secret is None else text.replace(secret, "…"))


def continued(text: str, before: str, asked: Iterable[str]) -> str:
    """Return a file with what an earlier one, which has no tables, says of other questions than those `asked` now."""
    gone = set(asked)
    kept = []
    for block in before.strip("\n").split("\n\n"):
        named = set(_SETS.findall(block))
        if not named or not named <= gone:
            kept.append("\n".join(line for line in block.splitlines() if not gone.intersection(_SETS.findall(line))))
    return "\n\n".join([text.rstrip("\n"), *kept]) + "\n"


def _difference(result: Result) -> Iterator[str]:
    """Say of something that no answer can set what the emulator does and what came."""
    does, came = result.check.title.rstrip("."), _short(result.reason)
    yield from _comment(f'Your tests cannot rely on {result.check.address}: the emulator goes by "{does}"; came {came}')


def _lines(item: Finding, date: str) -> Iterator[str]:
    assumption = assumptions.catalogue()[item.observation.question]
    yield from _comment(assumption.question)
    yield from _comment(f"{item.remark[0].upper()}{item.remark[1:]}{f', {date}' if item.value is not None else ''}.")
    yield from _evidence(item.observation.exchanges)
    if item.value is None:
        yield f"# {setting(assumption.id, assumption.default)}"
    else:
        yield setting(assumption.id, item.value)


def _evidence(exchanges: list[Exchange]) -> Iterator[str]:
    """Yield the last request with its answer, and the deliveries that arrived after it."""
    seen = [item for item in exchanges if item.method == ARRIVED or item.status is not None]
    told = [item for item in seen if "/_emulator/" not in item.url]
    sent = [number for number, item in enumerate(told) if item.method != ARRIVED]
    if not sent:
        return
    last, arrived = told[sent[-1]], [item for item in told if item.method == ARRIVED]
    many = f" (the last of {len(sent)})" if len(sent) > 1 else ""
    yield f"# Sent{many}: {last.method} {_path(last.url)} {_short(last.body or '')}".rstrip()
    yield f"# Came: {last.status} {_short(last.response)}".rstrip()
    for item in arrived[:ARRIVALS_SHOWN]:
        signed = [f"{name}: {value}" for name, value in item.headers.items() if SIGNS.search(name)]
        yield f"# Arrived {_short(item.response)}: {_short(', '.join([item.body or '', *signed]))}"
    if len(arrived) > ARRIVALS_SHOWN:
        yield f"# … and {len(arrived) - ARRIVALS_SHOWN} more"


def _path(url: str) -> str:
    return "/" + url.split("/", 3)[3] if url.count("/") > 2 else url


def _comment(text: str) -> Iterator[str]:
    lines = textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    return (f"# {line}" for line in lines)


def _short(text: str) -> str:
    """Return a text as a comment bears it: without control characters, and cut."""
    told = printable(text, keep="")
    return told if len(told) <= SHOWN_CHARS else told[: SHOWN_CHARS - 1] + "…"
