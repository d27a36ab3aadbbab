"""Secrets are shown shortened wherever they stand, under whatever spelling of their names; receivers get them whole."""

import json
from typing import Any

import pytest

from sched_emulator import spec
from sched_emulator.recording import names
from sched_emulator.server import secrets
from sched_emulator.server.http_errors import ClockBusy
from sched_emulator.spec import assumptions
from tests.server.harness import Api, Json

SECRET = "s3cr3t-0123456789-abcdef"  # noqa: S105 - nobody's
HOOK = "https://api.acme.com/hook"
NAMES = (
    *("secret", "Secret", "signing_secret", "signingSecret", "SECRET", "client-secret", "secretKey"),
    *("api_key", "apiKey", "APIKEY", "X-Api-Key", "x-goog-api-key", "access_key", "AWSAccessKeyId", "private_key"),
    *("Authorization", "Proxy-Authorization", "authorization", "auth", "Cookie", "Set-Cookie", "credentials"),
    *("token", "access_token", "X-Auth-Token", "x-amz-security-token", "idToken", "password", "Passwd", "jwt"),
)
HARMLESS = (
    *("queue", "idempotency_key", "Idempotency-Key", "next_cursor", "cursor", "X-Infrai-Signature", "name"),
    *("webhook-signature", "author", "max_tokens", "session_count", "key", "url", "pinned", "Content-Type"),
)


@pytest.mark.parametrize("name", NAMES)
def test_names_of_secrets_are_known_however_they_are_written(name: str) -> None:
    assert names.is_secret(name)


@pytest.mark.parametrize("name", HARMLESS)
def test_other_names_are_not_taken_for_those_of_secrets(name: str) -> None:
    assert not names.is_secret(name)


def test_no_name_of_the_specification_is_taken_for_a_secret_but_the_secret() -> None:
    document = spec.resolve(spec.load("scheduling"), assumptions.defaults())
    assert {name for name in names_in(document) if names.is_secret(name)} == {"secret"}


def names_in(node: Any) -> set[str]:
    found: set[str] = set()
    if isinstance(node, dict):
        properties = node.get("properties")
        found |= properties.keys() if isinstance(properties, dict) else set()
        found |= {node["name"]} if "in" in node and "name" in node else set()
    inside = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return found.union(*map(names_in, inside))


@pytest.mark.parametrize(
    ("shown", "url"),
    [
        ("/v1/run/list?api_key=s3cr…&limit=1", f"/v1/run/list?api_key={SECRET}&limit=1"),
        ("/v1/run/list?limit=1&Access%5FToken=s3cr…#x=1", f"/v1/run/list?limit=1&Access%5FToken={SECRET}#x=1"),
        ("https://a/?a=b?c&token=s3cr…", f"https://a/?a=b?c&token={SECRET}"),
        ("/v1/run/list?token", "/v1/run/list?token"),
        ("/v1/run/list?token=", "/v1/run/list?token="),
        ("/v1/run/list", "/v1/run/list"),
    ],
)
def test_secrets_among_the_parameters_of_a_url_are_shortened(shown: str, url: str) -> None:
    assert secrets.in_url(url) == shown


def test_a_known_scheme_stays_and_what_follows_is_shortened() -> None:
    assert secrets.in_headers({"Authorization": f"Bearer {SECRET}", "Cookie": f"a={SECRET}", "X": "y"}) == {
        "Authorization": "Bearer s3cr…",
        "Cookie": "a=s3…",
        "X": "y",
    }


def test_whatever_stands_under_a_secret_name_is_shortened_and_payloads_are_the_users_own() -> None:
    value = {"tokens": 3, "Secrets": [SECRET, {"a": SECRET, "b": 12345, "c": None}], "payload": {"token": SECRET}}
    assert secrets.hidden(value) == {
        "tokens": 3,
        "Secrets": ["s3cr…", {"a": "s3cr…", "b": "…", "c": None}],
        "payload": {"token": SECRET},
    }


HEADERS = {"Authorization": f"Bearer {SECRET}", "x-api-key": SECRET, "Cookie": SECRET, "X-Trace": "7"}
CRON = {"cron_expr": "* * * * *", "task_type": "http_url", "task_url": f"{HOOK}?token={SECRET}", "payload": {"n": 1}}
TASK = {"task": f"{HOOK}?api_key={SECRET}", "run_at": "2026-01-01T00:01:00Z"}


async def performed(api: Api) -> None:
    """Do what brings secrets to every place of the journal that there is."""
    created = await api.envelope("cron.create", CRON)
    await api.envelope("cron.update", {"headers": HEADERS}, id=created["data"]["cron_id"])
    await api.envelope("task.schedule", {**TASK, "secret": SECRET, "headers": HEADERS})
    await api.envelope("task.schedule", {**TASK, "signing_secret": SECRET, "Secret": SECRET})
    await api.envelope("task.schedule", {**TASK, "secret": [SECRET]})
    await api.envelope("task.schedule", {**TASK, "secret": SECRET * 400})
    await api.send("GET", f"/v1/scheduling/run/list?api_key={SECRET}")
    await api.send("GET", f"/v1/nowhere?access_token={SECRET}")
    await api.envelope("cron.list")
    await api.script(f"{HOOK}*", headers={"Set-Cookie": SECRET})
    await api.advance(seconds=120)


@pytest.mark.parametrize("what", ["requests", "deliveries", "assumptions/relied", "timeline"])
async def test_no_secret_is_shown_where_a_session_is_read(api: Api, what: str) -> None:
    await performed(api)
    shown = json.dumps(await api.control("GET", what), ensure_ascii=False)
    assert SECRET[:8] not in shown
    assert what == "timeline" or "s3cr…" in shown


def test_what_an_advance_waits_for_is_told_without_secrets() -> None:
    error = ClockBusy(advancing=True, urls=[f"{HOOK}?token={SECRET}"])
    assert (error.message, error.details) == (
        f"an advance is under way, waiting for {HOOK}?token=s3cr…",
        {"waiting_for": [f"{HOOK}?token=s3cr…"]},
    )


async def test_what_is_no_secret_is_shown_whole(api: Api) -> None:
    await performed(api)
    delivery = (await api.deliveries())[0]
    assert delivery["url"] == f"{HOOK}?token=s3cr…"
    assert delivery["headers"]["X-Trace"] == "7"
    assert delivery["headers"]["Authorization"] == "Bearer s3cr…"
    [kept] = (await api.control("GET", f"deliveries?url={HOOK}%3Ftoken={SECRET}&since={delivery['seq'] - 1}"))["items"][
        :1
    ]
    assert kept == delivery


async def test_receivers_and_snapshots_get_secrets_whole(api: Api) -> None:
    await performed(api)
    snapshot = await api.snapshot()
    assert snapshot.count(SECRET.encode()) > 4


@pytest.mark.parametrize(
    ("authorization", "shown"),
    [
        (SECRET, "s3cr…"),
        ("ifr_secret_key_1234567890", "ifr_…"),
        ("x", "…"),
        (f"Basic {SECRET}", "Basic"),
    ],
)
async def test_a_refused_key_is_not_told_back(api: Api, authorization: str, shown: str) -> None:
    response = await api.send("GET", "/v1/scheduling/cron/list", headers={"Authorization": authorization})
    answer: Json = await response.json()
    assert response.status == 401
    assert answer["error"]["message"].endswith(f"must be `Bearer <key>`, got the scheme '{shown}'")


async def test_a_refused_secret_is_not_told_back(api: Api) -> None:
    _, _, told = await api.error("task.schedule", {**TASK, "secret": SECRET * 400})
    assert told == '`secret` must have at most 4096 characters, got "s3cr…"'
