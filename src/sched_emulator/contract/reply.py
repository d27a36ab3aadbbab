"""An answer of a target, taken apart."""

import json
from typing import Any

import requests

from .results import NotChecked


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
