"""What an account has, read by lists and gets alone: its crons and queues, as the target shows them."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from . import prices
from .described import routes
from .gate import PLACEHOLDER_KEY, Closed, Gate, NoAnswer, Refused
from .reply import Reply
from .settings import Settings, SettingsError

MOST_PAGES = 1000
CRON_IDS, QUEUE_NAMES = ("cron_id", "job_id", "id"), ("queue", "name")

Record = Mapping[str, Any]


class CannotRead(Exception):
    """The account cannot be read; the message is a sentence for people."""


@dataclass(frozen=True, slots=True)
class Account:
    """Crons and queues as records of the target, oldest first, and the instant of its answer in seconds since 1970."""

    url: str
    at: float
    crons: list[Record]
    queues: list[Record]
    requests: int


class _Reader:
    """Reads from a target; CannotRead says why it could not."""

    def __init__(self, gate: Gate, url: str) -> None:
        self.at = time.time()
        self._session = gate.session()
        self._url = url

    def get(self, name: str, path: str, query: str = "") -> Reply:
        """Return the answer to a request that only reads."""
        headers = {"Authorization": f"Bearer {PLACEHOLDER_KEY}", "Accept": "application/json"}
        try:
            response = self._session.get(self._url + path + query, headers=headers, allow_redirects=False)
        except (Closed, NoAnswer, Refused) as error:
            raise CannotRead(f"{self._url} cannot be read, at {name}: {error}") from None
        reply = Reply(response)
        if reply.status in {401, 403}:
            raise CannotRead(f"{self._url} refused the key ({reply.status}). Is it the right one?")
        return reply

    def listed(self, name: str) -> list[Record]:
        """Return all records of a list, page by page."""
        found: list[Record] = []
        query = ""
        for _ in range(MOST_PAGES):
            reply = self.get(name, routes()[name].path, query)
            page = reply.data if isinstance(reply.data, dict) else {"items": reply.data}
            items = page.get("items")
            if not reply.succeeded or not isinstance(items, list):
                raise CannotRead(f"{self._url} answered {name} with {reply.status}, and no list: {reply.text[:150]}")
            found += [item for item in items if isinstance(item, dict)]
            if not isinstance(cursor := page.get("next_cursor"), str):
                self.at = _date(reply)
                return found
            query = f"?cursor={quote(cursor, safe='')}"
        raise CannotRead(f"{self._url} answered {name} with more than {MOST_PAGES} pages")

    def completed(self, record: Record, ids: tuple[str, ...], *names: str) -> Record:
        """Return a record with what these operations say of it; what one does not answer is not known."""
        thing = next((record[field] for field in ids if isinstance(record.get(field), str)), None)
        whole = dict(record)
        for name in names if thing is not None else ():
            path = routes()[name].path
            place = path[path.index("{") : path.index("}") + 1]
            reply = self.get(name, path.replace(place, quote(str(thing), safe="")))
            if reply.succeeded and isinstance(reply.data, dict):
                whole |= reply.data
        return whole


def read(settings: Settings) -> Account:
    """Read an account; nothing is written. CannotRead, or SettingsError where a key is missing."""
    if settings.key is None and not settings.loopback:
        raise SettingsError(f"there is no key in ${settings.key_variable}; set it, or name another with --api-key-env")
    url = settings.target.rstrip("/")
    gate = Gate(
        key=settings.key or "ifr_contract",
        budget=settings.budget,
        rate=settings.requests_per_second,
        allow_writes=False,
        timeout=settings.request_timeout,
    )
    if settings.max_usd is not None:
        found = prices.read(gate, url)
        if found is None:
            raise CannotRead(f"{url} tells no prices at {prices.DISCOVERY}, and --max-usd needs them.")
        gate.purse = prices.Purse(found, settings.max_usd)
    reader = _Reader(gate, url)
    crons, queues = reader.listed("cron.list"), reader.listed("queue.list")
    at = reader.at
    return Account(
        url,
        at,
        [reader.completed(cron, CRON_IDS, "cron.get", "cron.retention.get") for cron in crons],
        list(_queues(reader, queues)),
        gate.sent,
    )


def _queues(reader: _Reader, listed: list[Record]) -> Iterator[Record]:
    """Complete those records that a list has cut short."""
    for queue in listed:
        yield queue if "type" in queue else reader.completed(queue, QUEUE_NAMES, "queue.get")


def _date(reply: Reply) -> float:
    """Return the present of the target, as an answer dates it; this machine's where it does not."""
    try:
        return parsedate_to_datetime(reply.headers.get("Date", "")).timestamp()
    except (TypeError, ValueError):
        return time.time()
