"""The bodies of requests, read up to a bound and not a byte further, as they came: nothing is decompressed."""

import asyncio
from typing import NamedTuple

from aiohttp.web_request import BaseRequest

from sched_emulator.config import Config

from .http_errors import BodyTooLarge

MIN_BODY_BYTES = 32 * 1024 * 1024


class Bound(NamedTuple):
    """How long a body may be; `what` and `option` are said of one that is longer."""

    what: str
    most_bytes: int
    option: str

    async def read(self, request: BaseRequest) -> bytes:
        """Return the body of a request. BodyTooLarge as soon as it is known to be too long.

        The request does not keep it: aiohttp holds the last request of a connection until the next one comes.
        """
        if request.content.is_eof():
            return self._checked(request.content.read_nowait())
        if (request.content_length or 0) > self.most_bytes:
            raise self._refusal()
        received = bytearray()
        try:
            async for chunk in request.content.iter_any():
                received += chunk
                if len(received) > self.most_bytes:
                    raise self._refusal()
            body = bytes(received)
        finally:
            received.clear()  # an error of the connection's is kept by it, and leads back here
        await asyncio.sleep(0)  # to put a long one together is a turn's work, to read it that of another
        return body

    def _checked(self, received: bytes) -> bytes:
        if len(received) > self.most_bytes:
            raise self._refusal()
        return received

    def _refusal(self) -> BodyTooLarge:
        return BodyTooLarge(f"the {self.what} must be at most {self.most_bytes} bytes, as {self.option} says")


def of_requests(config: Config) -> Bound:
    """Return the bound of all bodies but snapshots: by default twice what the largest batch of messages takes."""
    message, batch = config.answers["limits.message_bytes"], config.answers["limits.batch_messages"]
    needed = max(MIN_BODY_BYTES, 2 * int(message) * int(batch))
    return Bound("body", needed if config.max_body is None else config.max_body, "--max-body")


def of_snapshots(config: Config) -> Bound:
    """Return the bound of snapshots that are sent."""
    return Bound("snapshot", config.max_snapshot, "--max-snapshot")
