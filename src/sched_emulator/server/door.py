"""What a web page of elsewhere may have sent, which is refused.

A page reaches a port on loopback like any program of the machine. Its browser says with each request that could do harm
where the page comes from (`Origin`), and for which name it looked the address up (`Host`). What a page may ask for
without saying either is a plain GET, to which it can add neither a key nor a `Content-Type` of JSON.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from sched_emulator.config import Config

from .http_errors import Forbidden

SANDBOX_HEADER = "X-Emulator-Sandbox"  # names a sandbox by its id, in place of a key
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


class Door:
    """Who may come in: loopback, the host listened on, and the names allowed with `--allow-host`."""

    def __init__(self, config: Config) -> None:
        self._allowed = LOOPBACK_HOSTS | {config.host} | set(config.allow_hosts)

    def refuse_foreign_origin(self, headers: Mapping[str, str]) -> None:
        """Raise Forbidden for a request that a page of another origin sent."""
        origin = headers.get("Origin")
        if origin is not None:
            self._refuse_foreign("Origin", origin)

    def refuse_foreign_host(self, host: str) -> None:
        """Raise Forbidden for a request that was sent to a name which is not the emulator's."""
        self._refuse_foreign("Host", f"//{host}")

    def _refuse_foreign(self, header: str, url: str) -> None:
        name = _host_name(url)
        if name not in self._allowed and "*" not in self._allowed:
            raise Forbidden(f"the header `{header}` names '{(name or '')[:80]}', which may not steer this emulator")


def sent_by_no_page(headers: Mapping[str, str]) -> bool:
    """Whether a request has a header that a page cannot send unasked."""
    return "Authorization" in headers or SANDBOX_HEADER in headers or headers.get("Content-Type") == "application/json"


def _host_name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
