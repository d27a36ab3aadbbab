"""Reads the public discovery of a gateway over HTTP: no key, GET only, bounded in time and size."""

import http.client
import ipaddress
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from . import discovered
from .discovered import Json

SECONDS_PER_ANSWER: Final = 20.0
MAX_ANSWER_BYTES: Final = 16 * 1024 * 1024
MOST_PAGES: Final = 100
MOST_PAUSES: Final = 5
LONGEST_PAUSE_SECONDS: Final = 60


class GatewayError(Exception):
    """The gateway's discovery cannot be read; the message is a sentence about what came instead."""


class Gateway:
    """The discovery of the gateway at `url`, of which a path such as `/v1/scheduling` may be part."""

    def __init__(self, url: str, *, seconds_per_answer: float = SECONDS_PER_ANSWER) -> None:
        self.url = re.sub(r"/v1(/[^/]*)?/?$", "", url).rstrip("/")
        self._seconds = seconds_per_answer
        no_proxy = [urllib.request.ProxyHandler({})] if _is_loopback(urlsplit(url).hostname or "") else []
        self._opener = urllib.request.build_opener(*no_proxy)

    def listing(self) -> tuple[Json, list[Json]]:
        """Return what stands at the head of the listing, and the records of all capabilities."""
        body = self._get("/v1/discovery")
        records = discovered.records(body)
        if not records:
            raise GatewayError(f"{self.url}/v1/discovery lists no capabilities")
        head = {name: value for name, value in body.items() if isinstance(value, str)} if isinstance(body, dict) else {}
        cursor = discovered.next_cursor(body)
        for _ in range(MOST_PAGES):
            if cursor is None:
                return head, records
            body = self._get("/v1/discovery", cursor=cursor)
            records += discovered.records(body) or []
            cursor = discovered.next_cursor(body)
        raise GatewayError(f"{self.url}/v1/discovery goes on after {MOST_PAGES} pages")

    def contract(self, entry: Mapping[str, Any]) -> Json:
        """Return all that is known of a capability of the listing; what the gateway does not describe is missing."""
        try:
            body = self._get(f"/v1/discovery/{quote(discovered.capability_of(entry) or '', safe='')}")
        except _NotFound:
            return dict(entry)
        return {**entry, **discovered.record(body)}

    def _get(self, path: str, **query: str) -> Any:
        url = self.url + path + (f"?{urlencode(query)}" if query else "")
        for _ in range(MOST_PAUSES):
            try:
                return json.loads(self._read(url))
            except _Busy as busy:
                time.sleep(busy.seconds)
            except (ValueError, RecursionError):
                raise GatewayError(f"{url} answered something that is no JSON") from None
        raise GatewayError(f"{url} answered 429 {MOST_PAUSES} times: it wants fewer requests, so try again later")

    def _read(self, url: str) -> bytes:
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked
            url, headers={"Accept": "application/json", "User-Agent": "sched-emulator"}
        )
        ends_at = time.monotonic() + self._seconds
        try:
            with self._opener.open(request, timeout=self._seconds) as response:
                return _all_of(response, url, ends_at)
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(url, error) from None
        except (OSError, http.client.HTTPException) as error:
            raise GatewayError(f"{url} does not answer: {_reason(error)}") from None


class _NotFound(GatewayError):
    """There is nothing at that URL."""


class _Busy(Exception):
    """The gateway wants a pause."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def _all_of(response: Any, url: str, ends_at: float) -> bytes:
    """Read an answer, however slowly it comes, within bounds of size and time."""
    parts, size = [], 0
    while chunk := response.read1(65536):
        parts.append(chunk)
        size += len(chunk)
        if size > MAX_ANSWER_BYTES or time.monotonic() > ends_at:
            raise GatewayError(f"{url} answers without end")
    return b"".join(parts)


def _refusal(url: str, error: urllib.error.HTTPError) -> Exception:
    seconds = error.headers.get("Retry-After", "1")
    if error.code == 429 and re.fullmatch("[0-9]{1,3}", seconds) and int(seconds) <= LONGEST_PAUSE_SECONDS:
        return _Busy(int(seconds))
    kind = _NotFound if error.code == 404 else GatewayError
    return kind(f"{url} answered {error.code}")


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror.lower()
    return str(reason) or type(reason).__name__


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
