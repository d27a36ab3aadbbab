import pytest

pytest_plugins = ["pytester"]

QUIET = tuple(f"-pno:{plugin}" for plugin in ("schemathesis", "hypothesispytest", "anyio", "cacheprovider"))
SETTINGS = "now, clock, assumptions, dialect, seed, follow, strict"
CALL = """
import json, os, urllib.request

def call(path, body):
    headers = {"Authorization": "Bearer " + os.environ["INFRAI_API_KEY"], "Content-Type": "application/json"}
    url = os.environ["INFRAI_BASE_URL"] + path
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers)) as response:
        return json.load(response)["data"]

def create_cron(url="https://api.acme.com/weekly", **settings):
    body = {"cron_expr": "0 9 * * 1", "task_type": "http_url", "task_url": url, **settings}
    return call("/cron/create", body)["cron_id"]
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    for name in ("INFRAI_API_KEY", "INFRAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    pytester.makepyfile(program=CALL)
    pytester.makeini(
        "[pytest]\naddopts = --strict-markers\nfilterwarnings = error\npythonpath = .\n"
        "asyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"
    )
    return pytester


def run(suite: pytest.Pytester, source: str, *arguments: str) -> pytest.RunResult:
    suite.makepyfile(test_of_user=source)
    return suite.runpytest_subprocess(*QUIET, *arguments)


def test_a_suite_that_uses_no_fixture_starts_and_imports_nothing(suite: pytest.Pytester) -> None:
    source = """
        import sys

        def test_nothing_is_there():
            ours = {name.removeprefix("sched_emulator.") for name in sys.modules if name.startswith("sched_emulator")}
            assert ours == {
                "sched_emulator", "pytest_plugin", "plugin", "plugin.guard", "intercept", "intercept.imports"
            }
            assert not {"asyncio", "http.client", "ssl"} & sys.modules.keys()
    """
    suite.makeini("[pytest]")
    run(suite, source, "-p", "no:asyncio", "-p", "no:anyio", "-p", "no:xdist").assert_outcomes(passed=1)


SANDBOXES = """
    import os
    import unittest
    from datetime import UTC, datetime

    import pytest

    from program import call, create_cron

    START = datetime(2026, 1, 1, tzinfo=UTC)

    @pytest.mark.parametrize("number", range(3))
    def test_each_test_has_a_fresh_frozen_sandbox(sched_emulator, number):
        assert (sched_emulator.clock.now, sched_emulator.clock.mode) == (START, "frozen")
        assert create_cron() == "cron_000001"
        assert sched_emulator.clock.advance(weeks=52)["fired"] == 52

    def test_the_environment_leads_there(sched_emulator):
        assert os.environ["INFRAI_API_KEY"] == sched_emulator.api_key
        assert os.environ["INFRAI_BASE_URL"] == sched_emulator.base_url

    @pytest.fixture
    def cron_id(sched_emulator):
        return create_cron()

    class TestOfAClass:
        def test_fixtures_build_on_it(self, cron_id, sched_emulator):
            assert sched_emulator.timeline()[0]["subject"] == cron_id

    class UnittestTest(unittest.TestCase):
        @pytest.fixture(autouse=True)
        def take_sandbox(self, sched_emulator):
            self.box = sched_emulator

        def test_classes_of_unittest_use_it(self):
            create_cron()
            self.assertEqual(self.box.clock.advance(weeks=1)["fired"], 1)

    @pytest.mark.usefixtures("sched_emulator")
    class UnittestMarkedTest(unittest.TestCase):
        def test_the_mark_is_enough(self):
            self.assertEqual(create_cron(), "cron_000001")

    @pytest.fixture(scope="module", autouse=True)
    def nothing_is_left(sched_emulator_server):
        yield
        assert sched_emulator_server.health()["sandboxes"] == 0
        assert "INFRAI_API_KEY" not in os.environ
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["plain", "two workers"])
def test_each_test_has_a_sandbox_of_its_own_which_is_gone_afterwards(
    suite: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    run(suite, SANDBOXES, *workers).assert_outcomes(passed=7)


def test_async_tests_serve_their_own_deliveries(suite: pytest.Pytester) -> None:
    source = """
        import aiohttp
        import anyio
        import httpx
        import pytest
        from aiohttp import web
        from aiohttp.test_utils import TestServer

        async def receive_weekly(box):
            received = []

            async def weekly(request):
                received.append(request.path)
                async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {box.api_key}"}) as session:
                    body = {"queue": "orders", "payload": {"from": "the receiver"}}
                    async with session.post(f"{box.base_url}/queue/publish", json=body) as response:
                        return web.Response(status=response.status)

            app = web.Application()
            app.router.add_post("/weekly", weekly)
            async with TestServer(app) as server, httpx.AsyncClient() as client:
                cron = {"cron_expr": "0 9 * * 1", "task_type": "http_url", "task_url": str(server.make_url("/weekly"))}
                headers = {"Authorization": f"Bearer {box.api_key}"}
                created = await client.post(f"{box.base_url}/cron/create", json=cron, headers=headers)
                assert created.status_code == 200
                assert (await box.aio.clock.advance(weeks=2))["fired"] == 2
            assert received == ["/weekly", "/weekly"]
            assert [entry["at"] for entry in box.requests("queue.publish")] == [
                "2026-01-05T09:00:00.000Z", "2026-01-12T09:00:00.000Z"
            ]

        async def test_of_pytest_asyncio(sched_emulator):
            await receive_weekly(sched_emulator)

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest.mark.anyio
        async def test_of_anyio(anyio_backend, sched_emulator):
            await anyio.sleep(0)
            await receive_weekly(sched_emulator)
    """
    run(suite, source, "-p", "anyio").assert_outcomes(passed=2)


def test_the_marker_sets_up_the_sandbox(suite: pytest.Pytester) -> None:
    source = """
        from datetime import UTC, datetime, timedelta, timezone

        import pytest

        from program import call, create_cron

        CHOSEN = ("queue.nack_position", "cron.dst", "cron.create.id_field")

        def chosen(box):
            answers = box.assumptions.get()
            return [answers[name] for name in CHOSEN]

        @pytest.mark.sched_emulator(now="2030-06-01T12:00:00Z", clock="1000x")
        def test_clock(sched_emulator):
            assert sched_emulator.clock.mode == "wall"
            assert sched_emulator.clock.now >= datetime(2030, 6, 1, 12, tzinfo=UTC)

        @pytest.mark.sched_emulator(now=datetime(2030, 6, 1, 1, tzinfo=timezone(timedelta(hours=1))))
        def test_now_is_a_datetime(sched_emulator):
            assert sched_emulator.clock.now == datetime(2030, 6, 1, tzinfo=UTC)

        @pytest.mark.sched_emulator(assumptions={"queue.nack_position": "back", "cron.dst": "literal"})
        class TestOfAClass:
            def test_answers(self, sched_emulator):
                assert chosen(sched_emulator) == ["back", "literal", "cron_id"]

            @pytest.mark.sched_emulator(dialect="observed", assumptions={"cron.dst": "vixie"})
            def test_the_closest_marker_wins_and_answers_add_up(self, sched_emulator):
                assert chosen(sched_emulator) == ["back", "vixie", "both"]

        def request_id(box):
            call("/queue/publish", {"queue": "orders", "payload": {}})
            return box.requests()[0]["response"]["metadata"]["request_id"]

        IDS = []

        @pytest.mark.parametrize("time", range(2))
        @pytest.mark.sched_emulator(seed=7)
        def test_the_same_seed_gives_the_same_ids(sched_emulator, time):
            IDS.append(request_id(sched_emulator))

        def test_another_seed_gives_others(sched_emulator):
            IDS.append(request_id(sched_emulator))
            assert IDS[0] == IDS[1] != IDS[2]
    """
    run(suite, source).assert_outcomes(passed=7)


def test_a_marker_that_cannot_be_meant_says_so(suite: pytest.Pytester) -> None:
    source = """
        import pytest

        @pytest.mark.sched_emulator("2030-01-01")
        def test_position(sched_emulator): ...

        @pytest.mark.sched_emulator(nwo="2030-01-01")
        def test_misspelt(sched_emulator): ...

        @pytest.mark.sched_emulator(seed="7")
        def test_kind(sched_emulator): ...

        @pytest.mark.sched_emulator(dialect="klingon")
        def test_dialect(sched_emulator): ...

        @pytest.mark.sched_emulator(now="the day before")
        def test_now(sched_emulator): ...

        @pytest.mark.sched_emulator(clock="sixty")
        def test_clock(sched_emulator): ...
    """
    result = run(suite, source)
    result.assert_outcomes(errors=6)
    result.stdout.fnmatch_lines(
        [
            f"the marker sched_emulator takes its settings by name: {SETTINGS}",
            f"the marker sched_emulator knows no 'nwo'; there are {SETTINGS}",
            "the marker sched_emulator takes int for seed, got '7'",
            "the marker sched_emulator: There is no dialect 'klingon'; possible: documented, observed.",
            "the test's sandbox cannot be made: 400 INVALID_REQUEST: `now` must be an instant in RFC 3339 *",
            "the test's sandbox cannot be made: clock: 'sixty' is no clock; expected wall, frozen or a speed like 60x",
        ]
    )


def test_answers_come_from_a_file_and_from_the_command_line(suite: pytest.Pytester) -> None:
    suite.makefile(".toml", measured='[queue]\nnack_position = "back"\nstats_delayed = "available"\n')
    source = """
        import pytest

        def chosen(box):
            answers = box.assumptions.get()
            return [answers[name] for name in ("queue.nack_position", "queue.stats_delayed", "cron.dst")]

        def test_of_no_opinion(sched_emulator):
            assert chosen(sched_emulator) == ["back", "hidden", "vixie"]

        @pytest.mark.sched_emulator(dialect="observed", assumptions={"queue.nack_position": "front"})
        def test_that_insists(sched_emulator):
            assert chosen(sched_emulator) == ["front", "hidden", "vixie"]
    """
    given = ("--sched-assumptions=measured.toml", "--sched-assume", "queue.stats_delayed=hidden")
    run(suite, source, *given).assert_outcomes(passed=2)


def test_a_file_of_answers_that_cannot_be_used_is_one_line(suite: pytest.Pytester) -> None:
    answers = '[queue]\nnack_position = "back"\n'
    for name, content, told in [
        ("folder", None, "'{}' is a folder; expected the path of a file"),
        ("utf-16", answers.encode("utf-16"), "{} is UTF-16; expected UTF-8"),
        ("latin-1", b"# caf\xe9", "{} is no UTF-8: unexpected end of data at byte 5"),
        ("other", answers.replace("back", "top").encode(), "queue.nack_position cannot be 'top'; possible: one of "),
        ("bom", answers.encode("utf-8-sig"), ""),
    ]:
        path = suite.path / name
        path.mkdir() if content is None else path.write_bytes(content)
        try:
            suite.parseconfigure("-p", "no:schemathesis", f"--sched-assumptions={path}")
        except pytest.UsageError as error:
            said = str(error)
            assert said.startswith(f"--sched-assumptions: {told.format(path)}")
            assert "\n" not in said
        else:
            assert name == "bom"


@pytest.mark.parametrize(
    ("argument", "complaint"),
    [
        ("--sched-assumptions=nowhere.toml", "ERROR: --sched-assumptions: there is no file '*nowhere.toml'; expected*"),
        ("--sched-assume=cron.dts=literal", "ERROR: --sched-assume: There is no assumption 'cron.dts'; did you mean*"),
        (
            "--sched-assume=literal",
            "ERROR: --sched-assume: 'literal' is no ID=ANSWER such as queue.nack_position=back.",
        ),
    ],
)
def test_answers_that_cannot_be_used_stop_the_run(suite: pytest.Pytester, argument: str, complaint: str) -> None:
    result = run(suite, "", argument)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([complaint])


def test_an_overridden_server_has_its_own_options(suite: pytest.Pytester) -> None:
    suite.makeconftest("""
        import pytest
        from sched_emulator import Emulator

        @pytest.fixture(scope="session")
        def sched_emulator_server():
            with Emulator.start(now="2031-01-01", dialect="observed") as emulator:
                yield emulator
    """)
    source = """
        def test_of_its_options(sched_emulator):
            assert sched_emulator.clock.now.year == 2031
            assert sched_emulator.assumptions.get()["cron.create.id_field"] == "both"
    """
    run(suite, source).assert_outcomes(passed=1)


FOLLOWING = """
    import asyncio
    from datetime import UTC, datetime, timedelta

    import pytest
    from freezegun import freeze_time

    from program import create_cron

    def pass_a_week(box, tick):
        create_cron()
        tick(timedelta(weeks=1))
        assert [entry["at"] for entry in box.deliveries()] == ["2026-03-02T09:00:00.000Z"]

    @pytest.fixture
    def frozen():
        with freeze_time("2026-03-01") as frozen:
            yield frozen

    def test_the_freeze_before_the_sandbox(frozen, sched_emulator):
        pass_a_week(sched_emulator, frozen.tick)

    def test_the_sandbox_before_the_freeze(sched_emulator, frozen):
        pass_a_week(sched_emulator, frozen.tick)

    async def test_a_coroutine_with_its_own_receiver(frozen, sched_emulator, sched_receiver):
        create_cron(sched_receiver.url)
        with pytest.raises(RuntimeError, match="follows the test's frozen time: move that"):
            await sched_emulator.aio.clock.advance(weeks=1)
        await asyncio.to_thread(frozen.tick, timedelta(weeks=1))
        assert len(sched_receiver.requests) == 1

    @pytest.mark.time_machine(datetime(2026, 3, 1, tzinfo=UTC), tick=False)
    def test_time_machine(time_machine, sched_emulator):
        pass_a_week(sched_emulator, time_machine.shift)

    @pytest.mark.sched_emulator(follow=FOLLOW_HERE)
    def test_the_marker_decides(frozen, sched_emulator):
        assert (sched_emulator.clock.now.month == 3) is FOLLOW_HERE
"""


def test_with_the_option_the_clock_follows_frozen_time(suite: pytest.Pytester) -> None:
    source = FOLLOWING.replace("FOLLOW_HERE", "False")
    run(suite, source, "--sched-follow").assert_outcomes(passed=5)


def test_without_the_option_only_marked_tests_follow(suite: pytest.Pytester) -> None:
    source = FOLLOWING.replace("FOLLOW_HERE", "True")
    run(suite, source, "-k", "marker").assert_outcomes(passed=1, deselected=4)


def test_a_failure_tells_the_sandbox_s_story(suite: pytest.Pytester) -> None:
    source = """
        import urllib.error

        import pytest

        from program import call, create_cron

        def test_that_fails(sched_emulator):
            create_cron(name="weekly report")
            busy = {"status": 503, "body": {"busy": "x" * 200}}
            sched_emulator.targets.script("https://api.acme.com/*", [busy, "refused"])
            sched_emulator.clock.advance(weeks=1)
            sched_emulator.faults.add("queue.create", drop=True, after=True)
            with pytest.raises(OSError):
                call("/queue/create", {"name": "orders"})
            for _ in range(8):
                call("/queue/publish", {"queue": "orders", "payload": {}, "urgnet": True})
            try:
                call("/queue/consume", {"queue": "ordres"})
            except urllib.error.HTTPError as error:
                assert error.code == 200

        def test_that_fails_before_anything(sched_emulator):
            raise RuntimeError

        def test_that_passes(sched_emulator):
            create_cron()
    """
    result = run(suite, source)
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        [
            "*- sched_emulator -*",
            "clock: 2026-01-08T00:00:00.000Z, frozen",
            "requests, the last 10 of 11:",
            "   * 2026-01-08T00:00:00.000Z  queue.create  503 UNAVAILABLE: injected fault: *",
            "        note: the connection was dropped: this answer was never sent",
            "   * 2026-01-08T00:00:00.000Z  queue.publish  200 (ignored: urgnet)",
            "   * 2026-01-08T00:00:00.000Z  queue.consume  404 NOT_FOUND: *ordres*",
            "deliveries:",
            "   * 2026-01-05T09:00:00.000Z  cron to https://api.acme.com/weekly, attempt 1: failed 503",
            '        answered: {"busy":"xxx*xxx…',
            "   * 2026-01-05T09:00:10.000Z  cron to https://api.acme.com/weekly, attempt 2: refused, *",
            "due next:",
            "  2026-01-12T09:00:00.000Z  cron weekly report",
            "*- sched_emulator -*",
            "clock: 2026-01-01T00:00:00.000Z, frozen",
            "requests: none",
            "deliveries: none",
            "due next: nothing",
        ]
    )
    assert result.stdout.str().count("clock: ") == 2


STRICT = """
    import pytest

    from program import create_cron

    pytestmark = pytest.mark.sched_emulator(strict=True)

    def script(box, glob):
        create_cron()
        box.targets.script(glob, 200)
        box.clock.advance(weeks=1)

    def test_of_a_script_that_is_met(sched_emulator):
        script(sched_emulator, "https://api.acme.com/*")

    def test_of_a_script_that_is_not(sched_emulator):
        script(sched_emulator, "https://api.acme.com/weakly")

    def test_of_a_fault(sched_emulator):
        sched_emulator.faults.add("queue.publish", status=503)

    def test_of_a_route(sched_emulator):
        sched_emulator.routes.set({"https://of-serve.example": "http://127.0.0.1:9", "https://mine.example": "http://127.0.0.1:9"})

    @pytest.mark.sched_emulator(strict=False)
    def test_that_is_not_strict(sched_emulator):
        script(sched_emulator, "https://api.acme.com/weakly")

    def test_that_fails(sched_emulator):
        script(sched_emulator, "https://api.acme.com/weakly")
        raise RuntimeError

    def test_that_is_skipped(sched_emulator):
        script(sched_emulator, "https://api.acme.com/weakly")
        pytest.skip("not today")
"""
SERVER_WITH_A_PAST = """
    import json

    import pytest
    from sched_emulator import Emulator

    @pytest.fixture(scope="session")
    def sched_emulator_server(tmp_path_factory):
        file = tmp_path_factory.mktemp("loaded") / "team.json"
        with Emulator.start() as emulator, emulator.sandbox() as box:
            box.targets.script("https://of-the-team.example/*", 503)
            box.faults.add("queue.delete", status=503)
            file.write_text(json.dumps(box.snapshot()))
        with Emulator.start(route={"https://of-serve.example": "http://127.0.0.1:9"}, load=file) as emulator:
            yield emulator
"""


def test_what_a_test_sets_up_and_nothing_meets_is_told_and_with_strict_an_error(suite: pytest.Pytester) -> None:
    suite.makeconftest(SERVER_WITH_A_PAST)
    result = run(suite, STRICT)
    result.assert_outcomes(passed=5, failed=1, skipped=1, errors=3)
    result.stdout.fnmatch_lines(
        [
            "strict: nothing met the script for https://api.acme.com/weakly",
            "clock: 2026-01-08T00:00:00.000Z, frozen",
            "  * cron to https://api.acme.com/weekly, attempt 1: captured 200",
            "strict: nothing met the fault on queue.publish",
            "strict: nothing met the route from https://mine.example",
            "*- sched_emulator -*",
            "deliveries:",
            "nothing met the script for https://api.acme.com/weakly",
            "due next:",
        ]
    )


def test_a_failure_after_the_emulator_s_end_says_that_it_cannot_be_asked(suite: pytest.Pytester) -> None:
    source = """
        def test_that_ends_it(sched_emulator, sched_emulator_server):
            sched_emulator_server.stop()
            raise RuntimeError
    """
    result = run(suite, source)
    result.assert_outcomes(failed=1, errors=1)
    result.stdout.fnmatch_lines(["the sandbox cannot be asked: no emulator answers at http://127.0.0.1:*"])


def test_the_options_and_the_marker_are_explained(suite: pytest.Pytester) -> None:
    shown = [suite.runpytest_subprocess(*QUIET, argument).stdout.str() for argument in ("--help", "--markers")]
    assert "emulated scheduling API:\n" in shown[0]
    assert (
        "@pytest.mark.sched_emulator(now=, clock=, assumptions={}, dialect=, seed=, follow=, strict=): settings"
        in shown[1]
    )
