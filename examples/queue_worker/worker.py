"""A worker in plain Python: takes orders from a queue and ships each once, whatever goes wrong on the way.

INFRAI_API_KEY=… python worker.py
"""

import json
import logging
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]

QUEUE = "orders"
LEASE_SECONDS = 60
PAUSE_SECONDS = 5
LONGEST_PAUSE_SECONDS = 60

log = logging.getLogger("worker")


class UnusableOrderError(Exception):
    """An order that no repetition will make better."""


class Api:
    """The few calls of the scheduling API that a worker needs."""

    def __init__(self, base_url: str, api_key: str) -> None:
        self._base_url = base_url
        self._headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}

    def create_queue(self, name: str) -> None:
        """Make the queue and its dead-letter queue, unless they exist."""
        dead = f"{name}-dead"
        self.post("queue/create", name=dead, type="standard")
        self.post("queue/create", name=name, type="standard", dead_letter_queue=dead, max_retries=3)

    def consume(self, queue: str) -> list[Json]:
        """Take messages; they are ours for the length of the lease."""
        found = self.post("queue/consume", queue=queue, max_messages=10, visibility_timeout=LEASE_SECONDS)
        messages: list[Json] = found["messages"]
        return messages

    def ack(self, queue: str, message_id: str) -> None:
        """Say that a message is done."""
        self.post("queue/ack", queue=queue, message_id=message_id)

    def nack(self, queue: str, message_id: str, *, requeue: bool) -> None:
        """Give a message back, or put it among the dead ones."""
        self.post("queue/nack", queue=queue, message_id=message_id, requeue=requeue)

    def post(self, path: str, **body: Any) -> Json:
        """Send a request and return its data."""
        request = urllib.request.Request(f"{self._base_url}/{path}", json.dumps(body).encode(), self._headers)
        with urllib.request.urlopen(request, timeout=30) as response:
            data: Json = json.load(response)["data"]
            return data


class Worker:
    """Takes messages and hands their payloads to `ship`, which may get one twice and must not mind."""

    def __init__(self, api: Api, ship: Callable[[Json], None], sleep: Callable[[float], object] = time.sleep) -> None:
        self._api = api
        self._ship = ship
        self._sleep = sleep
        self._failures = 0

    def run(self, until: Callable[[], bool] = lambda: False) -> None:
        """Work for ever, or until told."""
        while not until():
            self._sleep(self.work_once())

    def work_once(self) -> float:
        """Handle what is there, and return how many seconds to wait before looking again."""
        try:
            messages = self._api.consume(QUEUE)
            for message in messages:
                self._handle(message)
        except OSError as error:
            self._failures += 1
            seconds = self._wait_after(error)
            log.warning("%s; trying again in %g s", error, seconds)
            return seconds
        self._failures = 0
        return 0 if messages else PAUSE_SECONDS

    def _handle(self, message: Json) -> None:
        message_id = message["message_id"]
        try:
            self._ship(message["payload"])
        except UnusableOrderError:
            self._api.nack(QUEUE, message_id, requeue=False)
        except Exception:
            log.exception("order %s could not be shipped", message_id)
            self._api.nack(QUEUE, message_id, requeue=True)
        else:
            self._api.ack(QUEUE, message_id)

    def _wait_after(self, error: OSError) -> float:
        """Wait as long as we are told, else longer each time; what we did wrong ourselves is raised."""
        if isinstance(error, urllib.error.HTTPError):
            error.close()
            if error.code == 429:
                return float(error.headers["Retry-After"])
            if error.code < 500:
                raise error
        return float(min(2 ** (self._failures - 1), LONGEST_PAUSE_SECONDS))


def main() -> None:
    """Run a worker that prints its orders."""
    base_url = os.environ.get("INFRAI_BASE_URL", "https://api.infrai.cc/v1/scheduling")
    api = Api(base_url, os.environ["INFRAI_API_KEY"])
    api.create_queue(QUEUE)
    Worker(api, lambda order: log.info("shipped %s", order)).run()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    main()
