"""How a delivery is signed: the three answers of the assumption `signature.scheme`. No clock: the instant is passed in.

- `x-infrai-signature`: `X-Infrai-Signature: sha256=<hex>`, HMAC-SHA256 over the body.
- `x-infrai-timestamp`: the same over `timestamp.body`, with `X-Infrai-Timestamp` in whole seconds since 1970.
- `standard-webhooks`: `webhook-id`, `webhook-timestamp` and `webhook-signature: v1,<base64>` over `id.timestamp.body`.

The key is the secret's UTF-8 bytes. `standard-webhooks` alone knows secrets that begin with `whsec_`: what follows is
the key in base64, with or without padding, as the standard writes it. What is no base64 there is refused, when given
(`Store.check_secret`) and when verified, as by the standard's libraries: skipping the characters that do not belong
would make a key that others do not have. Only signing takes such a secret as it is, one that was accepted under
another scheme: it cannot fail long after that.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable

SIGNATURE = "X-Infrai-Signature"
TIMESTAMP = "X-Infrai-Timestamp"
WEBHOOK_ID = "webhook-id"
WEBHOOK_TIMESTAMP = "webhook-timestamp"
WEBHOOK_SIGNATURE = "webhook-signature"
WEBHOOK_PREFIX = "whsec_"

_QUARTETS = "(?:[A-Za-z0-9+/]{4})"
_BASE64 = re.compile(f"(?:{_QUARTETS}+|{_QUARTETS}*(?:[A-Za-z0-9+/]{{2}}(?:==)?|[A-Za-z0-9+/]{{3}}=?))")


def sign(scheme: str, secret: str, *, body: bytes, delivery_id: str, timestamp_ms: int) -> dict[str, str]:
    """Return the headers that sign a delivery at an instant."""
    return _SCHEMES[scheme](secret, body, delivery_id, str(timestamp_ms // 1000))


def body_signature(secret: str, body: bytes) -> str:
    """Return the value of `X-Infrai-Signature` for what is signed."""
    return "sha256=" + _digest(secret.encode(), body).hex()


def webhook_key(secret: str) -> bytes:
    """Return the key of `standard-webhooks`; ValueError when `whsec_` is followed by no base64."""
    if not secret.startswith(WEBHOOK_PREFIX):
        return secret.encode()
    encoded = secret.removeprefix(WEBHOOK_PREFIX)
    if _BASE64.fullmatch(encoded) is None:
        raise ValueError("must have base64 behind 'whsec_' where `signature.scheme` is 'standard-webhooks'")
    return base64.b64decode(encoded + "=" * (-len(encoded) % 4))


def webhook_signature(key: bytes, webhook_id: str, timestamp: str, body: bytes) -> str:
    """Return the value of `webhook-signature`, one signature of version 1."""
    signed = _digest(key, f"{webhook_id}.{timestamp}.".encode() + body)
    return "v1," + base64.b64encode(signed).decode("ascii")


def _plain(secret: str, body: bytes, _delivery_id: str, _timestamp: str) -> dict[str, str]:
    return {SIGNATURE: body_signature(secret, body)}


def _timestamped(secret: str, body: bytes, _delivery_id: str, timestamp: str) -> dict[str, str]:
    return {SIGNATURE: body_signature(secret, timestamp.encode() + b"." + body), TIMESTAMP: timestamp}


def _standard(secret: str, body: bytes, delivery_id: str, timestamp: str) -> dict[str, str]:
    try:
        key = webhook_key(secret)
    except ValueError:
        key = secret.encode()
    return {
        WEBHOOK_ID: delivery_id,
        WEBHOOK_TIMESTAMP: timestamp,
        WEBHOOK_SIGNATURE: webhook_signature(key, delivery_id, timestamp, body),
    }


_SCHEMES: dict[str, Callable[[str, bytes, str, str], dict[str, str]]] = {
    "x-infrai-signature": _plain,
    "x-infrai-timestamp": _timestamped,
    "standard-webhooks": _standard,
}


def _digest(key: bytes, signed: bytes) -> bytes:
    return hmac.new(key, signed, hashlib.sha256).digest()
