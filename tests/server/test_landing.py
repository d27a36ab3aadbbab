"""What an address leads to that somebody opens: those of the banner, and those that one shortens them to."""

import re
from importlib.metadata import version

import pytest
import yaml

from sched_emulator import spec
from sched_emulator.server import app
from sched_emulator.server.binding import bind
from sched_emulator.server.control import PREFIX
from sched_emulator.spec import assumptions
from tests.server.harness import Api, Start

LINKS = {
    "dashboard": "/_emulator/ui/",
    "api": "/openapi.yaml",
    "operations": "/v1/discovery",
    "control_api": "/_emulator/openapi.yaml",
    "health": "/_emulator/health",
    "sandboxes": "/_emulator/sandboxes",
}
BANNER = app.BANNER.format(url="http://127.0.0.1:8420", control=PREFIX, more="")
*PRINTED, LOOKED_AT = re.findall(
    r"http://127\.0\.0\.1:8420(\S+)$", BANNER.partition("A first request")[0], re.MULTILINE
)


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/", *PRINTED, *(f"{path}/" for path in PRINTED)])
async def test_an_address_that_somebody_opens_leads_on(api: Api, path: str) -> None:
    for headers in ({}, {"Accept": "*/*"}, api.headers):
        response = await api.client.get(path, headers=headers)
        answer = await response.json()
        assert (response.status, answer["version"], answer["links"]) == (200, version("sched-emulator"), LINKS)
    assert (await api.client.head(path)).status == 200
    browser = await api.client.get(path, headers={"Accept": "text/html,*/*;q=0.8"}, allow_redirects=False)
    assert (browser.status, browser.headers["Location"], browser.headers["Vary"]) == (302, "/_emulator/ui/", "Accept")


def test_the_banner_prints_where_the_interfaces_are_and_where_one_can_look() -> None:
    assert ([*PRINTED], LOOKED_AT) == (["/v1/scheduling", "/_emulator"], LINKS["dashboard"])


@pytest.mark.parametrize("link", LINKS.values())
async def test_a_link_leads_somewhere_without_a_key(api: Api, link: str) -> None:
    response = await api.client.get(link)
    assert response.status == 200
    assert response.headers["Content-Type"].startswith(("application/json", "application/yaml", "text/html"))


async def test_the_specs_are_served_as_they_are_in_force(start: Start) -> None:
    api = await start(answers={"cron.create.names": "table"})
    for path, document in [
        ("/openapi.yaml", bind({**assumptions.defaults(), "cron.create.names": "table"}).document),
        ("/_emulator/openapi.yaml", spec.load("emulator")),
    ]:
        for _ in range(2):
            response = await api.client.get(path)
            assert (response.status, response.headers["Content-Type"]) == (200, "application/yaml")
            assert yaml.safe_load(await response.read()) == document
        head = await api.client.head(path)
        assert (head.status, await head.read()) == (200, b"")


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/", {"Host": "api.infrai.cc"}, 200),
        ("/v1/scheduling", {"Host": "emulator:8420"}, 200),
        ("/openapi.yaml", {"Host": "emulator:8420"}, 200),
        ("/_emulator/", {"Host": "emulator:8420"}, 403),
        ("/_emulator/openapi.yaml", {"Host": "emulator:8420"}, 403),
        ("/", {"Origin": "https://evil.example"}, 403),
        ("/openapi.yaml", {"Origin": "https://evil.example"}, 403),
    ],
)
async def test_what_leads_on_is_open_to_whom_its_api_is(
    api: Api, path: str, headers: dict[str, str], status: int
) -> None:
    assert (await api.client.get(path, headers=headers)).status == status


async def test_looking_around_makes_no_sandbox(api: Api) -> None:
    for path in ("/", "/v1/scheduling", "/_emulator/", *LINKS.values()):
        await api.send("GET", path)
    assert len(api.app.sandboxes.hosted) == 0
