"""The schemes by which a delivery may be signed, as far as they are known."""

import base64
import hashlib
import hmac

from .receivers import Call

SECRET = "contract-suite-secret"  # noqa: S105 - shared with our own receivers only
SCHEMES = ("x-infrai-timestamp", "standard-webhooks", "x-infrai-signature")


def is_signed(call: Call, secret: str, scheme: str, signed_bytes: bytes) -> bool:
    """Whether a delivery carries the signature of some bytes, in a scheme."""
    headers = call.headers
    if scheme == "standard-webhooks":
        timestamp, webhook_id = headers.get("webhook-timestamp", ""), headers.get("webhook-id", "")
        digest = hmac.digest(secret.encode(), f"{webhook_id}.{timestamp}.".encode() + signed_bytes, hashlib.sha256)
        return f"v1,{base64.b64encode(digest).decode()}" in headers.get("webhook-signature", "").split()
    timestamp = headers.get("x-infrai-timestamp", "")
    if bool(timestamp) != (scheme == "x-infrai-timestamp"):
        return False
    signed = f"{timestamp}.".encode() + signed_bytes if timestamp else signed_bytes
    expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return headers.get("x-infrai-signature", "").removeprefix("sha256=") == expected
