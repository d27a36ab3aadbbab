import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from sched_emulator.plugin import vary
from tests.plugin.test_pytest_plugin import QUIET

pytest_plugins = ["pytester"]

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


def test_with_a_file_of_answers_each_reliance_is_measured_contradicted_or_open(suite: pytest.Pytester) -> None:
    (suite.path / "gateway.toml").write_text(
        'queue.nack_position = "back"\nqueue.nack_delay = "now"\n# queue.publish_unknown = "create"\n'
        'idempotency.required = "optional"  # assumed\nhttp.envelope = "bare"\nqueue.payload_field = "payload"\n'
    )
    tests = [f"test_of_user.py::test_that_chose_{name}" for name in ("an_answer", "what_was_measured")]
    suite.makepyfile(
        test_of_user=TESTS
        + """
    @pytest.mark.sched_emulator(assumptions={"queue.nack_position": "back"})
    def test_that_chose_what_was_measured(sched_emulator):
        publish_two_and_nack_the_first()
        assert numbers() == [2, 1]
"""
    )
    tests.append("--sched-assume=http.envelope=wrapped")
    arguments = ("--sched-relied", "--sched-assumptions", "gateway.toml", "--sched-report", "relied.json", *tests)
    result = suite.runpytest_subprocess(*QUIET, *arguments)
    result.assert_outcomes(passed=2)
    told = result.stdout.str().partition("undocumented behaviour that the tests rely on =")[2].partition("\n====")[0]
    lines = [line for line in told.splitlines()[1:] if line]
    assert [line.partition(": ")[0] for line in lines[:-3]] == [
        "idempotency.required = optional, 2 tests, open",
        "queue.nack_delay = now, 2 tests, measured",
        "queue.nack_position = back, 1 test, measured",
        "queue.nack_position = front, 1 test, contradicted (measured",
        "    test_of_user.py::test_that_chose_an_answer",
        "queue.publish_unknown = create, 2 tests, open",
        "http.envelope = wrapped, 2 tests, contradicted (measured",
        "    test_of_user.py::test_that_chose_an_answer",
        "    test_of_user.py::test_that_chose_what_was_measured",
    ]
    result.stdout.fnmatch_lines(
        [
            "names and forms used that the documentation leaves open, open: *",
            "names and forms used that the documentation leaves open, measured: queue.payload_field",
        ]
    )
    report = json.loads((suite.path / "relied.json").read_text())
    standings = [item["standing"] for item in [*report["relied"], *report["shapes"]]]
    measured, contradicted, left = (standings.count(word) for word in ("measured", "contradicted", "open"))
    counts = f"{measured} measured, {contradicted} contradicted, {left} open"
    assert lines[-1].startswith(f"{counts}; `sched-emulator calibrate --for` takes ")
    assert (measured, contradicted) == (3, 2)
    assert report["relied"][3] == {
        "id": "queue.nack_position",
        "answer": "front",
        "question": "Where in a standard queue does a requeued message stand?",
        "tests": ["test_of_user.py::test_that_chose_an_answer"],
        "standing": "contradicted",
        "measured": "back",
    }


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
    assert result.parseoutcomes()["broken"] == 1
    result.stdout.fnmatch_lines(
        [
            "*= running the relying tests under the other answers =*",
            "under queue.nack_position=back, 1 of 1: *F*",
            "*= FAILURES =*",
            "queue.nack_position = front, 5 tests: *?",
            "*= the same tests under the other answers =*",
            "under queue.nack_position=back:",
            f"  breaks   {BREAKS}",
            "    request *, queue.consume, would have answered otherwise",
            '      messages?0?.message_id: was "msg_000001", would be "msg_000002"',
            "    | *def test_that_expects_an_order(sched_emulator):*",
            "    | *assert ?2, 1? == ?1, 2?*",
            f"    again: pytest --sched-assume=queue.nack_position=back {BREAKS}",
            "  robust   test_of_user.py::test_that_takes_any_order, with 2 of 2 parameters",
            "1 of 2 relying tests held under every other answer",
            f"{BREAKS} breaks under queue.nack_position=back",
        ]
    )
    _, again = result.stdout.str().split("the same tests under the other answers")
    assert ("chose_an_answer" in again, "fails_anyway\n" in again) == (False, False)
    assert [line for line in result.outlines if line.startswith("under ")][1:] == ["under queue.nack_position=back:"]


def cases_of(junit: Path) -> list[tuple[str, str]]:
    """Return the entries of a JUnit report, each with how it ended."""
    ended = {
        case.attrib["name"]: [part.tag for part in case if part.tag != "properties"]
        for case in ET.fromstring(junit.read_text()).iter("testcase")  # noqa: S314 - our own
    }
    return [(name, tags[0] if tags else "passed") for name, tags in ended.items()]


FLAVOURS = """
    import pytest

    from queues import numbers, publish_two_and_nack_the_first

    CHOSEN = {"idempotency.required": "optional", "queue.publish_unknown": "create"}

    @pytest.mark.parametrize("number", [1, 2])
    @pytest.mark.sched_emulator(assumptions=CHOSEN)
    def test_flavour(sched_emulator, flavour, number):
        assert flavour == "sweet"
        publish_two_and_nack_the_first()
        assert sorted(numbers()) == [1, 2]
"""


@pytest.fixture
def flavours(suite: pytest.Pytester) -> pytest.Pytester:
    """Give a suite of a folder and an option of its own, in which a test of two parameters breaks under an answer."""
    suite.makeconftest("""
        import pytest

        def pytest_addoption(parser):
            parser.addoption("--flavour")

        @pytest.fixture
        def flavour(request):
            return request.config.getoption("--flavour")
    """)
    suite.mkdir("part")
    suite.makepyfile(**{"part/test_part": FLAVOURS})
    return suite


TASTE = ("part", "--flavour", "sweet", "-k", "test_flavour", "--junit-xml=junit.xml")


def test_a_run_fails_when_a_test_breaks_and_every_report_says_which(flavours: pytest.Pytester) -> None:
    result = flavours.runpytest_subprocess(*QUIET, *TASTE, "-x", "--sched-vary", "--sched-report", "vary.json")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "under queue.nack_delay=backoff, 1 of 2: FF",
            "under queue.nack_position=back, 2 of 2: ..",
            "under queue.nack_delay=backoff:",
            "  breaks   part/test_part.py::test_flavour, with 2 of 2 parameters",
            "    again: pytest --sched-assume=queue.nack_delay=backoff part/test_part.py::test_flavour",
            "under queue.nack_position=back:",
            "  robust   part/test_part.py::test_flavour, with 2 of 2 parameters",
            "0 of 1 relying tests held under every other answer",
        ]
    )
    assert cases_of(flavours.path / "junit.xml") == [
        ("test_flavour[1]", "passed"),
        ("test_flavour[2]", "passed"),
        ("test_flavour[queue.nack_delay=backoff]", "failure"),
        ("test_flavour[queue.nack_position=back]", "passed"),
    ]
    told = json.loads((flavours.path / "vary.json").read_text())
    nodeids = [f"part/test_part.py::test_flavour[{number}]" for number in (1, 2)]
    assert told["varied"]
    assert ("queue.payload_field", nodeids) in [(shape["id"], shape["tests"]) for shape in told["shapes"]]
    assert told["relied"][1] == {
        "id": "queue.nack_delay",
        "answer": "now",
        "question": "When is a requeued message available again?",
        "tests": nodeids,
    }
    [test] = told["tests"]
    assert (test["test"], test["held"]) == ("part/test_part.py::test_flavour", False)
    breaks, robust = test["under"]
    assert {name: value for name, value in breaks.items() if name not in {"difference", "text"}} == {
        "id": "queue.nack_delay",
        "answer": "backoff",
        "outcome": "breaks",
        "parameters": {"all": 2, "breaks": nodeids},
        "again": "pytest --sched-assume=queue.nack_delay=backoff part/test_part.py::test_flavour",
    }
    assert ("queue.consume" in breaks["difference"], "assert [2] == [1, 2]" in breaks["text"]) == (True, True)
    assert robust == {
        "id": "queue.nack_position",
        "answer": "back",
        "outcome": "robust",
        "parameters": {"all": 2, "robust": nodeids},
    }


def test_a_run_that_only_reports_passes(flavours: pytest.Pytester) -> None:
    result = flavours.runpytest_subprocess(*QUIET, *TASTE, "-n", "1", "--sched-vary=report")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["  breaks   part/test_part.py::test_flavour, with 2 of 2 parameters"])
    assert sorted(cases_of(flavours.path / "junit.xml"))[2:] == [
        ("test_flavour[queue.nack_delay=backoff]", "skipped"),
        ("test_flavour[queue.nack_position=back]", "passed"),
    ]


def test_options_that_choose_by_earlier_runs_choose_nothing_in_the_children(flavours: pytest.Pytester) -> None:
    lasting = [option for option in QUIET if option != "no:cacheprovider"][:-1]
    arguments = (*lasting, *TASTE, "--lf", "--lfnf=none", "--stepwise", "--sched-vary")
    (flavours.path / ".pytest_cache/v/cache").mkdir(parents=True)
    failed = {f"part/test_part.py::test_flavour[{number}]": True for number in (1, 2)}
    (flavours.path / ".pytest_cache/v/cache/lastfailed").write_text(json.dumps(failed))
    result = flavours.runpytest_subprocess(*arguments)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["under queue.nack_delay=backoff, 1 of 2: FF"])
    assert not (flavours.path / ".pytest_cache/v/cache/lastfailed").exists() or (
        json.loads((flavours.path / ".pytest_cache/v/cache/lastfailed").read_text()) == {}
    )


def test_what_was_stopped_or_only_collected_is_not_varied(suite: pytest.Pytester) -> None:
    only_collected = suite.runpytest_subprocess(*QUIET, "--sched-vary", "--collect-only", "-q")
    assert only_collected.ret == pytest.ExitCode.OK
    only_collected.stdout.no_fnmatch_line("*undocumented*")
    stopped = suite.runpytest_subprocess(*QUIET, "--sched-vary", "-x", "--sched-report=vary.json")
    assert stopped.ret == pytest.ExitCode.TESTS_FAILED
    stopped.stdout.fnmatch_lines(["the run was stopped: no test was run under another answer"])
    told = json.loads((suite.path / "vary.json").read_text())
    assert (told["varied"], told["tests"], len(told["relied"][0]["tests"])) == (False, [], 5)


@pytest.mark.parametrize(
    ("argument", "complaint"),
    [
        (
            "--sched-report=nowhere/vary.json",
            "ERROR: --sched-report: there is no folder '*nowhere'; expected one to write into",
        ),
        ("--sched-report=.", "ERROR: --sched-report: '*' is a folder; expected a file to write"),
        ("--sched-vary=reprot", "*error: argument --sched-vary: ignored explicit argument 'reprot'"),
    ],
)
def test_what_cannot_be_meant_stops_the_run(suite: pytest.Pytester, argument: str, complaint: str) -> None:
    result = suite.runpytest_subprocess(*QUIET, argument)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([complaint])


def test_a_run_without_a_sandbox_says_that_nothing_was_looked_at(suite: pytest.Pytester) -> None:
    result = suite.runpytest_subprocess(*QUIET, "--sched-vary", "-k", "without_a_sandbox")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["no test used a sandbox of the fixture `sched_emulator`: nothing was looked at"])


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
            "  not run  test_of_user.py::test_once, with 2 of 2 parameters",
            "    | *RuntimeError: not here*",
            "0 of 1 relying tests held under every other answer",
            "test_of_user.py::test_once could not be run under queue.publish_unknown=reject",
        ],
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED


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
    endings = vary.Endings(tmp_path / "ended.jsonl")
    assert endings.read_on() == ""
    ended = tmp_path / "ended.jsonl"
    ended.write_text("\n".join(lines)[:-9])
    assert endings.read_on() == "F"
    ended.write_text("\n".join(lines) + "\n")
    assert endings.read_on() == "s"
    assert endings.of == {"a": vary.Ending("breaks", "why"), "b": vary.Ending("skipped", "not today")}
