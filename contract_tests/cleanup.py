"""Deletes what a run has created: at its end by what was noted, or later by the prefix of the names."""

from collections.abc import Callable
from urllib.parse import quote

import requests

from .gate import PLACEHOLDER_KEY, Closed, Created, Gate, NoAnswer, Refused
from .settings import Settings

EXTRA_REQUESTS = 400
DRAIN_SECONDS = 15
OVER = "the run is over"
PASSES = 3
BASE = "/v1/scheduling"


class Cleaner:
    """Deletes crons and queues of a target."""

    def __init__(self, gate: Gate, url: str, say: Callable[[str], None]) -> None:
        self._session = gate.session()
        self._url = url
        self._say = say

    def delete(self, crons: list[str], queues: list[str]) -> list[str]:
        """Delete what is named, and return what could not be: a queue goes when no other needs it for dead letters."""
        left = {f"cron {name}": f"{BASE}/cron/delete/{quote(name, safe='')}" for name in crons}
        left |= {f"queue {name}": f"{BASE}/queue/delete/{quote(name, safe='')}" for name in queues}
        for _ in range(PASSES):
            for name, path in list(left.items()):
                if self._request("DELETE", path) in {200, 204, 404}:
                    del left[name]
            if not left:
                break
        return list(left)

    def found(self, prefix: str) -> tuple[list[str], list[str]]:
        """Return the ids of crons and the names of queues that a prefix marks."""
        crons = [
            str(item.get("cron_id") or item.get("job_id"))
            for item in self._listed(f"{BASE}/cron/list")
            if any(prefix in str(item.get(field, "")) for field in ("name", "url", "task"))
        ]
        queues = [str(item["queue"]) for item in self._listed(f"{BASE}/queue/list") if item["queue"].startswith(prefix)]
        return crons, queues

    def _listed(self, path: str) -> list[dict[str, str]]:
        items: list[dict[str, str]] = []
        cursor = ""
        while True:
            response = self._session.get(self._url + path + cursor, headers=_headers())
            body = response.json()
            data = body.get("data") or body
            items += data["items"]
            if not data.get("next_cursor"):
                return items
            cursor = "?cursor=" + quote(data["next_cursor"], safe="")

    def _request(self, method: str, path: str) -> int:
        try:
            return self._session.request(method, self._url + path, headers=_headers()).status_code
        except (Closed, NoAnswer, Refused, requests.RequestException) as error:
            self._say(f"{path} could not be deleted: {error}")
            return 0


def after_run(gate: Gate, url: str, say: Callable[[str], None]) -> list[str]:
    """Delete everything that the gate noted, and return what is left over."""
    created: Created = gate.created
    gate.close(OVER)
    gate.drained(DRAIN_SECONDS)
    if not (created.crons or created.queues):
        return []
    cleaner = Cleaner(gate.successor(EXTRA_REQUESTS), url, say)
    return cleaner.delete(list(created.crons), list(created.queues))


def by_prefix(settings: Settings, prefix: str, say: Callable[[str], None]) -> list[str]:
    """Delete what an earlier run left behind, and return what is left over."""
    gate = Gate(key=settings.key or ("ifr_contract" if settings.loopback else None), rate=settings.requests_per_second)
    cleaner = Cleaner(gate, settings.target.rstrip("/"), say)
    crons, queues = cleaner.found(prefix)
    say(f"{len(crons)} crons and {len(queues)} queues have the prefix {prefix}")
    return cleaner.delete(crons, queues)


def _headers() -> dict[str, str]:
    return {"Authorization": f"Bearer {PLACEHOLDER_KEY}"}
