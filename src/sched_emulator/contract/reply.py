"""An answer of a target, taken apart."""

import json
from collections.abc import Mapping
from typing import Any

import requests

from .results import BODY_SHOWN_CHARS, Exchange, NotChecked

KEY_SHOWN = frozenset({"authorization", "content-type", "idempotency-key"})


class Reply:
    """An answer in either envelope: `data` is what the documentation calls "returns"."""

    def __init__(self, response: requests.Response) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self.text = response.content.decode(errors="replace")
        try:
            self.body: Any = json.loads(response.content)
        except ValueError:
            self.body = None
        enveloped = isinstance(self.body, dict) and {"ok", "data"} <= self.body.keys()
        self.data: Any = self.body["data"] if enveloped else self.body
        error = self.body.get("error") if isinstance(self.body, dict) else None
        self.error: dict[str, Any] = error if isinstance(error, dict) else {}

    @property
    def succeeded(self) -> bool:
        """Whether the status is a 2xx."""
        return 200 <= self.status < 300


def accepted(reply: Reply, *refusals: int) -> bool:
    """Whether a request was accepted; NotChecked when the status is neither a success nor one of the refusals."""
    if reply.succeeded:
        return True
    if reply.status in (refusals or (400, 422)):
        return False
    raise NotChecked(f"the answer was {reply.status}, which tells nothing")


def exchange(
    method: str, url: str, headers: Mapping[str, str], raw: bytes | None, reply: Reply, *, key: tuple[str, str]
) -> Exchange:
    """Return a request and its answer as they are shown: of the `key` only what stands for it."""
    shown_headers = {name: value for name, value in headers.items() if name.lower() in KEY_SHOWN}
    if "Authorization" in headers:
        shown_headers["Authorization"] = headers["Authorization"].replace(*key)
    body = None if raw is None else raw[:BODY_SHOWN_CHARS].decode(errors="replace")
    return Exchange(method, url, shown_headers, body, reply.status, dict(reply.headers), reply.text[:BODY_SHOWN_CHARS])
