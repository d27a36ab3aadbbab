"""How a delivery is signed: the three answers of the assumption `signature.scheme`. No clock: the instant is passed in.

- `x-infrai-signature`: `X-Infrai-Signature: sha256=<hex>`, HMAC-SHA256 over the body.
- `x-infrai-timestamp`: the same over `timestamp.body`, with `X-Infrai-Timestamp` in whole seconds since 1970.
- `standard-webhooks`: `webhook-id`, `webhook-timestamp` and `webhook-signature: v1,<base64>` over `id.timestamp.body`.

The key is the secret's UTF-8 bytes. `standard-webhooks` alone knows secrets that begin with `whsec_`: what follows is
the key in base64, with or without padding, as the standard writes it. A secret that begins so and has no base64
after that, or nothing at all, is used as it is, so that signing cannot fail long after the secret was accepted.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable

SIGNATURE = "X-Infrai-Signature"
TIMESTAMP = "X-Infrai-Timestamp"
WEBHOOK_ID = "webhook-id"
WEBHOOK_TIMESTAMP = "webhook-timestamp"
WEBHOOK_SIGNATURE = "webhook-signature"
WEBHOOK_PREFIX = "whsec_"


def sign(scheme: str, secret: str, *, body: bytes, delivery_id: str, timestamp_ms: int) -> dict[str, str]:
    """Return the headers that sign a delivery at an instant."""
    return _SCHEMES[scheme](secret, body, delivery_id, str(timestamp_ms // 1000))


def body_signature(secret: str, body: bytes) -> str:
    """Return the value of `X-Infrai-Signature` for what is signed."""
    return "sha256=" + _digest(secret.encode(), body).hex()


def webhook_signature(secret: str, webhook_id: str, timestamp: str, body: bytes) -> str:
    """Return the value of `webhook-signature`, one signature of version 1."""
    signed = _digest(_webhook_key(secret), f"{webhook_id}.{timestamp}.".encode() + body)
    return "v1," + base64.b64encode(signed).decode("ascii")


def _plain(secret: str, body: bytes, _delivery_id: str, _timestamp: str) -> dict[str, str]:
    return {SIGNATURE: body_signature(secret, body)}


def _timestamped(secret: str, body: bytes, _delivery_id: str, timestamp: str) -> dict[str, str]:
    return {SIGNATURE: body_signature(secret, timestamp.encode() + b"." + body), TIMESTAMP: timestamp}


def _standard(secret: str, body: bytes, delivery_id: str, timestamp: str) -> dict[str, str]:
    return {
        WEBHOOK_ID: delivery_id,
        WEBHOOK_TIMESTAMP: timestamp,
        WEBHOOK_SIGNATURE: webhook_signature(secret, delivery_id, timestamp, body),
    }


_SCHEMES: dict[str, Callable[[str, bytes, str, str], dict[str, str]]] = {
    "x-infrai-signature": _plain,
    "x-infrai-timestamp": _timestamped,
    "standard-webhooks": _standard,
}


def _webhook_key(secret: str) -> bytes:
    if not secret.startswith(WEBHOOK_PREFIX):
        return secret.encode()
    try:
        key = base64.b64decode(secret.removeprefix(WEBHOOK_PREFIX) + "==")
    except ValueError:
        key = b""
    return key or secret.encode()


def _digest(key: bytes, signed: bytes) -> bytes:
    return hmac.new(key, signed, hashlib.sha256).digest()
