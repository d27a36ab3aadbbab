"""What a run of the suite is asked for, complete and checked; and the two limits that depend on where the target is."""

import hashlib
import ipaddress
import random
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from sched_emulator.config import UsageError

EMULATOR = "emulator"
HOLDABLE = ("documented", "vendor", "choices")
DEFAULT_MAX_REQUESTS = 500
DEFAULT_RATE = 5.0


class SettingsError(UsageError):
    """What was asked for cannot be; the message is one sentence that says what to do."""


def fresh_seed() -> int:
    """Return a seed that no earlier run had, most likely."""
    return random.SystemRandom().randrange(1_000_000)


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of `sched-emulator contract`."""

    target: str
    key: str | None = None
    key_variable: str = "INFRAI_API_KEY"
    allow_writes: bool = False
    max_requests: int | None = None
    max_usd: float | None = None
    rate: float | None = None
    callback_url: str | None = None
    callback_listen: str | None = None
    prefix_given: str | None = None
    seed: int = field(default_factory=fresh_seed)
    only: tuple[str, ...] = ()
    known: Path | None = None
    baseline: Path | None = None
    report_dir: Path | None = None
    assumptions: Path | None = None
    scenarios: Path | None = None
    record: Path | None = None
    real_time: bool = False
    fail_fast: bool = False
    hold: tuple[str, ...] = ()
    examples: int = 10
    measured: bool = False
    request_timeout: float = 10.0

    def __post_init__(self) -> None:
        if self.target != EMULATOR and not _is_url(self.target):
            raise SettingsError(
                f"--target: {self.target!r} is no URL; expected `emulator` or something like http://127.0.0.1:8420"
            )
        if self.callback_url is not None and not _is_url(self.callback_url):
            raise SettingsError(f"--callback-url: {self.callback_url!r} is no URL; expected a public one")
        for held in self.hold:
            if held not in HOLDABLE:
                raise SettingsError(f"--hold: {held!r} cannot be held; expected {' or '.join(HOLDABLE)}")
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{1,30}", self.prefix):
            raise SettingsError(
                f"--prefix: {self.prefix!r} cannot begin names; expected 2 to 31 lower-case letters, digits and hyphens"
            )

    @property
    def prefix(self) -> str:
        """What every name begins with that the run creates: given, or made of the seed."""
        if self.prefix_given is not None:
            return self.prefix_given
        return "ct-" + hashlib.sha256(f"prefix {self.seed}".encode()).hexdigest()[:6] + "-"

    @property
    def loopback(self) -> bool:
        """Whether the target is on this machine, where requests cost nothing."""
        return self.target == EMULATOR or is_loopback(self.target)

    @property
    def paid(self) -> bool:
        """Whether each request may cost something, as `measured` runs pretend: a sample of many alike has to do."""
        return self.measured or not self.loopback

    @property
    def may_write(self) -> bool:
        """Whether something may be created: allowed, or on an emulator that is started for the run."""
        return self.allow_writes or self.target == EMULATOR

    @property
    def budget(self) -> int | None:
        """How many requests may be sent; None is as many as it takes."""
        if self.max_requests is not None:
            return self.max_requests
        return None if self.loopback else DEFAULT_MAX_REQUESTS

    @property
    def requests_per_second(self) -> float | None:
        """How fast requests may be sent; None is as fast as they go."""
        if self.rate is not None:
            return self.rate
        return None if self.loopback else DEFAULT_RATE

    def command(self, *options: str) -> str:
        """Return the command that does this run again, with further options."""
        words = ["sched-emulator contract", f"--target {self.target}", f"--seed {self.seed}"]
        if self.key is not None and self.key_variable != "INFRAI_API_KEY":
            words.append(f"--api-key-env {self.key_variable}")
        if self.allow_writes:
            words.append("--allow-writes")
        words += [f"--hold {held}" for held in self.hold]
        if self.real_time:
            words.append("--real-time")
        if self.prefix_given is not None:
            words.append(f"--prefix {self.prefix_given}")
        if self.scenarios is not None:
            words.append(f"--scenarios {shlex.quote(str(self.scenarios))}")
        if self.callback_url is not None:
            words.append(f"--callback-url {self.callback_url}")
        if self.callback_listen is not None:
            words.append(f"--callback-listen {self.callback_listen}")
        return " ".join([*words, *options])


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in {"http", "https"}
            and bool(parts.hostname)
            and parts.port != 0
            and not re.search(r"\s", text)
        )
    except ValueError:  # a port or an address that is none
        return False


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine, as far as its spelling tells."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
