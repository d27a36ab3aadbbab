"""How commands find the emulator and the sandbox they talk to."""

import argparse
from difflib import get_close_matches

from sched_emulator.client.http import DEFAULT_URL, Client, EmulatorError
from sched_emulator.client.sandbox import Sandbox
from sched_emulator.config import UsageError

from .options import Option, api_key, key_in
from .terminal import complain

NAMED = 10  # sandboxes, at most
SHOWN_WHOLE_CHARS = 12  # of a key, as the emulator names sandboxes


def _url(text: str, option: str) -> str:
    try:
        Client(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None
    return text


URL = Option("--url", f"the emulator (default {DEFAULT_URL})", "URL", _url)
OPTIONS = (
    URL,
    Option("--key", "the sandbox's API key (default $INFRAI_API_KEY, else the only sandbox there is)", "KEY", api_key),
)


def sandbox_of(values: argparse.Namespace, *, making: bool = False) -> Sandbox:
    """Return the sandbox that the options name: that of the key, or without one the only one there is.

    UsageError where there is none: to read or advance one that nobody has used shows nothing. A command that is
    `making` one by what it sets says so on stderr.
    """
    key = values.key or key_in("INFRAI_API_KEY")
    box = Sandbox(Client(values.url or DEFAULT_URL, key))
    if key is None:
        _refuse_several(_names(box))
        return box
    option = "--key" if values.key else "$INFRAI_API_KEY"
    try:
        box.summary()
    except EmulatorError as error:
        if error.code == "UNAUTHORIZED":
            accepted = "expected one that starts with ifr_ and goes on, or that `serve --keys` lists"
            raise UsageError(f"{option}: the emulator does not accept the key {_shown(key)}; {accepted}") from None
        if error.code != "NO_SANDBOX":
            raise
        if not making:
            raise UsageError(_no_sandbox(option, key, _names(box))) from None
        complain(values.prog, f"the key {_shown(key)} had no sandbox yet; now it has one")
    return box


def _names(box: Sandbox) -> list[str]:
    from sched_emulator.client.emulator import Emulator  # noqa: PLC0415 - costs those who named no sandbox

    return [summary["key"] for summary in Emulator(box.client.url).sandboxes()]


def _refuse_several(names: list[str]) -> None:
    if not names:
        raise UsageError("there is no sandbox yet: the first request with a key makes one")
    if len(names) > 1:
        raise UsageError(f"--key must say which sandbox is meant; there are {_listed(names)}")


def _no_sandbox(option: str, key: str, names: list[str]) -> str:
    said = f"{option}: the key {_shown(key)} has no sandbox yet"
    if not names:
        return f"{said}, nor has any other: the first request with a key makes one"
    close = get_close_matches(key, names, n=1)
    there_are = "there is" if len(names) == 1 else "there are"
    return f"{said}; {there_are} {_listed(names)}" + (f"; did you mean {close[0]}?" if close else "")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _shown(key: str) -> str:
    return key if len(key) <= SHOWN_WHOLE_CHARS else f"{key[:8]}…"
