"""Which names count as those of secrets, and how what stands under them is shown: shortened.

Journal, errors, proofs and lists show things by these functions; what is sent, kept and saved stays whole. A `payload`
is the user's own and shown as it is, as what is delivered of it: tests compare it with what they sent.
"""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus

_ANYWHERE = (
    *("secret", "password", "passwd", "passphrase", "authorization", "cookie", "credential"),
    *("apikey", "accesskey", "privatekey", "signingkey", "authkey", "masterkey"),
)
_AT_THE_END = ("token", "bearer", "jwt")
_WHOLE = frozenset({"auth", "pwd", "pin", "session", "sessionid", "xauth"})
_SCHEMES = frozenset({"apikey", "basic", "bearer", "digest", "hmac", "negotiate", "token"})
_NO_LETTER = re.compile("[^a-z0-9]+")
OWN = frozenset({"payload"})
SHOWN_CHARS = 4
SHORT_KEY_CHARS = 12  # of a key: real ones are longer


def shorten(secret: str, shown_chars: int = SHOWN_CHARS) -> str:
    """Return the beginning of a secret, enough to recognise it."""
    return f"{secret[: min(shown_chars, len(secret) // 2)]}…"


def shown_key(key: str) -> str:
    """Return a key as sandboxes are named: whole where it is short, as those made up for a sandbox are."""
    return key if len(key) <= SHORT_KEY_CHARS else shorten(key, 8)


def shorten_credentials(text: str) -> str:
    """Return what an `Authorization` header says as it may be shown: a known scheme whole, all else shortened."""
    scheme, space, rest = text.partition(" ")
    if scheme.lower() not in _SCHEMES:
        return shorten(text)
    return scheme + space + (shorten(rest) if rest else "")


@lru_cache(maxsize=1024)
def is_secret(name: str) -> bool:
    """Say whether a field, header or parameter of that name holds a secret, however the name is written."""
    letters = _NO_LETTER.sub("", name.lower())
    return letters in _WHOLE or letters.endswith(_AT_THE_END) or any(part in letters for part in _ANYWHERE)


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
