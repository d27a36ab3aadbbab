import base64
import hashlib
import hmac
from datetime import UTC, datetime

import pytest
from freezegun import freeze_time
from standardwebhooks import Webhook

from sched_emulator.core import signing

BODY = b'{"order_id":"o_123","note":"\xc3\xbc"}'
INSTANT = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
INSTANT_MS = 1_772_355_600_999  # a fraction of a second after it
ENCODED = base64.b64encode(b"0123456789abcdef0123456789ab").decode()


def signed(scheme: str, secret: str) -> dict[str, str]:
    return signing.sign(scheme, secret, body=BODY, delivery_id="dlv_000001", timestamp_ms=INSTANT_MS)


def test_x_infrai_signature_is_the_hex_digest_of_the_body() -> None:
    digest = hmac.new(b"s3cret", BODY, hashlib.sha256).hexdigest()
    assert signed("x-infrai-signature", "s3cret") == {"X-Infrai-Signature": f"sha256={digest}"}


def test_x_infrai_timestamp_signs_whole_seconds_and_the_body() -> None:
    digest = hmac.new(b"s3cret", b"1772355600." + BODY, hashlib.sha256).hexdigest()
    assert signed("x-infrai-timestamp", "s3cret") == {
        "X-Infrai-Signature": f"sha256={digest}",
        "X-Infrai-Timestamp": "1772355600",
    }


def test_standard_webhooks_signs_id_timestamp_and_body() -> None:
    digest = hmac.new(b"s3cret", b"dlv_000001.1772355600." + BODY, hashlib.sha256).digest()
    assert signed("standard-webhooks", "s3cret") == {
        "webhook-id": "dlv_000001",
        "webhook-timestamp": "1772355600",
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


@pytest.mark.parametrize("secret", [f"whsec_{ENCODED}", f"whsec_{ENCODED.rstrip('=')}", "whsec_QQ", "whsec_QUI="])
def test_the_independent_package_takes_a_base64_secret_as_we_do(secret: str) -> None:
    with freeze_time(INSTANT):
        Webhook(secret).verify(BODY, signed("standard-webhooks", secret))


NO_BASE64 = ["whsec_", "whsec_a", "whsec_ü", "whsec_a b*c=d", "whsec_-_-_", "whsec_QQ=", "whsec_QQ==QQ==", "whsec_QQ\n"]


@pytest.mark.parametrize("secret", ["s3cret", ENCODED, "schlüssel", *NO_BASE64])
def test_any_other_secret_is_the_key_itself(secret: str) -> None:
    with freeze_time(INSTANT):
        Webhook(secret.encode()).verify(BODY, signed("standard-webhooks", secret))


def test_the_prefix_means_nothing_to_the_other_schemes() -> None:
    digest = hmac.new(f"whsec_{ENCODED}".encode(), BODY, hashlib.sha256).hexdigest()
    assert signed("x-infrai-signature", f"whsec_{ENCODED}") == {"X-Infrai-Signature": f"sha256={digest}"}
