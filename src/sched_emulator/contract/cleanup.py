"""Deletes what a run has created: at its end by what was noted, or later by the prefix of the names."""

import contextlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import requests

from sched_emulator.output import counted

from .created import deletions, makers, path_of_deletion
from .described import routes
from .gate import PLACEHOLDER_KEY, Closed, Gate, NoAnswer, Refused
from .results import short
from .settings import Settings, SettingsError

DRAIN_SECONDS = 15
OVER = "the run is over"
PASSES = 3
MOST_PAGES = 1000
SIDE_BY_SIDE = 8


class Unlisted(Exception):
    """What is on a target cannot be listed; the message says why."""


class Cleaner:
    """Deletes what can be deleted on a target."""

    def __init__(self, gate: Gate, url: str, say: Callable[[str], None]) -> None:
        self._session = gate.session()
        self._url = url
        self._say = say

    def delete(self, named: Mapping[str, list[str]]) -> list[str]:
        """Delete what is named by kind, and return what could not be.

        The last first, and again what was refused: a dead-letter queue goes after its users.
        """
        left = [(kind, name) for kind, names in named.items() for name in reversed(names)]
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            for _ in range(PASSES):
                gone = list(pool.map(self._is_gone, left))
                left = [thing for thing, is_gone in zip(left, gone, strict=True) if not is_gone]
                if not left:
                    break
        return [f"{kind} {short(name)}" for kind, name in left]

    def _is_gone(self, thing: tuple[str, str]) -> bool:
        """Delete one thing, and say whether it is no longer there."""
        kind, name = thing
        path = path_of_deletion(kind, name)
        try:
            status = self._session.request(deletions()[kind].method, self._url + path, headers=_headers()).status_code
        except (Closed, NoAnswer, Refused, requests.RequestException) as error:
            self._say(f"{kind} {short(name)} could not be deleted: {error}")
            return False
        return status in {200, 204, 404}

    def found(self, prefix: str) -> dict[str, list[str]]:
        """Return by kind the names of what a prefix marks: in the name itself, or in a text where names are given."""
        marked: dict[str, list[str]] = {kind: [] for kind in deletions()}
        for operation in routes().values():
            for kind, argument in operation.lists.items():
                maker = makers()[kind]
                chosen = bool(maker.sent_as(argument))
                for item in self._listed(operation.path):
                    name = next((item[field] for field in maker.returned_as(argument) if field in item), None)
                    texts = [value for value in item.values() if isinstance(value, str)]
                    if name is not None and (name.startswith(prefix) if chosen else any(prefix in it for it in texts)):
                        marked[kind].append(name)
        return marked

    def _listed(self, path: str) -> list[dict[str, str]]:
        items: list[dict[str, str]] = []
        cursor = ""
        for _ in range(MOST_PAGES):
            try:
                response = self._session.get(self._url + path + cursor, headers=_headers())
                body = response.json()
                data = body.get("data") or body
                items += data["items"]
            except (Closed, NoAnswer) as error:
                raise Unlisted(f"{path}: {error}") from None
            except (ValueError, KeyError, TypeError, AttributeError):
                raise Unlisted(f"{path} answered {response.status_code}, and no list") from None
            if not data.get("next_cursor"):
                break
            cursor = "?cursor=" + quote(data["next_cursor"], safe="")
        return items


def after_run(gate: Gate, url: str, prefix: str, say: Callable[[str], None]) -> list[str]:
    """Delete everything that the gate noted, and return what is left over.

    Where an answer was lost, something may have been made without being noted: it is found by its prefix.
    """
    gate.close(OVER)
    gate.drained(DRAIN_SECONDS)
    made = {kind: gate.created.names(kind) for kind in deletions()}
    if not any(made.values()) and not gate.lost:
        return []
    cleaner = Cleaner(gate.successor(), url, say)
    if gate.lost:
        with contextlib.suppress(Unlisted):
            for kind, names in cleaner.found(prefix).items():
                made[kind] = list(dict.fromkeys([*made[kind], *names]))
    return cleaner.delete(made)


def by_prefix(settings: Settings, prefix: str, say: Callable[[str], None]) -> list[str]:
    """Delete what an earlier run left behind, and return what is left over. SettingsError if it cannot be listed."""
    key = settings.key or ("ifr_contract" if settings.loopback else None)
    gate = Gate(key=key, rate=settings.requests_per_second, cleaning=True)
    cleaner = Cleaner(gate, settings.target.rstrip("/"), say)
    try:
        found = cleaner.found(prefix)
    except Unlisted as error:
        raise SettingsError(f"--cleanup: {error}") from None
    counts = " and ".join(counted(len(names), kind) for kind, names in found.items())
    say(f"{counts} have the prefix {prefix}")
    return cleaner.delete(found)


def _headers() -> dict[str, str]:
    return {"Authorization": f"Bearer {PLACEHOLDER_KEY}"}
