import json
from pathlib import Path

import pytest

from sched_emulator.plugin import vary

pytest_plugins = ["pytester"]

QUIET = ("-p", "no:schemathesis", "-p", "no:hypothesispytest", "-p", "no:cacheprovider")
QUEUE = """
import json, os, urllib.request

def call(path, **body):
    headers = {"Authorization": "Bearer " + os.environ["INFRAI_API_KEY"], "Content-Type": "application/json"}
    url = os.environ["INFRAI_BASE_URL"] + path
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers)) as response:
        return json.load(response)["data"]

def consume(count=10):
    return call("/queue/consume", queue="orders", max_messages=count)["messages"]

def publish_two_and_nack_the_first():
    for number in (1, 2):
        call("/queue/publish", queue="orders", payload={"number": number})
    call("/queue/nack", queue="orders", message_id=consume(1)[0]["message_id"], requeue=True)

def numbers():
    return [message["payload"]["number"] for message in consume()]
"""
TESTS = """
    import pytest

    from queues import numbers, publish_two_and_nack_the_first

    CHOSEN = {"idempotency.required": "optional", "queue.nack_delay": "now", "queue.publish_unknown": "create"}
    pytestmark = pytest.mark.sched_emulator(assumptions=CHOSEN)

    def test_that_expects_an_order(sched_emulator):
        publish_two_and_nack_the_first()
        assert numbers() == [1, 2]

    @pytest.mark.parametrize("wanted", [[1, 2], [2, 1]], ids=["up [1]", "down"])
    def test_that_takes_any_order(sched_emulator, wanted):
        publish_two_and_nack_the_first()
        assert sorted(numbers()) == sorted(wanted)

    @pytest.mark.sched_emulator(assumptions={"queue.nack_position": "front"})
    def test_that_chose_an_answer(sched_emulator):
        publish_two_and_nack_the_first()
        assert numbers() == [1, 2]

    def test_that_fails_anyway(sched_emulator):
        publish_two_and_nack_the_first()
        assert numbers() == [3]

    def test_without_a_sandbox():
        pass
"""
BREAKS = "test_of_user.py::test_that_expects_an_order"


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(queues=QUEUE, test_of_user=TESTS)
    pytester.makeini(
        "[pytest]\naddopts = --strict-markers\nfilterwarnings = error\npythonpath = .\n"
        "asyncio_default_fixture_loop_scope = function\n"
    )
    return pytester


def test_a_summary_tells_what_the_tests_rely_on(suite: pytest.Pytester) -> None:
    result = suite.runpytest_subprocess(*QUIET, "--sched-relied")
    result.assert_outcomes(passed=5, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*= undocumented behaviour that the tests rely on =*",
            "queue.nack_position = front, 5 tests: *?",
            "queue.publish_unknown = create, 5 tests: *?",
            "names and forms used that the documentation leaves open: *queue.payload_field*",
        ]
    )
    result.stdout.no_fnmatch_line("under *")


def test_a_summary_says_when_nothing_is_relied_on(suite: pytest.Pytester) -> None:
    suite.makepyfile(test_of_user="def test_that_only_waits(sched_emulator):\n    sched_emulator.clock.advance(days=1)")
    result = suite.runpytest_subprocess(*QUIET, "--sched-relied")
    result.stdout.fnmatch_lines(["no other answer to an open question would have changed anything in 1 test"])
    suite.makepyfile(
        test_of_user="def test_that_ends_it(sched_emulator, sched_emulator_server):\n    sched_emulator_server.stop()"
    )
    result = suite.runpytest_subprocess(*QUIET, "--sched-relied")
    result.stdout.fnmatch_lines(["1 test did more than is kept of a session: more may have been relied on"])


@pytest.mark.parametrize("arguments", [(), ("-n", "2", "-v")], ids=["plain", "two workers"])
def test_relying_tests_run_again_under_the_other_answers(suite: pytest.Pytester, arguments: tuple[str, ...]) -> None:
    result = suite.runpytest_subprocess(*QUIET, "--sched-vary", *arguments)
    result.assert_outcomes(passed=5, failed=1)
    result.stdout.fnmatch_lines(
        [
            "queue.nack_position = front, 5 tests: *?",
            "*= the same tests under the other answers =*",
            "under queue.nack_position=back:",
            f"  breaks   {BREAKS}",
            "    request *, queue.consume, would have answered otherwise",
            '      messages?0?.message_id: was "msg_000001", would be "msg_000002"',
            "    | *def test_that_expects_an_order(sched_emulator):*",
            "    | *assert ?2, 1? == ?1, 2?*",
            f"    again: pytest --sched-assume=queue.nack_position=back {BREAKS}",
            "  robust   test_of_user.py::test_that_takes_any_order?down?",
            "  robust   test_of_user.py::test_that_takes_any_order?up ?1??",
            "2 of 3 relying tests held under every other answer",
            f"{BREAKS} breaks under queue.nack_position=back",
        ]
    )
    _, again = result.stdout.str().split("the same tests under the other answers")
    assert ("chose_an_answer" in again, "fails_anyway\n" in again) == (False, False)
    assert [line for line in result.outlines if line.startswith("under ")] == ["under queue.nack_position=back:"]


def test_options_of_the_run_hold_in_the_children(suite: pytest.Pytester) -> None:
    suite.makeconftest("""
        import pytest

        def pytest_addoption(parser):
            parser.addoption("--flavour")

        @pytest.fixture
        def flavour(request):
            return request.config.getoption("--flavour")
    """)
    suite.mkdir("part")
    source = """
        import pytest

        from queues import numbers, publish_two_and_nack_the_first

        CHOSEN = {"idempotency.required": "optional", "queue.publish_unknown": "create"}

        @pytest.mark.sched_emulator(assumptions=CHOSEN)
        def test_flavour(sched_emulator, flavour):
            assert flavour == "sweet"
            publish_two_and_nack_the_first()
            assert sorted(numbers()) == [1, 2]
    """
    suite.makepyfile(**{"part/test_part": source})
    report = suite.path / "junit.xml"
    result = suite.runpytest_subprocess(
        *QUIET, "part", "--flavour", "sweet", "-x", "-k", "test_flavour", "--sched-vary", f"--junit-xml={report}"
    )
    result.stdout.fnmatch_lines(
        [
            "under queue.nack_delay=backoff:",
            "  breaks   part/test_part.py::test_flavour",
            "under queue.nack_position=back:",
            "  robust   part/test_part.py::test_flavour",
        ]
    )
    assert report.read_text().count("<testcase") == 1
    assert 'failures="0"' in report.read_text()


def test_a_child_that_cannot_run_says_why(suite: pytest.Pytester) -> None:
    source = """
        import os

        import pytest

        from queues import call

        if "SCHED_VARY_FOLDER" in os.environ:
            raise RuntimeError("not here")

        @pytest.mark.parametrize("name", ["a", "b"])
        @pytest.mark.sched_emulator(assumptions={"idempotency.required": "optional"})
        def test_once(sched_emulator, name):
            call("/queue/publish", queue=name, payload={})
    """
    suite.makepyfile(test_of_user=source)
    result = suite.runpytest_subprocess(*QUIET, "--sched-vary")
    result.stdout.fnmatch_lines(
        [
            "under queue.publish_unknown=reject:",
            "  not run  test_of_user.py::test_once?a?",
            "    | *RuntimeError: not here*",
            "  not run  test_of_user.py::test_once?b?",
            "0 of 2 relying tests held under every other answer",
        ],
    )


def test_a_child_runs_only_the_tests_wanted(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    suite.makepyfile(
        test_of_user="""
        import pytest

        def test_wanted(): ...

        def test_wanted_of_a_group(): ...

        @pytest.mark.parametrize("name", ["a@b", "c"])
        def test_not_wanted(name): ...

        def test_that_fails():
            raise RuntimeError
        """
    )
    wanted = ["test_wanted", "test_wanted_of_a_group@group", "test_not_wanted[a@x]", "test_that_fails"]
    (suite.path / "wanted.json").write_text(json.dumps([f"test_of_user.py::{name}" for name in wanted]))
    monkeypatch.setenv("SCHED_VARY_FOLDER", str(suite.path))
    result = suite.runpytest_subprocess(*QUIET, "-p", "sched_emulator.plugin.vary_child")
    result.assert_outcomes(passed=2, failed=1, deselected=2)
    ended = [json.loads(line) for line in (suite.path / "ended.jsonl").read_text().splitlines()]
    assert [(phase["nodeid"].partition("::")[2], phase["outcome"]) for phase in ended if phase["when"] == "call"] == [
        ("test_wanted", "passed"),
        ("test_wanted_of_a_group", "passed"),
        ("test_that_fails", "failed"),
    ]
    assert "RuntimeError" in next(phase["text"] for phase in ended if phase["outcome"] == "failed")


def test_the_first_phase_that_did_not_pass_decides(tmp_path: Path) -> None:
    lines = [
        '{"nodeid": "a", "when": "setup", "outcome": "passed"}',
        '{"nodeid": "a", "when": "call", "outcome": "failed", "text": "why"}',
        '{"nodeid": "a", "when": "teardown", "outcome": "failed", "text": "another"}',
        '{"nodeid": "b", "when": "setup", "outcome": "skipped", "text": "not today"}',
        '{"nodeid": "b", "when": "teardown", "outcome": "passed"}',
    ]
    (tmp_path / "ended.jsonl").write_text("\n".join(lines))
    expected = {"a": vary.Ending("breaks", "why"), "b": vary.Ending("skipped", "not today")}
    assert vary._endings(tmp_path / "ended.jsonl") == expected  # noqa: SLF001 - its rule has no other window
