"""How secrets are shown: shortened. Which names are those of secrets, `recording.names` says.

Journal, errors, proofs and lists show things by these functions; what is sent, kept and saved stays whole. A `payload`
is the user's own and shown as it is, as what is delivered of it: tests compare it with what they sent.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any
from urllib.parse import unquote_plus

from sched_emulator.recording.names import SCHEMES, is_secret

OWN = frozenset({"payload"})
SHOWN_CHARS = 4
SHORT_KEY_CHARS = 12  # of a key: real ones are longer
KEY_END_CHARS = 3


def shorten(secret: str, shown_chars: int = SHOWN_CHARS) -> str:
    """Return the beginning of a secret, enough to recognise it."""
    return f"{secret[: min(shown_chars, len(secret) // 2)]}…"


def shown_key(key: str) -> str:
    """Return a key as sandboxes are named: whole where it is short, else its beginning, and an end to tell it by."""
    if len(key) <= SHORT_KEY_CHARS:
        return key
    return shorten(key, 8) + key[-min(KEY_END_CHARS, len(key) // 6) :]


def shorten_credentials(text: str) -> str:
    """Return what an `Authorization` header says as it may be shown: a known scheme whole, all else shortened."""
    scheme, space, rest = text.partition(" ")
    if scheme.lower() not in SCHEMES:
        return shorten(text)
    return scheme + space + (shorten(rest) if rest else "")


def hidden(value: Any, more: AbstractSet[str] = frozenset()) -> Any:
    """Return a JSON value as it may be shown; `more` are further names of secrets."""
    if isinstance(value, dict):
        return {name: _member(name, inside, more) for name, inside in value.items()}
    if isinstance(value, list):
        return [hidden(item, more) for item in value]
    return in_url(value) if isinstance(value, str) and "://" in value else value


def in_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers as they may be shown."""
    return {name: shorten_credentials(value) if is_secret(name) else value for name, value in headers.items()}


def in_url(url: str) -> str:
    """Return a URL, or a path with its query, as it may be shown: secrets among its parameters shortened."""
    before, mark, query = url.partition("?")
    if not mark or "=" not in query:
        return url
    query, hash_mark, fragment = query.partition("#")
    return before + mark + "&".join(map(_parameter, query.split("&"))) + hash_mark + fragment


def _member(name: str, value: Any, more: AbstractSet[str]) -> Any:
    if name in OWN:
        return value
    return _shortened(value) if name in more or is_secret(name) else hidden(value, more)


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shortened(inside) for name, inside in value.items()}
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    if isinstance(value, str):
        return shorten_credentials(value)
    return value if value is None or isinstance(value, bool) else "…"


def _parameter(sent: str) -> str:
    name, equals, value = sent.partition("=")
    return f"{name}={shorten(value)}" if equals and value and is_secret(unquote_plus(name)) else sent
