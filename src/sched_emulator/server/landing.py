"""What an address that somebody opens leads to: where to go on from there, and the two specs as served."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from importlib.metadata import version

from sched_emulator import spec

from . import page
from .asked import Json
from .binding import API_DOCUMENT, bind

DOCUMENTS = frozenset({"openapi.api", "openapi.control"})


def index() -> Json:
    """Return where to go on. The links are relative to the address that was asked, and want no key."""
    return {
        "name": "sched-emulator",
        "version": version("sched-emulator"),
        "about": "A local emulator of the Infrai scheduling API, which is under /v1/scheduling; it is steered by the "
        "control API under /_emulator. A key is anything that starts with ifr_; each is a sandbox of its own.",
        "links": {
            "dashboard": page.PATH,
            "api": API_DOCUMENT,
            "operations": "/v1/discovery",
            "control_api": "/_emulator/openapi.yaml",
            "health": "/_emulator/health",
            "sandboxes": "/_emulator/sandboxes",
        },
    }


def documents(answers: Mapping[str, str | int]) -> dict[str, Callable[[], bytes]]:
    """Return what makes each spec as it is served; that of the API is as a server's own answers have it."""
    return {
        "openapi.api": cache(lambda: spec.as_yaml(bind(answers).document)),
        "openapi.control": partial(spec.text, "emulator"),
    }
