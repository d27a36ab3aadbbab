"""HAR 1.2 as its writers differ: times, encodings, cookies, forms, requests that got no answer."""

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sched_emulator.recording.errors import RecordingError
from sched_emulator.recording.lines import Exchange, Header, LeftOut
from sched_emulator.recording.reader import Recording
from tests.recording.samples import DATA, START_MS

PATH = "/v1/scheduling/queue/publish"
ORIGIN = "https://api.infrai.cc"
AS_JSON = (("content-type", "application/json"),)
KEY = (("authorization", "Bearer ifr_mine"),)
PUBLISHED = '{"ok":true,"data":{"message_id":"msg_1"}}'
EXPECTED = {
    "mitmproxy": [
        Exchange(
            START_MS + 1123,
            START_MS + 1173,
            "POST",
            PATH,
            (*KEY, ("Cookie", "a=1; b=2"), *AS_JSON),
            '{"queue": "orders", "payload": {}}',
            200,
            (*AS_JSON, ("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2")),
            PUBLISHED,
            account=1,
            origin=ORIGIN,
            seq=1,
        ),
        Exchange(
            START_MS + 2000,
            START_MS + 2030,
            "GET",
            "/v1/scheduling/cron/list?limit=5",
            (("authorization", "Bearer ifr_other"),),
            "",
            error="no answer came",
            account=2,
            origin=ORIGIN,
            seq=2,
        ),
    ],
    "chrome": [
        Exchange(
            START_MS + 1123,
            START_MS + 1173,
            "POST",
            PATH,
            AS_JSON,
            '{"queue": "orders", "payload": {}}',
            200,
            AS_JSON,
            PUBLISHED,
            origin=ORIGIN,
            seq=1,
        ),
        Exchange(
            START_MS + 2000,
            START_MS + 2001,
            "GET",
            "/",
            (),
            "",
            error="net::ERR_CONNECTION_RESET",
            origin="http://127.0.0.1:1",
            seq=2,
        ),
        Exchange(
            START_MS + 3000,
            START_MS + 3000,
            "GET",
            "/big",
            (),
            "",
            200,
            (),
            LeftOut("the HAR file does not have it"),
            origin=ORIGIN,
            seq=3,
        ),
    ],
    "firefox": [
        Exchange(
            START_MS + 1123,
            START_MS + 1173,
            "POST",
            PATH,
            (*AS_JSON, ("cookie", "a=1; b=2")),
            "queue=orders&payload=%7B%7D",
            200,
            (*AS_JSON, ("set-cookie", "a=1")),
            PUBLISHED,
            origin=ORIGIN,
            seq=1,
        ),
    ],
    "charles": [
        Exchange(
            START_MS + 1123,
            START_MS + 1173,
            "POST",
            PATH,
            (*KEY, *AS_JSON),
            '{"queue": "orders", "payload": {}}',
            200,
            (*AS_JSON, ("Content-Encoding", "gzip")),
            PUBLISHED,
            account=1,
            origin=ORIGIN,
            seq=1,
        ),
        Exchange(START_MS, START_MS, "GET", "/", (), b"\xff\x00", error="no answer came", origin=ORIGIN, seq=2),
    ],
}
TARGETS = {
    "mitmproxy": Header(ORIGIN, START_MS + 1123, "mitmproxy 11.0.2"),
    "chrome": Header(ORIGIN, START_MS + 1123, "WebInspector 537.36"),
    "firefox": Header(ORIGIN, START_MS + 1123, "Firefox 133.0"),
    "charles": Header(ORIGIN, START_MS + 1123, "Charles Proxy 5.0.1"),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_same_exchange_comes_out_of_each_tool_s_file(name: str) -> None:
    with Recording(DATA / "har" / f"{name}.har") as recording:
        assert recording.header == TARGETS[name]
        assert list(recording) == EXPECTED[name]
        assert not recording.cut_off


MITMPROXY = (DATA / "har" / "mitmproxy.har").read_bytes()


@settings(max_examples=200, deadline=None)
@given(st.integers(MITMPROXY.index(b'"entries"'), len(MITMPROXY)))
def test_a_file_cut_off_at_any_byte_is_read_to_its_last_whole_entry(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("cut") / "session.har"
    path.write_bytes(MITMPROXY[:cut])
    if cut <= MITMPROXY.index(b"[", MITMPROXY.index(b'"entries"')):
        with pytest.raises(RecordingError, match="is a HAR file that ends before its first entry"):
            Recording(path)
        return
    with Recording(path) as recording:
        found = list(recording)
        assert found == EXPECTED["mitmproxy"][: len(found)]
        assert recording.cut_off == (MITMPROXY[:cut].count(b"]") < MITMPROXY.count(b"]"))


def entry(**changes: Any) -> dict[str, Any]:
    whole = {
        "startedDateTime": "2026-01-01T00:00:00Z",
        "time": 1,
        "request": {"method": "GET", "url": f"{ORIGIN}/x"},
        "response": {"status": 200, "content": {"text": "a"}},
    }
    return {name: value for name, value in (whole | changes).items() if value is not None}


def of(path: Path, *entries: Any) -> list[Any]:
    path.write_text(json.dumps({"log": {"entries": entries}}))
    with Recording(path) as recording:
        return list(recording)


@pytest.mark.parametrize(
    ("started", "ms"),
    [
        ("2026-01-01T00:00:00.5Z", 500),
        ("2026-01-01T01:00:00.1234567+01:00", 123),
        ("2025-12-31T19:00:00.001-0500", 1),
        ("2026-01-01T00:00:00", 0),
    ],
)
def test_instants_are_read_in_every_spelling(tmp_path: Path, started: str, ms: int) -> None:
    [exchange] = of(tmp_path / "a.har", entry(startedDateTime=started))
    assert exchange.sent_at_ms == START_MS + ms


def test_content_that_is_still_compressed_is_undone(tmp_path: Path) -> None:
    content = {"encoding": "base64", "text": base64.b64encode(gzip.compress(b"a text")).decode()}
    response = {"status": 200, "headers": [{"name": "Content-Encoding", "value": "gzip"}], "content": content}
    assert of(tmp_path / "a.har", entry(response=response))[0].response == "a text"


def test_what_some_tools_leave_empty_is_empty(tmp_path: Path) -> None:
    request = {
        "method": "GET",
        "url": "https://a/b",
        "headers": [{"name": "X", "value": None}],
        "cookies": [{"name": "c"}],
    }
    response = {"status": 200, "content": {"encoding": "base64", "text": "*"}}
    [exchange] = of(tmp_path / "a.har", entry(request=request, response=response))
    assert exchange.headers == (("X", ""), ("cookie", "c="))
    assert exchange.response == LeftOut("its base64 cannot be read")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (entry(request=None), "line 1: entry 2 is none of HAR 1.2: it lacks 'request'"),
        (
            entry(startedDateTime="noon"),
            'is none of HAR 1.2: `startedDateTime` is "noon"; expected an instant such as 2026',
        ),
        (entry(startedDateTime=5), "is none of HAR 1.2: `startedDateTime` is 5; expected an instant"),
        (
            entry(time=float("inf")),
            "is none of HAR 1.2: `time` is Infinity; expected milliseconds, of ten years at most",
        ),
        (entry(time=1e300), r"`time` is 1e\+300; expected milliseconds"),
        (entry(request={"method": None, "url": "https://a/b"}), "`method` is null; expected a text"),
        (entry(request={"method": "GET", "url": "/b"}), '`url` is "/b"; expected one such as https://api.infrai.cc/'),
        (entry(request={"method": "GET", "url": "https://[b"}), r'`url` is "https://\[b"; expected one such as'),
        (entry(response={"status": "OK"}), '`status` is "OK"; expected a whole number'),
        (7, "line 1: entry 2 is none of HAR 1.2: a part of it has another form"),
    ],
)
def test_an_entry_that_is_none_is_named(tmp_path: Path, wrong: Any, said: str) -> None:
    with pytest.raises(RecordingError, match=said):
        of(tmp_path / "a.har", entry(), wrong)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"log": {"version": "1.2"}}', "has no `entries`; expected those of a HAR file"),
        ('{"log": {"entries": {}}}', r"line 1: '\{' where '\[' is expected in a HAR file"),
        ('{"log": 7}', r"line 1: '7' where '\{' is expected in a HAR file"),
        (
            '{"log": {"entries": [\n' + json.dumps(entry()) + ',\n{"a" 1}, {}, {}]}}',
            "line 3: what begins here is no JSON",
        ),
        ('{"log": {"entries": ["\xff"]}}', "is no UTF-8"),
    ],
)
def test_what_is_no_har_file_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "a.har"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(RecordingError, match=said), Recording(path) as recording:
        list(recording)
