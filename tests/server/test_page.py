"""The dashboard's files are served as they are, under a policy that lets nothing else in, and to nobody foreign."""

import re
from importlib.resources import files

import pytest

from sched_emulator.server import page
from tests.server.harness import Api

COLOUR = re.compile(r"--([\w-]+): (#\w+);")


async def test_every_file_is_served_with_its_type_and_the_policy(api: Api) -> None:
    for name in page.assets():
        response = await api.client.get(page.PATH + name)
        assert response.status == 200
        assert response.headers["Content-Type"] == page.TYPES[name.rpartition(".")[2] if name else "html"]
        assert {header: response.headers[header] for header in page.HEADERS} == page.HEADERS
        assert await response.read() == page.assets()[name]


def test_the_policy_lets_no_script_or_style_in_that_stands_in_a_page() -> None:
    assert "unsafe" not in page.HEADERS["Content-Security-Policy"]
    assert page.HEADERS["Content-Security-Policy"].startswith("default-src 'none'")
    assert re.search(rb"<script>|<style| style=| on[a-z]+=", page.assets()[""]) is None


def test_all_files_together_are_small_and_lead_nowhere_else() -> None:
    assert sum(map(len, page.assets().values())) <= 150_000
    for name, content in page.assets().items():
        known = {
            b"http://www.w3.org/2000/svg",
            b"http://www.w3.org/1999/xhtml",
            b"http://www.w3.org/1998/",
            b"https://api.infrai.cc",  # in a command to paste
        }  # names, not places
        found = set(re.findall(rb"https?://[a-z0-9./]+", content)) - known
        assert {url for url in found if b"localhost" not in url} == set(), name


def test_no_payload_can_become_markup() -> None:
    ours = {name: text for name, text in page.assets().items() if name not in {"preact.js", "hooks.js", "htm.js"}}
    assert [
        name for name, text in ours.items() if re.search(rb"innerHTML|insertAdjacentHTML|document\.write|eval\(", text)
    ] == []


@pytest.mark.parametrize("name", ["nothing.js", "LICENSE-htm.txt", "../app.py", "%2e%2e/page.py", "index.html"])
async def test_what_is_no_file_of_it_is_not_found(api: Api, name: str) -> None:
    assert (await api.client.get(f"/_emulator/ui/{name}")).status == 404


async def test_a_foreign_host_or_origin_does_not_see_it(api: Api) -> None:
    for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
        assert (await api.client.get(page.PATH, headers=headers)).status == 403


async def test_a_head_request_shows_only_the_headers(api: Api) -> None:
    response = await api.client.head(page.PATH)
    assert (response.status, response.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


def test_the_reports_of_the_contract_have_the_colours_of_the_dashboard() -> None:
    ours = page.assets()["style.css"].decode()
    theirs = files("sched_emulator.output").joinpath("page.css").read_text(encoding="utf-8")
    for text, theme in ((theirs.partition("@media")[0], "light"), (theirs.partition("@media")[2], "dark")):
        mine = dict(COLOUR.findall(ours.partition('[data-theme="dark"]')[0 if theme == "light" else 2]))
        found = dict(COLOUR.findall(text))
        assert len(found) > 12, theme
        assert {name: mine.get(name) for name in found} == found
