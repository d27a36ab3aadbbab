"""The target as a whole: found, or started for the run; each check gets a stage of its own on it."""

from collections.abc import Callable
from pathlib import Path

from sched_emulator.client.emulator import Emulator
from sched_emulator.client.http import EmulatorError

from .gate import Gate, NoAnswer
from .receivers import ReceiverServer
from .recorded import Recording
from .settings import EMULATOR, Settings, SettingsError
from .sharing import Sharing
from .stages import RealStage, Stage, VirtualStage

VIRTUAL_START = "2026-01-01T00:00:00Z"
RUN_MAY_TAKE_SECONDS = 900.0


class Site:
    """The target as a whole: what it is, and the gate to it."""

    def __init__(
        self,
        settings: Settings,
        gate: Gate,
        emulator: Emulator | None,
        url: str,
        *,
        started: Emulator | None = None,
        is_emulator: bool,
    ) -> None:
        self.settings = settings
        self.gate = gate
        self.emulator = emulator
        self.url = url
        self.virtual = emulator is not None
        self.is_emulator = is_emulator
        self.receivers = _receivers(settings)
        self._started = started
        self._recording: Recording | None = None
        self._prefix = settings.prefix
        self._answers = self._answers_to_copy()
        self._sharing = Sharing()  # used where requests may cost

    def stage(self, name: str) -> Stage:
        """Return a stage for one check."""
        if self.emulator is None:
            name = f"{self._prefix}{name}"
            return RealStage(self.gate, self.url, self.settings, self.receivers, name, sharing=self._sharing)
        key = f"ifr_{self._prefix}{name}"
        box = self.emulator.sandbox(key)
        box.reset()
        box.clock.put({"mode": "frozen"})
        box = self.emulator.sandbox(key, clock="frozen", now=VIRTUAL_START, assumptions=self._answers)
        box.targets.script("https://receiver.example.com/*", [200])
        return VirtualStage(self.gate, self.url, box, self.receivers, f"{self._prefix}{name}")

    def record(self, path: Path, complain: Callable[[str], object]) -> None:
        """Record from now on what is sent and what comes. SettingsError when that cannot be."""
        if self.virtual:
            raise SettingsError(
                "--record: this run moves the clock of an emulator, and a recording has real instants; "
                "add --real-time, or let the emulator record itself: `serve --record`"
            )
        receivers = () if self.receivers is None else (self.receivers.base,)
        self._recording = self.gate.recorder = Recording(path, self.url, receivers, complain)
        if self.receivers is not None:
            self.receivers.recorder = self._recording

    def close(self) -> None:
        """Stop what was started for the run."""
        if self.receivers is not None:
            self.receivers.close()
        if self._recording is not None:
            self._recording.close()
        for emulator in (self.emulator, self._started):
            if emulator is not None:
                emulator.stop()

    def _answers_to_copy(self) -> dict[str, str | int] | None:
        """Return the answers that the user's own sandbox has, where there is a key that names one."""
        if self.emulator is None or self.settings.key is None:
            return None
        return self.emulator.sandbox(self.settings.key).assumptions.get()


def open_site(settings: Settings) -> Site:
    """Find the target, or start an emulator; EmulatorError when that does not work."""
    if settings.target == EMULATOR:
        emulator = Emulator.start(clock="wall" if settings.real_time else "frozen")
        gate = Gate(
            key=settings.key or "ifr_contract",
            budget=settings.budget,
            rate=settings.rate,
            strict=settings.real_time,
            deadline=RUN_MAY_TAKE_SECONDS,
        )
        used = None if settings.real_time else emulator
        return Site(settings, gate, used, emulator.url, started=emulator, is_emulator=True)
    url = settings.target.rstrip("/")
    there = find_emulator(url, settings.request_timeout)
    found = None if settings.real_time else there
    rate = settings.requests_per_second
    gate = Gate(
        key=settings.key or ("ifr_contract" if settings.loopback else None),
        budget=settings.budget,
        rate=rate,
        allow_writes=settings.allow_writes or found is not None,
        strict=found is None,
        timeout=settings.request_timeout,
        deadline=RUN_MAY_TAKE_SECONDS + (settings.budget or 0) / (rate or 1e9),
    )
    return Site(settings, gate, found, url, is_emulator=there is not None)


def find_emulator(url: str, timeout: float) -> Emulator | None:
    """Return the emulator at a URL; None when something else is there, or one that takes only listed keys."""
    with Gate(key=None, strict=False, timeout=timeout).session() as session:
        try:
            told = session.get(f"{url}/_emulator/health", allow_redirects=False).json()
        except (NoAnswer, ValueError):
            return None
    if not isinstance(told, dict) or "instance" not in told:
        return None
    emulator = Emulator(url)
    try:
        with emulator.sandbox("ifr_contract_suite_looks_around"):
            return emulator
    except EmulatorError:
        emulator.stop()
        return None


def _receivers(settings: Settings) -> ReceiverServer | None:
    if settings.callback_url is not None or settings.callback_listen is not None:
        host, _, port = (settings.callback_listen or "127.0.0.1:0").rpartition(":")
        return ReceiverServer((host, int(port)), settings.callback_url)
    return ReceiverServer() if settings.loopback else None
