"""How commands find the emulator and the sandbox they talk to."""

import argparse
import os

from sched_emulator.client.http import DEFAULT_URL, Client
from sched_emulator.client.sandbox import Sandbox
from sched_emulator.config import UsageError

from .options import Option


def _url(text: str, option: str) -> str:
    try:
        Client(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from None
    return text


OPTIONS = (
    Option("--url", f"the emulator (default {DEFAULT_URL})", "URL", _url),
    Option("--key", "the sandbox's API key (default $INFRAI_API_KEY, else the only sandbox there is)", "KEY"),
)


def sandbox_of(values: argparse.Namespace) -> Sandbox:
    """Return the sandbox that the options name: that of the key, or without one the only one there is."""
    return Sandbox(Client(values.url or DEFAULT_URL, values.key or os.environ.get("INFRAI_API_KEY") or None))
