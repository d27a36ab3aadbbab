"""What deliveries carry, how they are signed, and who hears of failures."""

import json
import re
from typing import Any

from sched_emulator.contract import (
    NEVER,
    SCHEMES,
    SECRET,
    TRICKY,
    Api,
    Call,
    Group,
    NotChecked,
    Receiver,
    equal,
    fired_cron,
    is_signed,
    plain_push,
    plain_task,
    require,
    shown,
    signed_push,
    signed_task,
)

from .runs import succeeding_cron

content = Group("callback/content", aspect="delivery")
signature = Group("callback/signature", aspect="delivery")
failure = Group("callback/failure", aspect="delivery")
BEYOND_FLOATS = {"n": 9007199254740993}
KNOWN_FORMS = {
    "x-infrai-signature": r"(sha256=)?[0-9a-f]{64}",
    "webhook-signature": r"v1,[A-Za-z0-9+/]{43}=( .*)?",
}


@content.documented(1, "cron.create:payload", "cron.update:headers", lines=(22, 38, 177), seconds=8)
def of_a_cron(api: Api) -> None:
    """A cron's fire is a POST of JSON with the payload and the headers configured."""
    call = api.shared(fired_cron).calls[0]
    equal((call.method, api.payload_of(call, TRICKY)), ("POST", TRICKY), "what was delivered")
    equal([call.headers.get(name) for name in ("x-contract", "x-number")], ["cron", "007"], "the headers")
    media_type = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    api.expects_equal("delivery.headers", media_type, "application/json", "the media type of a delivery")
    named = {"x-infrai-delivery-id", "x-infrai-attempt", "x-infrai-run-id"}
    came = f"the headers were {shown(list(call.headers))}"
    api.expects("delivery.headers", named <= call.headers.keys(), came, ", ".join(sorted(named)))


@content.choice(2, "cron.create:payload", seconds=2)
def without_a_payload(api: Api) -> None:
    """A cron without a payload delivers an empty object."""
    receiver = api.receiver(200)
    api.call("cron.trigger", id=api.cron(NEVER, receiver.url))
    came = api.arrived(receiver, 1, 5)[0].body
    if api.follows("delivery.body") == "event" and isinstance(came, dict):
        came = came.get("payload")
    api.expects_equal("delivery.no_payload", came, {}, "what was delivered without a payload")


@content.documented(3, "cron.create:payload", lines=(38,), seconds=4)
def payloads_of_any_type(api: Api) -> None:
    """A cron's payload may be any JSON value, as the table says "unknown": an empty one too."""
    for payload in api.some(([1, {"a": None}], "text", 7, 0, False, "", []), 2):
        receiver = api.receiver(200)
        api.call("cron.trigger", id=api.cron(NEVER, receiver.url, payload=payload))
        equal(api.payload_of(api.arrived(receiver, 1, 5)[0], payload), payload, "what was delivered")


@content.choice(4, "cron.create:payload", seconds=2)
def keeps_what_was_written(api: Api) -> None:
    """The bytes of a delivery keep the payload's keys in the order given, and numbers exactly."""
    receiver = api.receiver(200)
    api.call("cron.trigger", id=api.cron(NEVER, receiver.url, payload={**TRICKY, **BEYOND_FLOATS}))
    came = api.payload_of(api.arrived(receiver, 1, 5)[0])
    if isinstance(came, dict):
        api.expects_equal("values.exact_numbers", came.get("n"), BEYOND_FLOATS["n"], "a number beyond 2^53")
        order = json.dumps({**came, **BEYOND_FLOATS})
        api.expects_equal("delivery.bytes", order, json.dumps({**TRICKY, **BEYOND_FLOATS}), "the payload as text")


@content.choice(5, "cron.update:headers", seconds=2)
def own_headers_win(api: Api) -> None:
    """A header of the user's wins over the emulator's of the same name."""
    receiver = api.receiver(200)
    api.call("cron.trigger", id=api.cron(NEVER, receiver.url, headers={"X-Infrai-Attempt": "mine"}))
    came = api.arrived(receiver, 1, 5)[0].headers.get("x-infrai-attempt")
    api.expects_equal("delivery.headers", came, "mine", "X-Infrai-Attempt, which was configured")


@signature.documented(1, "task.schedule:secret", lines=(457,), seconds=3)
def of_a_task(api: Api) -> None:
    """A task with a secret is signed over the bytes that arrive, in the scheme that was observed."""
    verified(api, api.shared(signed_task).call, api.shared(plain_task).call)


@signature.documented(2, "queue.push_subscribe:secret", lines=(978,), seconds=3)
def of_a_push(api: Api) -> None:
    """A push with a secret is signed over the bytes that arrive, in the same scheme."""
    verified(api, api.shared(signed_push).call, api.shared(plain_push).call)


@signature.choice(3, "task.schedule:secret", seconds=2)
def not_without_a_secret(api: Api) -> None:
    """Without a secret nothing is signed."""
    receiver = api.receiver(200)
    api.call("task.schedule", task=receiver.url, run_at=api.soon(1))
    signed = [name for name in api.arrived(receiver, 1, 4)[0].headers if "signature" in name]
    api.expects("delivery.unsigned", not signed, f"there was the header {', '.join(signed)}", "no signature")


@signature.documented(4, "task.schedule:secret", "task.schedule:retry", lines=(455, 457), virtual=True)
def of_every_attempt(api: Api) -> None:
    """Each attempt of a task with a secret is signed."""
    plain, receiver = api.receiver(500, 200), api.receiver(500, 200)
    for each, more in ((plain, {}), (receiver, {"secret": SECRET})):
        api.call("task.schedule", task=each.url, run_at=api.soon(1), retry=1, payload={"n": 1}, **more)
    for signed, unsigned in zip(api.arrived(receiver, 2, 100_000), api.arrived(plain, 2, 100_000), strict=True):
        verified(api, signed, unsigned)


def verified(api: Api, call: Call, unsigned: Call) -> None:
    """Fail when a delivery with a secret does not carry a signature of its bytes.

    Where the scheme is unknown, it fails when a header has the name and form of a known scheme, and is wrong; or when
    it has no header that the same delivery without a secret does not have.
    """
    scheme = api.answer("signature.scheme")
    more = {name: value for name, value in call.headers.items() if name not in unsigned.headers or "sign" in name}
    require(more, f"the headers were {shown(list(call.headers))}", "a header that it does not have without a secret")
    if call.raw is None:
        raise NotChecked("it needs a receiver on this machine, which sees the bytes")
    if scheme is not None:
        fits = is_signed(call, SECRET, str(scheme), call.raw)
        require(fits, f"the headers were {shown(more)}", f"a valid signature of the body received, by {scheme}")
        return
    if any(re.fullmatch(form, more.get(name, "")) for name, form in KNOWN_FORMS.items()):
        fits = any(is_signed(call, SECRET, known, call.raw) for known in SCHEMES)
        require(fits, f"the headers were {shown(more)}", "a valid signature of the body received")
    raise NotChecked(f"the signature in {', '.join(more)} is by none of the schemes known")


@failure.documented(1, "cron.update:on_failure_webhook", lines=(178,), seconds=3)
def is_called(api: Api) -> None:
    """on_failure_webhook is called when a run has failed."""
    _, webhook, run = api.shared(failing_cron)
    body = webhook.calls()[0].body
    came = f"the webhook got {shown(body)}"
    api.expects("delivery.failure_webhook", run["run_id"] in json.dumps(body), came, "it says which run failed")
    api.sleep(1)
    api.expects_equal("delivery.failure_webhook", len(webhook.calls()), 1, "the number of calls for one failure")


def failing_cron(api: Api) -> tuple[str, Receiver, dict[str, Any]]:
    """Let a run of a cron fail; return the cron, the webhook that heard of it, and the run."""
    receiver, webhook = api.receiver(500), api.receiver(200)
    cron = api.cron(NEVER, receiver.url, retry=0, on_failure_webhook=webhook.url)
    run: dict[str, Any] = api.call("cron.trigger", id=cron)
    api.arrived(webhook, 1, 5)
    return cron, webhook, run


@failure.choice(2, "cron.update:on_failure_webhook", "cron.update:retry", virtual=True)
def is_called_after_the_last_retry(api: Api) -> None:
    """on_failure_webhook waits for the last retry, and is not called when that succeeds."""
    choice, webhook = "delivery.failure_webhook", api.receiver(200)
    saved = api.cron(NEVER, api.receiver(500, 200).url, retry=1, on_failure_webhook=webhook.url)
    api.call("cron.trigger", id=saved)
    api.sleep(100_000)
    api.expects_equal(choice, len(webhook.calls()), 0, "the calls for a run that a retry saved")
    receiver, webhook = api.receiver(500), api.receiver(200)
    lost = api.cron(NEVER, receiver.url, retry=1, on_failure_webhook=webhook.url)
    api.call("cron.trigger", id=lost)
    api.sleep(100_000)
    at = [call.at for call in webhook.calls()]
    attempts = [call.at for call in receiver.calls()]
    api.expects_equal(choice, len(at), 1, "the calls for a run that failed twice")
    api.expects(choice, at and at[0] >= attempts[-1], "it was called before the last attempt", "after it")


@failure.documented(3, "cron.update:on_failure_webhook", lines=(178,), seconds=2)
def is_not_called_on_success(api: Api) -> None:
    """on_failure_webhook is not called when a run succeeds."""
    _, _, webhook = api.shared(succeeding_cron)
    api.sleep(1)
    equal(len(webhook.calls()), 0, "the number of calls")


@failure.documented(4, "cron.update:on_failure_webhook", lines=(178,), seconds=3)
def goes_where_an_update_says(api: Api) -> None:
    """An on_failure_webhook that is updated is called in place of the old one, and stays over other updates."""
    (cron, old, _), new = api.shared(failing_cron), api.receiver(200)
    before = len(old.calls())
    api.call("cron.update", id=cron, on_failure_webhook=new.url)
    api.call("cron.update", id=cron, name=api.name())
    api.call("cron.trigger", id=cron)
    api.arrived(new, 1, 5)
    api.sleep(1)
    equal(len(old.calls()), before, "the calls of the old one")
