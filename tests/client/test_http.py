import gc
import json
import socket
import threading
from types import TracebackType
from typing import Any, Self

import pytest

from sched_emulator.client.http import BUSY_ATTEMPTS, BUSY_PAUSE_SECONDS, Client, EmulatorError, UnreachableError

CLOSE = b""  # instead of an answer: close the connection after the request was read
LEAVE = "X-Peer: closes the connection without saying so"


def answer(body: Any, status: str = "200 OK", *headers: str) -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", *headers])
    return f"{head}\r\n\r\n".encode() + content


BUSY = answer(
    {"error": {"code": "BUSY", "message": "busy", "hint": "wait", "retryable": True}},
    "409 Conflict",
    "Retry-After: 1",
)


class Peer:
    """A server that gives prepared answers, one per request, and records what it got on which connection."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.seen: list[tuple[int, str, dict[str, str], bytes]] = []
        self.ended = threading.Semaphore(0)
        self.wait_for_two = threading.Barrier(1)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    @property
    def lines(self) -> list[tuple[int, str]]:
        return [(connection, line) for connection, line, _, _ in self.seen]

    def _accept(self) -> None:
        for number in range(100):
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._serve, args=(number, sock)))
            self._threads[-1].start()

    def _serve(self, number: int, sock: socket.socket) -> None:
        with sock, sock.makefile("rb") as reader:
            while line := reader.readline().decode().strip():
                headers = {}
                while header := reader.readline().decode().strip():
                    name, _, value = header.partition(": ")
                    headers[name] = value
                body = reader.read(int(headers.get("Content-Length", 0)))
                self.seen.append((number, line.removesuffix(" HTTP/1.1"), headers, body))
                self.wait_for_two.wait()
                prepared = self.answers.pop(0)
                if prepared == CLOSE:
                    break
                sock.sendall(prepared)
                if b"\r\nConnection: close\r\n" in prepared or LEAVE.encode() in prepared:
                    break
        self.ended.release()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    taken: list[float] = []
    monkeypatch.setattr("sched_emulator.client.http.time.sleep", taken.append)
    return taken


def test_a_client_sends_its_key_and_keeps_its_connection() -> None:
    with Peer(answer({"n": 1}), answer({"n": 2})) as peer:
        client = Client(peer.url, "ifr_a")
        assert client.get("/_emulator/clock") == {"n": 1}
        assert client.request("POST", "/_emulator/clock/advance", {"seconds": 1}) == {"n": 2}
        client.close()
    (first, line, headers, body), (second, line2, headers2, body2) = peer.seen
    assert (first, line, headers["Authorization"], body) == (0, "GET /_emulator/clock", "Bearer ifr_a", b"")
    assert (second, line2, headers2["Authorization"]) == (0, "POST /_emulator/clock/advance", "Bearer ifr_a")
    assert (headers2["Content-Type"], body2) == ("application/json", b'{"seconds":1}')


def test_no_key_means_no_authorization_header() -> None:
    with Peer(answer({})) as peer:
        client = Client(peer.url)
        client.get("/_emulator/health")
        client.close()
    assert "Authorization" not in peer.seen[0][2]


def test_a_query_is_encoded_and_leaves_out_what_is_none() -> None:
    with Peer(answer({}), answer({})) as peer:
        client = Client(peer.url)
        client.get("/x", url="*a&b*", since=3, operation=None)
        client.get("/x", operation=None)
        client.close()
    assert [line for _, line in peer.lines] == ["GET /x?url=%2Aa%26b%2A&since=3", "GET /x"]


def test_clients_for_other_keys_share_the_connection() -> None:
    with Peer(answer({}), answer({})) as peer:
        client = Client(peer.url, "ifr_a")
        client.get("/x")
        client.with_key("ifr_b").get("/y")
        client.close()
    assert [(number, headers["Authorization"]) for number, _, headers, _ in peer.seen] == [
        (0, "Bearer ifr_a"),
        (0, "Bearer ifr_b"),
    ]


def test_a_path_in_the_url_is_kept_in_front() -> None:
    with Peer(answer({})) as peer:
        client = Client(f"{peer.url}/emulators/3/")
        client.get("/_emulator/health")
        client.close()
    assert peer.lines == [(0, "GET /emulators/3/_emulator/health")]


def test_proxy_variables_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with Peer(answer({"ok": True})) as peer:
        client = Client(peer.url)
        assert client.get("/x") == {"ok": True}
        client.close()


def test_an_error_carries_what_the_emulator_said() -> None:
    error = {
        "code": "INVALID_REQUEST",
        "message": "seconds: -1 is less than 0",
        "hint": "Send more.",
        "retryable": False,
    }
    with Peer(answer({"error": error}, "400 Bad Request")) as peer:
        client = Client(peer.url)
        with pytest.raises(EmulatorError) as caught:
            client.request("POST", "/x", {})
        client.close()
    assert (caught.value.status, caught.value.code, caught.value.message, caught.value.hint) == (
        400,
        "INVALID_REQUEST",
        "seconds: -1 is less than 0",
        "Send more.",
    )
    assert str(caught.value) == "400 INVALID_REQUEST: seconds: -1 is less than 0 (Send more.)"


def test_an_error_of_something_else_is_said_to_be_that() -> None:
    with Peer(answer(b"<html>", "404 Not Found")) as peer:
        client = Client(peer.url)
        with pytest.raises(EmulatorError) as caught:
            client.get("/x")
        client.close()
    assert str(caught.value) == "404 HTTP_404: Not Found (this does not look like an emulator; check the URL)"


def test_an_answer_that_is_no_object_is_refused() -> None:
    with Peer(answer(b"hello"), answer([1])) as peer:
        client = Client(peer.url)
        for _ in range(2):
            with pytest.raises(UnreachableError, match="something else does, whose answers are no JSON objects"):
                client.get("/x")
        client.close()


def test_nothing_that_listens_is_one_sentence_with_advice() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(UnreachableError) as caught:
        Client(url).get("/x")
    assert str(caught.value) == (
        f"no emulator answers at {url}: connection refused "
        "(start one with `sched-emulator serve`, or give the URL of one that runs)"
    )


@pytest.mark.parametrize("url", ["127.0.0.1:8420", "ftp://127.0.0.1", "http://127.0.0.1:http", ""])
def test_what_is_no_url_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="is no URL of an emulator; expected something like http"):
        Client(url)


def test_values_that_json_cannot_say_are_refused_before_sending() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        Client("http://127.0.0.1:1").request("POST", "/x", {"seconds": float("nan")})


def test_a_get_that_meets_a_stale_connection_is_sent_once_more() -> None:
    with Peer(answer({}), CLOSE, answer({"n": 2})) as peer:
        client = Client(peer.url)
        client.get("/a")
        assert client.get("/b") == {"n": 2}
        client.close()
    assert peer.lines == [(0, "GET /a"), (0, "GET /b"), (1, "GET /b")]


def test_a_get_on_a_new_connection_is_not_repeated() -> None:
    with Peer(CLOSE) as peer, pytest.raises(UnreachableError):
        Client(peer.url).get("/a")
    assert peer.lines == [(0, "GET /a")]


def test_a_post_is_never_repeated() -> None:
    with Peer(answer({}), CLOSE) as peer:
        client = Client(peer.url)
        client.get("/a")
        with pytest.raises(UnreachableError):
            client.request("POST", "/b", {})
        client.close()
    assert peer.lines == [(0, "GET /a"), (0, "POST /b")]


def test_a_post_finds_a_new_connection_when_the_idle_one_has_ended() -> None:
    with Peer(answer({}, "200 OK", LEAVE), answer({"n": 2})) as peer:
        client = Client(peer.url)
        client.get("/a")
        assert peer.ended.acquire(timeout=30)
        assert client.request("POST", "/b", {}) == {"n": 2}
        client.close()
    assert peer.lines == [(0, "GET /a"), (1, "POST /b")]


def test_a_connection_that_the_server_closes_is_not_kept() -> None:
    with Peer(answer({}, "200 OK", "Connection: close"), answer({"n": 2})) as peer:
        client = Client(peer.url)
        client.get("/a")
        assert client.request("POST", "/b", {}) == {"n": 2}
        client.close()
    assert peer.lines == [(0, "GET /a"), (1, "POST /b")]


def test_two_requests_at_a_time_use_two_connections() -> None:
    with Peer(answer({}), answer({})) as peer:
        peer.wait_for_two = threading.Barrier(2)
        client = Client(peer.url)
        threads = [threading.Thread(target=client.get, args=("/x",)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        client.close()
    assert sorted(peer.lines) == [(0, "GET /x"), (1, "GET /x")]


def test_a_client_that_is_forgotten_closes_its_connections() -> None:
    with Peer(answer({})) as peer:
        client = Client(peer.url)
        client.get("/x")
        del client
        gc.collect()
        assert peer.ended.acquire(timeout=30)


def test_a_patient_request_waits_for_a_running_clock(pauses: list[float]) -> None:
    with Peer(BUSY, answer({"mode": "wall"}), BUSY, answer({"mode": "wall"}), answer({"fired": 3})) as peer:
        client = Client(peer.url)
        assert client.request("POST", "/advance", {}, patient=True) == {"fired": 3}
        client.close()
    assert [line for _, line in peer.lines] == [
        "POST /advance",
        "GET /_emulator/clock",
        "POST /advance",
        "GET /_emulator/clock",
        "POST /advance",
    ]
    assert pauses == [BUSY_PAUSE_SECONDS] * 2


def test_patience_has_an_end(pauses: list[float]) -> None:
    with Peer(*[BUSY, answer({"mode": "wall"})] * BUSY_ATTEMPTS) as peer:
        client = Client(peer.url)
        with pytest.raises(EmulatorError, match=r"^409 BUSY: busy \(wait\)$"):
            client.request("POST", "/advance", {}, patient=True)
        client.close()
    assert len(pauses) == BUSY_ATTEMPTS


def test_nobody_waits_for_a_frozen_clock() -> None:
    with Peer(BUSY, answer({"mode": "frozen"})) as peer:
        client = Client(peer.url)
        with pytest.raises(EmulatorError) as caught:
            client.request("POST", "/advance", {}, patient=True)
        client.close()
    assert caught.value.retry_after_seconds == 1
    assert [line for _, line in peer.lines] == ["POST /advance", "GET /_emulator/clock"]


def test_a_conflict_that_waiting_cannot_cure_is_raised_at_once() -> None:
    error = {"code": "BACKWARD", "message": "backward", "hint": "", "retryable": False}
    with Peer(answer({"error": error}, "409 Conflict")) as peer:
        client = Client(peer.url)
        with pytest.raises(EmulatorError, match=r"^409 BACKWARD: backward$"):
            client.request("PUT", "/clock", {}, patient=True)
        client.close()
    assert len(peer.seen) == 1


@pytest.mark.parametrize("key", ["ifr_mine\r", "ifr_a\nX: b", "ifr_\u65e5"])
def test_a_key_that_no_header_can_hold_is_refused_before_it_is_sent(key: str) -> None:
    with pytest.raises(EmulatorError, match="the key has signs that no key can have; expected visible ASCII"):
        Client("http://127.0.0.1:1", key)
