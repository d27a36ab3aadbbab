"""What deliveries carry, how they are signed, and who hears of failures."""

import json

from sched_emulator.contract import NEVER, SECRET, Api, Call, Group, NotChecked, equal, is_signed, require, shown

content = Group("callback/content", aspect="delivery")
signature = Group("callback/signature", aspect="delivery")
failure = Group("callback/failure", aspect="delivery")
TRICKY = {"z": 1, "a": {"text": 'é 订单 "\\/', "numbers": [1.5, 9007199254740993, 0]}, "m": None}


@content.documented(1, "cron.create:payload", "cron.update:headers", lines=(22, 38, 177), seconds=3)
def of_a_cron(api: Api) -> None:
    """A cron's fire is a POST of JSON with the payload and the headers configured."""
    receiver = api.receiver(200)
    api.cron(api.every_second(1), receiver.url, payload=TRICKY, headers={"X-Contract": "cron"})
    call = api.arrived(receiver, 1, 3)[0]
    equal((call.method, api.payload_of(call)), ("POST", TRICKY), "what was delivered")
    equal(call.headers.get("x-contract"), "cron", "the header")
    require("json" in call.headers.get("content-type", ""), shown(call.headers), "a Content-Type of JSON")


@content.choice(2, "cron.create:payload", seconds=2)
def without_a_payload(api: Api) -> None:
    """A cron without a payload delivers an empty object."""
    receiver = api.receiver(200)
    api.call("cron.trigger", id=api.cron(NEVER, receiver.url))
    equal(api.payload_of(api.arrived(receiver, 1, 5)[0]), {}, "what was delivered")


@content.choice(3, "cron.create:payload", seconds=2)
def payloads_of_any_type(api: Api) -> None:
    """A cron's payload may be any JSON value, as the table says "unknown"."""
    for payload in ([1, {"a": None}], "text", 0):
        receiver = api.receiver(200)
        api.call("cron.trigger", id=api.cron(NEVER, receiver.url, payload=payload))
        equal(api.payload_of(api.arrived(receiver, 1, 5)[0]), payload, "what was delivered")


@content.choice(4, "cron.create:payload", seconds=2)
def keeps_the_order_of_keys(api: Api) -> None:
    """The bytes of a delivery keep the payload's keys in the order given."""
    receiver = api.receiver(200)
    api.call("cron.trigger", id=api.cron(NEVER, receiver.url, payload=TRICKY))
    call = api.arrived(receiver, 1, 5)[0]
    equal(json.dumps(api.payload_of(call)), json.dumps(TRICKY), "the payload as text")


@signature.documented(1, "task.schedule:secret", lines=(457,), seconds=2)
def of_a_task(api: Api) -> None:
    """A task with a secret is signed over the bytes that arrive, in the scheme that was observed."""
    scheme = api.answer("signature.scheme")
    receiver = api.receiver(200)
    api.call("task.schedule", task=receiver.url, run_at=api.soon(1), payload=TRICKY, secret=SECRET)
    verified(api.arrived(receiver, 1, 4)[0], scheme)


@signature.documented(2, "queue.push_subscribe:secret", lines=(978,), seconds=2)
def of_a_push(api: Api) -> None:
    """A push with a secret is signed over the bytes that arrive, in the same scheme."""
    scheme = api.answer("signature.scheme")
    receiver, queue = api.receiver(200), api.queue()
    api.call("queue.push_subscribe", queue=queue, url=receiver.url, secret=SECRET)
    api.publish(queue, TRICKY)
    verified(api.arrived(receiver, 1, 4)[0], scheme)


@signature.choice(3, "task.schedule:secret", seconds=2)
def not_without_a_secret(api: Api) -> None:
    """Without a secret nothing is signed."""
    receiver = api.receiver(200)
    api.call("task.schedule", task=receiver.url, run_at=api.soon(1))
    headers = api.arrived(receiver, 1, 4)[0].headers
    require(not [name for name in headers if "signature" in name], shown(list(headers)), "no signature")


def verified(call: Call, scheme: str | int | None) -> None:
    """Fail when a delivery does not carry the signature of its bytes; where the scheme is unknown, when it has none."""
    if scheme is None:
        named = [name for name in call.headers if "sign" in name or "hmac" in name]
        require(named, f"the headers were {shown(list(call.headers))}", "a header with a signature")
        raise NotChecked(f"the signature in {named[0]} is by none of the schemes known")
    if call.raw is None:
        raise NotChecked("it needs a receiver on this machine, which sees the bytes")
    signed = {name: value for name, value in call.headers.items() if name.startswith(("x-infrai-", "webhook-"))}
    require(
        is_signed(call, SECRET, str(scheme), call.raw),
        f"the headers were {shown(signed)}",
        f"a valid signature by {scheme}",
    )


@failure.documented(1, "cron.update:on_failure_webhook", lines=(178,), seconds=3)
def is_called_once(api: Api) -> None:
    """on_failure_webhook is called once when a run has failed."""
    receiver, webhook = api.receiver(500), api.receiver(200)
    cron = api.cron(NEVER, receiver.url, retry=0, on_failure_webhook=webhook.url)
    run = api.call("cron.trigger", id=cron)
    call = api.arrived(webhook, 1, 5)[0]
    require(run["run_id"] in json.dumps(call.body), f"the webhook got {shown(call.body)}", "it says which run failed")
    api.sleep(1)
    equal(len(webhook.calls()), 1, "the number of calls")


@failure.documented(2, "cron.update:on_failure_webhook", "cron.update:retry", lines=(172, 178), virtual=True)
def is_called_after_the_last_retry(api: Api) -> None:
    """on_failure_webhook waits for the last retry, and is not called when that succeeds."""
    webhook = api.receiver(200)
    saved = api.cron(NEVER, api.receiver(500, 200).url, retry=1, on_failure_webhook=webhook.url)
    api.finished(saved, api.call("cron.trigger", id=saved)["run_id"], 100_000)
    api.sleep(1)
    equal(len(webhook.calls()), 0, "the calls for a run that a retry saved")
    receiver = api.receiver(500)
    lost = api.cron(NEVER, receiver.url, retry=1, on_failure_webhook=webhook.url)
    api.call("cron.trigger", id=lost)
    calls = api.arrived(webhook, 1, 100_000)
    require(calls[0].at >= receiver.calls()[-1].at, "it was called before the last attempt")
    equal((len(receiver.calls()), len(calls)), (2, 1), "the attempts, and the calls of the webhook")


@failure.choice(3, "cron.update:on_failure_webhook", seconds=2)
def is_not_called_on_success(api: Api) -> None:
    """on_failure_webhook is not called when a run succeeds."""
    receiver, webhook = api.receiver(200), api.receiver(200)
    cron = api.cron(NEVER, receiver.url, on_failure_webhook=webhook.url)
    api.finished(cron, api.call("cron.trigger", id=cron)["run_id"], 5)
    api.sleep(1)
    equal(len(webhook.calls()), 0, "the number of calls")
