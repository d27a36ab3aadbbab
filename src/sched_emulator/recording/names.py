"""Which names of fields, headers and parameters count as those of secrets, however they are written."""

import re
from functools import lru_cache

import jsonschema_rs

_ANYWHERE = (
    *("secret", "password", "passwd", "passphrase", "passcode", "authorization", "cookie", "credential"),
    *("apikey", "accesskey", "privatekey", "signingkey", "authkey", "masterkey"),
)
_AT_THE_END = ("token", "bearer", "jwt")
_WHOLE = frozenset({"auth", "pwd", "pin", "session", "sessionid", "xauth"})
_NO_LETTER = re.compile("[^a-z0-9]+")
SCHEMES = frozenset({"apikey", "basic", "bearer", "digest", "hmac", "negotiate", "token"})  # of `Authorization`


_LOWER = bytes(range(256)).lower()
_NO_LETTERS = bytes(set(range(256)) - set(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))
_TRACES = "secret|pass|auth|cookie|credential|token|bearer|jwt|pwd|pin|session|key"  # one of them is in each
_TRACED = jsonschema_rs.Draft202012Validator({"pattern": _TRACES})  # looks for all at once, 30 times as fast as `re`


def may_name_a_secret(text: bytes) -> bool:
    """Say, quickly, whether the name of a secret may stand in a text of JSON; where none may, none does."""
    if b"\\" in text:  # which can hide anything
        return True
    return _TRACED.is_valid(text.translate(_LOWER, _NO_LETTERS).decode())


@lru_cache(maxsize=1024)
def is_secret(name: str) -> bool:
    """Say whether a field, header or parameter of that name holds a secret, however the name is written."""
    letters = _NO_LETTER.sub("", name.lower())
    return letters in _WHOLE or letters.endswith(_AT_THE_END) or any(part in letters for part in _ANYWHERE)
