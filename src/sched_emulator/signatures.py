"""Checks a delivery's signature the way a receiver does, whichever `signature.scheme` signed it.

    from sched_emulator import signatures

    signatures.verify(request.body, request.headers, "my secret")

Imports nothing but the standard library and the function that signs, so that a receiver under test can use it.
"""

import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from .core import signing

__tracebackhide__ = True  # a failing test shows its own lines

_WEBHOOK_HEADERS = (signing.WEBHOOK_ID, signing.WEBHOOK_TIMESTAMP, signing.WEBHOOK_SIGNATURE)


class SignatureError(Exception):
    """A delivery that its receiver should refuse; the message says why in one sentence."""


def verify(
    body: bytes | str,
    headers: Mapping[str, str],
    secret: str,
    now: datetime | float | None = None,
    tolerance_seconds: float = 300,
) -> None:
    """Return if `body` was signed with `secret`, raise `SignatureError` otherwise.

    The headers present tell the scheme: `webhook-…` or `X-Infrai-Signature`, the latter with or without
    `X-Infrai-Timestamp`. With `now`, a datetime (UTC if naive) or seconds since 1970, a timestamp that is further away
    than `tolerance_seconds` is refused, too; a scheme without timestamps has none to check. Pass the sandbox's own time
    (`box.clock.now`): deliveries are signed in virtual time.
    """
    if not secret or secret == signing.WEBHOOK_PREFIX:
        raise SignatureError("the secret is empty")
    raw = body.encode() if isinstance(body, str) else bytes(body)
    given = {name.lower(): value for name, value in headers.items()}
    check = _check_webhook if any(name in given for name in _WEBHOOK_HEADERS) else _check_infrai
    timestamp = check(raw, given, secret)
    if timestamp is not None and now is not None:
        _check_age(timestamp, now, tolerance_seconds)


def _check_webhook(body: bytes, given: Mapping[str, str], secret: str) -> str:
    webhook_id = _header(given, signing.WEBHOOK_ID)
    timestamp = _header(given, signing.WEBHOOK_TIMESTAMP)
    signatures = _header(given, signing.WEBHOOK_SIGNATURE).split()
    try:
        key = signing.webhook_key(secret)
    except ValueError:
        raise SignatureError("the secret has no base64 behind whsec_, which is no key of Standard Webhooks") from None
    expected = signing.webhook_signature(key, webhook_id, timestamp, body)
    if not any(hmac.compare_digest(signature, expected) for signature in signatures):
        raise SignatureError(f"no signature in {signing.WEBHOOK_SIGNATURE} fits this body and secret")
    return timestamp


def _check_infrai(body: bytes, given: Mapping[str, str], secret: str) -> str | None:
    signature = _header(given, signing.SIGNATURE)
    timestamp = _header(given, signing.TIMESTAMP) if signing.TIMESTAMP.lower() in given else None
    signed = body if timestamp is None else timestamp.encode() + b"." + body
    if not hmac.compare_digest(signature, signing.body_signature(secret, signed)):
        raise SignatureError(f"the signature in {signing.SIGNATURE} does not fit this body and secret")
    return timestamp


def _check_age(timestamp: str, now: datetime | float, tolerance_seconds: float) -> None:
    if re.fullmatch(r"[0-9]{1,12}", timestamp) is None:
        raise SignatureError("the timestamp is no whole number of seconds since 1970")
    if isinstance(now, datetime):
        now = (now if now.tzinfo is not None else now.replace(tzinfo=UTC)).timestamp()
    age = now - int(timestamp)
    if abs(age) > tolerance_seconds:
        side = "old" if age > 0 else "new"
        raise SignatureError(
            f"the timestamp is too {side}: {abs(age):.0f} s from now, {tolerance_seconds:g} are allowed"
        )


def _header(given: Mapping[str, str], name: str) -> str:
    value = given.get(name.lower())
    if not value:
        raise SignatureError(f"the header {name} is missing")
    if not value.isascii():
        raise SignatureError(f"the header {name} has characters that no signature has")
    return value
