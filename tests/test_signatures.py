import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest
from standardwebhooks import Webhook

from sched_emulator.core import signing
from sched_emulator.signatures import SignatureError, verify

BODY = b'{"order_id":"o_123"}'
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYg=="  # noqa: S105 - of these tests
INSTANT = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
SCHEMES = ["x-infrai-signature", "x-infrai-timestamp", "standard-webhooks"]
WITH_TIMESTAMP = SCHEMES[1:]


def signed(scheme: str, secret: str = SECRET, body: bytes = BODY) -> dict[str, str]:
    timestamp_ms = int(INSTANT.timestamp() * 1000)
    return signing.sign(scheme, secret, body=body, delivery_id="dlv_000001", timestamp_ms=timestamp_ms)


def refusal(headers: dict[str, str], *, secret: str = SECRET, now: datetime | float | None = None) -> str:
    with pytest.raises(SignatureError) as caught:
        verify(BODY, headers, secret, now=now)
    return str(caught.value)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("secret", [SECRET, "s3cret", "schlüssel"])
def test_a_delivery_verifies_with_the_secret_it_was_signed_with(scheme: str, secret: str) -> None:
    headers = signed(scheme, secret)
    verify(BODY, headers, secret)
    verify(BODY.decode(), {name.upper(): value for name, value in headers.items()} | {"Content-Type": "x"}, secret)
    verify(BODY, headers, secret, now=INSTANT)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_another_secret_or_another_body_does_not_verify(scheme: str) -> None:
    name = "webhook-signature" if scheme == "standard-webhooks" else "X-Infrai-Signature"
    start = "no signature" if scheme == "standard-webhooks" else "the signature"
    for headers in (signed(scheme, "other"), signed(scheme, body=BODY + b" ")):
        message = refusal(headers)
        assert message.startswith(f"{start} in {name} ")
        assert message.endswith("this body and secret")


@pytest.mark.parametrize("secret", ["", "whsec_"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_an_empty_secret_never_verifies(scheme: str, secret: str) -> None:
    assert refusal(signed(scheme, secret), secret=secret) == "the secret is empty"


@pytest.mark.parametrize("secret", ["whsec_a", "whsec_a b*c=d", "whsec_-_-_", "whsec_ü"])
def test_a_secret_that_is_no_base64_behind_its_prefix_is_no_key_of_the_standard(secret: str) -> None:
    message = "the secret has no base64 behind whsec_, which is no key of Standard Webhooks"
    assert refusal(signed("standard-webhooks", secret), secret=secret) == message
    verify(BODY, signed("x-infrai-signature", secret), secret)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_each_header_of_the_standard_must_be_there(name: str) -> None:
    headers = signed("standard-webhooks")
    assert refusal(headers | {name: ""}) == f"the header {name} is missing"
    del headers[name]
    assert refusal(headers) == f"the header {name} is missing"


def test_a_delivery_without_a_signature_is_refused() -> None:
    assert refusal({"Content-Type": "application/json"}) == "the header X-Infrai-Signature is missing"
    assert refusal({"X-Infrai-Timestamp": "1"}) == "the header X-Infrai-Signature is missing"


def test_leaving_out_the_timestamp_does_not_help() -> None:
    headers = signed("x-infrai-timestamp")
    del headers["X-Infrai-Timestamp"]
    assert refusal(headers) == "the signature in X-Infrai-Signature does not fit this body and secret"


def test_characters_that_no_signature_has_are_refused_by_name() -> None:
    message = "the header {} has characters that no signature has"
    assert refusal({"X-Infrai-Signature": "sha256=é"}) == message.format("X-Infrai-Signature")
    assert refusal(signed("standard-webhooks") | {"webhook-id": "\udce9"}) == message.format("webhook-id")


@pytest.mark.parametrize("scheme", WITH_TIMESTAMP)
def test_a_timestamp_far_from_now_is_refused(scheme: str) -> None:
    headers = signed(scheme)
    old = "the timestamp is too old: 301 s from now, 300 are allowed"
    assert refusal(headers, now=INSTANT + timedelta(seconds=301)) == old
    assert refusal(headers, now=INSTANT.timestamp() + 301) == old
    new = "the timestamp is too new: 301 s from now, 300 are allowed"
    assert refusal(headers, now=INSTANT - timedelta(seconds=301)) == new


@pytest.mark.parametrize(
    "now",
    [
        INSTANT + timedelta(seconds=300),
        INSTANT - timedelta(seconds=300),
        INSTANT.replace(tzinfo=None),
        INSTANT.astimezone(timezone(timedelta(hours=-5))),
        INSTANT.timestamp(),
        int(INSTANT.timestamp()),
    ],
)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_timestamp_near_now_is_accepted_however_now_is_given(scheme: str, now: datetime | float) -> None:
    verify(BODY, signed(scheme), SECRET, now=now)


def test_the_tolerance_can_be_chosen() -> None:
    headers = signed("x-infrai-timestamp")
    verify(BODY, headers, SECRET, now=INSTANT + timedelta(days=1), tolerance_seconds=86_400)
    with pytest.raises(SignatureError, match=r"^the timestamp is too old: 2 s from now, 1 are allowed$"):
        verify(BODY, headers, SECRET, now=INSTANT + timedelta(seconds=2), tolerance_seconds=1)


def test_a_scheme_without_timestamps_has_none_to_check() -> None:
    verify(BODY, signed("x-infrai-signature"), SECRET, now=0)


@pytest.mark.parametrize("timestamp", ["soon", "-1", "1.5", "9" * 5000])
def test_a_signed_timestamp_that_is_no_number_is_refused_when_it_is_checked(timestamp: str) -> None:
    signature = signing.body_signature(SECRET, f"{timestamp}.".encode() + BODY)
    headers = {"X-Infrai-Signature": signature, "X-Infrai-Timestamp": timestamp}
    verify(BODY, headers, SECRET)
    assert refusal(headers, now=INSTANT) == "the timestamp is no whole number of seconds since 1970"


def test_what_the_independent_package_signs_verifies_also_among_several_signatures() -> None:
    signature = Webhook(SECRET).sign("msg_1", INSTANT, BODY.decode())
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(INSTANT.timestamp()))}
    verify(BODY, headers | {"webhook-signature": signature}, SECRET, now=INSTANT)
    verify(BODY, headers | {"webhook-signature": f"v1a,x v1,AAAA {signature} garbage"}, SECRET, now=INSTANT)
    assert (
        refusal(headers | {"webhook-signature": " "}) == "no signature in webhook-signature fits this body and secret"
    )


def test_importing_it_imports_nothing_heavy() -> None:
    program = "import sys, sched_emulator.signatures; print(*sorted(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    assert {"aiohttp", "yaml", "jsonschema_rs", "croniter"}.isdisjoint(modules)
