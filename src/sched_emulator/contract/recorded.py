"""`--record`: every exchange that passes the gate, and every delivery that arrives, told to the writer of a recording.

Its instants are real ones, so there is none of a target whose clock the run moves: such a one records itself.
"""

import re
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import requests

from sched_emulator.recording.errors import RecordingError
from sched_emulator.recording.lines import Delivery, Exchange, Header, Headers
from sched_emulator.recording.writer import Writer

from .settings import SettingsError

ATTEMPT = "x-infrai-attempt"
DECODED = "content-encoding"  # what was read through `requests` is decoded


class Recording:
    """A recording of a run. SettingsError when it cannot be begun; `complain` hears why it had to end early."""

    def __init__(self, path: Path, url: str, receivers: tuple[str, ...], complain: Callable[[str], object]) -> None:
        self._prefix = urlsplit(url).path.rstrip("/")
        header = Header(url, _now_ms(), version("sched-emulator"), receivers)
        try:
            self._writer = Writer(path, header, complain=complain)
        except RecordingError as error:
            raise SettingsError(f"--record: {error}") from None

    def sent(
        self, request: requests.PreparedRequest, seconds: float, came: requests.Response | None, error: str | None
    ) -> None:
        """Add a request that has just been answered, or given up, so many seconds after it was sent."""
        now_ms, body = _now_ms(), request.body or b""
        assert isinstance(body, str | bytes)  # nothing is sent piece by piece
        self._writer.exchange(
            Exchange(
                sent_at_ms=now_ms - round(1000 * seconds),
                received_at_ms=now_ms,
                method=str(request.method),
                path=request.path_url.removeprefix(self._prefix),
                headers=_headers(request.headers),
                body=body,
                status=None if came is None else came.status_code,
                response_headers=() if came is None else _headers(came.headers),
                response=b"" if came is None else came.content,
                error=error,
            )
        )

    def arrived(self, at: float, url: str, headers: Mapping[str, str], raw: bytes, status: int) -> None:
        """Add a delivery that came at an instant, in seconds since 1970, and what it was answered."""
        attempt = {name.lower(): value for name, value in headers.items()}.get(ATTEMPT, "")
        number = int(attempt) if re.fullmatch("[0-9]{1,9}", attempt) else None
        self._writer.delivery(
            Delivery(round(1000 * at), url, tuple(headers.items()), raw, attempt=number, status=status)
        )

    def close(self) -> None:
        """End the recording."""
        self._writer.close()


def _headers(found: Mapping[str, str | bytes]) -> Headers:
    texts = ((name, value.decode("latin-1") if isinstance(value, bytes) else value) for name, value in found.items())
    return tuple((name, value) for name, value in texts if name.lower() != DECODED)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
