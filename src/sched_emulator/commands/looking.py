"""`sched-emulator requests`, `deliveries`, `timeline`, `sandboxes`: what one looks at most, as tables."""

import argparse
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from sched_emulator import config
from sched_emulator.client.http import DEFAULT_URL
from sched_emulator.client.records import Delivery, Log, Request, TimelineEntry
from sched_emulator.output.lines import brief, shortened

from . import connection
from .options import Commands, Option, add_command
from .terminal import say, say_dropped, say_json, table

URL_CHARS, DETAIL_CHARS = 60, 70
DUE_SHOWN = 100

JSON = Option("--json", "write JSON", default=False)
SINCE = Option("--since", "only what came after the entry of this number", "SEQ", partial(config.parse_whole, least=0))
OF_REQUESTS = (
    *connection.OPTIONS,
    Option("--operation", "only those of operations that fit, such as 'queue.*'", "GLOB"),
    SINCE,
    JSON,
)
OF_DELIVERIES = (
    *connection.OPTIONS,
    Option("--to", "only those to URLs that fit, such as '*weekly*'", "GLOB"),
    SINCE,
    JSON,
)
OF_TIMELINE = (
    *connection.OPTIONS,
    Option(
        "--limit",
        f"how many at most (default {DUE_SHOWN})",
        "N",
        partial(config.parse_whole, least=1, most=10_000),
        DUE_SHOWN,
    ),
    JSON,
)
OF_SANDBOXES = (connection.URL, JSON)
OPTIONS = (*OF_REQUESTS, *OF_DELIVERIES, *OF_TIMELINE)


def register(commands: Commands) -> None:
    """Add the commands."""
    for name, summary, example, run, options in (
        ("requests", "Show the API requests of a sandbox.", "--operation 'queue.*'", requests, OF_REQUESTS),
        ("deliveries", "Show what a sandbox has sent, or captured.", "--to '*weekly*'", deliveries, OF_DELIVERIES),
        ("timeline", "Show what is due next.", "--limit 10", timeline, OF_TIMELINE),
        ("sandboxes", "Show the sandboxes there are, and when each was last used.", "--json", sandboxes, OF_SANDBOXES),
    ):
        examples = f"  sched-emulator {name}\n  sched-emulator {name} {example}"
        parser = add_command(commands, name, summary=summary, examples=examples, run=run, options=options)
        parser.set_defaults(typed={"url": "--to"})


def requests(values: argparse.Namespace) -> int:
    """Show requests."""
    box = connection.sandbox_of(values)
    log = box.requests(operation=values.operation, since=values.since, kept=True)
    _show(log, "request", "there are no requests", [_of_request(entry) for entry in log], as_json=values.json)
    return 0


def deliveries(values: argparse.Namespace) -> int:
    """Show deliveries."""
    log = connection.sandbox_of(values).deliveries(url=values.to, since=values.since, kept=True)
    _show(log, "delivery", "there are no deliveries", [_of_delivery(entry) for entry in log], as_json=values.json)
    return 0


def timeline(values: argparse.Namespace) -> int:
    """Show what is due."""
    due = connection.sandbox_of(values).timeline(limit=values.limit)
    if values.json:
        say_json(due)
        return 0
    _table(("at", "kind", "what"), [_of_entry(entry) for entry in due], "nothing is due")
    return 0


def sandboxes(values: argparse.Namespace) -> int:
    """Show the sandboxes."""
    from sched_emulator.client.emulator import Emulator  # noqa: PLC0415 - nobody else pays for it

    items = Emulator(values.url or DEFAULT_URL).sandboxes()
    if values.json:
        say_json(items)
        return 0
    titles = ("key", "id", "last used", "now", "clock", "crons", "queues", "requests")
    rows = [
        (
            *(item["key"], item["id"], item["last_used_at"], item["now"]),
            "frozen" if item["mode"] == "frozen" else "running",
            *(f"{item[name]:,}" for name in ("crons", "queues", "requests")),
        )
        for item in items
    ]
    _table(titles, rows, "there is no sandbox yet: the first request with a key makes one")
    return 0


def _show(log: Log[Any], one: str, none: str, rows: list[tuple[str, ...]], *, as_json: bool) -> None:
    if as_json:
        say_json({"items": log, "first_seq": log.first_seq, "dropped": log.dropped})
        return
    if log.dropped:
        say_dropped(log.dropped, one)
    _table(("seq", "at", "what", "how it went", ""), rows, none)


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]], otherwise: str) -> None:
    listed = list(rows)
    if listed:
        table([titles, *listed])
    else:
        say(otherwise)


def _of_request(entry: Request) -> tuple[str, ...]:
    error = (entry.response or {}).get("error") if isinstance(entry.response, dict) else None
    details = [
        entry.note or "",
        f"ignored: {', '.join(entry.ignored)}" if entry.ignored else "",
        f"{error['code']}: {error['message']}" if error else brief(entry.body) if entry.body else "",
    ]
    what = (entry.operation or "").removeprefix("scheduling.") or shortened(f"{entry.method} {entry.path}", URL_CHARS)
    return str(entry.seq), entry.at, what, str(entry.status), _brief(details)


def _of_delivery(entry: Delivery) -> tuple[str, ...]:
    outcome = entry.outcome if entry.status is None else f"{entry.outcome} {entry.status}"
    details = [
        f"attempt {entry.attempt}" if entry.attempt > 1 else "",
        f"took {entry.duration_seconds:g} s" if entry.duration_seconds else "",
        entry.error or "" if entry.outcome != "delivered" else "",
        entry.note or "",
    ]
    return str(entry.seq), entry.at, f"{entry.kind:7}  {shortened(entry.url, URL_CHARS)}", outcome, _brief(details)


def _of_entry(entry: TimelineEntry) -> tuple[str, ...]:
    return (
        entry.at,
        entry.kind,
        entry.subject if entry.name in {None, entry.subject} else f"{entry.subject}, {entry.name}",
    )


def _brief(details: Iterable[str]) -> str:
    return shortened("; ".join(filter(None, details)), DETAIL_CHARS)
