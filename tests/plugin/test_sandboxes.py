import sys
from pathlib import Path

import pytest

from tests.plugin.test_pytest_plugin import CALL, QUIET

pytest_plugins = ["pytester"]

AT_IMPORT = CALL.replace(
    "def call", "KEY, URL = os.environ['INFRAI_API_KEY'], os.environ['INFRAI_BASE_URL']\n\ndef call"
)
AT_IMPORT = AT_IMPORT.replace('os.environ["INFRAI_API_KEY"]', "KEY").replace('os.environ["INFRAI_BASE_URL"]', "URL")
INI = "[pytest]\nfilterwarnings = error\npythonpath = .\nasyncio_default_fixture_loop_scope = function\n"
BY_SESSION = f"{INI}sched_emulator_env = session\n"


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("INFRAI_API_KEY", "ifr_costs_money")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    for name in ("INFRAI_BASE_URL", "NO_PROXY", "no_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    pytester.makepyfile(program=CALL, program_of_import=AT_IMPORT)
    pytester.makeini(INI)
    return pytester


def run(suite: pytest.Pytester, source: str, *arguments: str) -> pytest.RunResult:
    suite.makepyfile(test_of_user=source)
    return suite.runpytest_subprocess(*QUIET, *arguments)


OF_SESSION = """
    import os

    import pytest

    import program_of_import
    from program_of_import import call, create_cron

    KEY = program_of_import.KEY

    @pytest.mark.parametrize("time", range(2))
    def test_code_that_read_its_settings_at_import_is_in_the_test_s_sandbox(sched_emulator, time):
        assert (sched_emulator.api_key, os.environ["INFRAI_API_KEY"]) == (KEY, KEY)
        assert create_cron() == "cron_000001"
        assert sched_emulator.clock.advance(weeks=2)["fired"] == 2

    @pytest.mark.parametrize("time", range(2))
    def test_without_the_fixture_it_is_as_new_too(time):
        assert create_cron() == "cron_000001"

    @pytest.mark.sched_emulator(now="2030-06-01", assumptions={"cron.dst": "literal"})
    def test_the_marker_holds(sched_emulator):
        assert sched_emulator.clock.now.year == 2030
        assert sched_emulator.assumptions.get()["cron.dst"] == "literal"

    def test_and_for_its_test_alone(sched_emulator):
        assert (sched_emulator.clock.now.year, sched_emulator.assumptions.get()["cron.dst"]) == (2026, "vixie")

    @pytest.mark.sched_emulator(follow=True)
    def test_it_follows(sched_emulator):
        from freezegun import freeze_time
        with freeze_time("2026-03-01"):
            assert sched_emulator.clock.now.month == 3

    @pytest.fixture(scope="class")
    def box(sched_emulator_factory):
        with sched_emulator_factory.sandbox(now="2027-01-01T00:00:00Z") as box:
            assert create_cron() == "cron_000001"
            yield box

    class TestOfAClass:
        @pytest.mark.parametrize("weeks", [1, 2])
        def test_a_wider_scope_keeps_the_sandbox(self, box, weeks):
            box.clock.advance(weeks=1)
            assert (box.api_key, len(box.deliveries())) == (KEY, weeks)

        def test_nobody_else_has_it(self, box, sched_emulator): ...

    def test_afterwards_it_is_as_new(sched_emulator):
        assert (sched_emulator.clock.now.year, sched_emulator.requests()) == (2026, [])

    def test_that_fails(sched_emulator):
        create_cron()
        raise RuntimeError
"""
CONFTEST = """
    import program_of_import

    assert program_of_import.KEY.startswith("ifr_sandbox_"), program_of_import.KEY
"""


def test_by_session_code_is_led_there_before_anything_is_imported(suite: pytest.Pytester) -> None:
    suite.makeini(BY_SESSION)
    suite.makeconftest(CONFTEST)
    result = run(suite, OF_SESSION)
    result.assert_outcomes(passed=10, failed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "with `sched_emulator_env = session` there is one sandbox, and a fixture of a wider scope holds it: *",
            "*- sched_emulator -*",
            "clock: 2026-01-01T00:00:00.000Z, frozen",
            "requests:",
            "*cron.create  200*",
            "due next:",
        ]
    )


def test_by_session_each_worker_has_its_own(suite: pytest.Pytester) -> None:
    suite.makeini(BY_SESSION)
    run(suite, OF_SESSION, "-n", "2", "--dist", "loadscope", "--sched-relied").assert_outcomes(
        passed=10, failed=1, errors=1
    )


def test_by_session_a_server_of_one_s_own_cannot_be(suite: pytest.Pytester) -> None:
    suite.makeini(BY_SESSION)
    suite.makeconftest("""
        import pytest
        from sched_emulator import Emulator

        @pytest.fixture(scope="session")
        def sched_emulator_server():
            with Emulator.start(dialect="observed") as emulator:
                yield emulator
    """)
    result = run(suite, "def test_it(sched_emulator): ...")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["with `sched_emulator_env = session` the emulator is up before there are fixtures: *"])


WIDER = """
    import os
    import urllib.request

    import pytest

    from program import call, create_cron

    @pytest.fixture(scope="module", autouse=True)
    def box(sched_emulator_factory):
        with sched_emulator_factory.sandbox(now="2026-03-07T00:00:00Z", seed=7, dialect="observed") as box:
            assert create_cron() == "cron_000001"
            yield box
        assert os.environ["INFRAI_API_KEY"] == "ifr_costs_money"
        assert "INFRAI_BASE_URL" not in os.environ

    @pytest.mark.parametrize("weeks", [1, 2])
    def test_tests_share_it(box, weeks):
        box.clock.advance(weeks=1)
        assert (len(box.deliveries()), os.environ["INFRAI_API_KEY"]) == (weeks, box.api_key)

    def test_a_sandbox_of_a_test_stands_before_it(box, sched_emulator):
        assert create_cron() == "cron_000001"
        assert os.environ["INFRAI_API_KEY"] == sched_emulator.api_key != box.api_key

    def test_then_it_is_there_again(box):
        call("/queue/publish", {"queue": "orders", "payload": {}})
        [message] = call("/queue/consume", {"queue": "orders"})["messages"]
        call("/queue/nack", {"queue": "orders", "message_id": message["message_id"], "requeue": True})
        call("/queue/publish", {"queue": "orders", "payload": {}})
        call("/queue/consume", {"queue": "orders"})

    def test_no_proxy_is_between(sched_emulator):
        assert urllib.request.proxy_bypass_environment("127.0.0.1") == 1
        assert os.environ["NO_PROXY"] == os.environ["no_proxy"] == "localhost,127.0.0.1,::1"

    def test_other_keys_are_told(sched_emulator, monkeypatch):
        for number in range(3):
            monkeypatch.setenv("INFRAI_API_KEY", f"ifr_other_key_{number // 2}")
            create_cron()
        raise RuntimeError

    def test_but_not_those_of_earlier_tests(sched_emulator):
        raise RuntimeError

    def test_a_misspelt_setting_is_named(sched_emulator_factory):
        sched_emulator_factory.sandbox(nwo="2026")
"""


def test_a_fixture_of_a_wider_scope_has_a_sandbox_of_its_own(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CLOCK", "NOW", "DELIVER", "KEYS", "DIALECT", "SEED", "LOAD"):
        monkeypatch.setenv(f"SCHED_EMULATOR_{name}", "would stop or bend the emulator")
    monkeypatch.setenv("SCHED_EMULATOR_URL", "http://127.0.0.1:1")
    result = run(suite, WIDER, "--sched-relied", "-vv")
    result.assert_outcomes(passed=5, failed=3)
    result.stdout.fnmatch_lines(
        [
            "*- sched_emulator -*",
            "clock: 2026-03-21T00:00:00.000Z, frozen",
            "clock: 2026-01-01T00:00:00.000Z, frozen",
            "2 requests came with ifr_oth*_0, which is not this sandbox's key: code that reads its settings*",
            "1 request came with ifr_oth*_1, which is not this sandbox's key: code that reads its settings*",
            "sched_emulator_factory.sandbox() knows no 'nwo'; there are now, clock, *",
            "queue.nack_delay = now, 5 tests: *",
        ]
    )
    assert result.stdout.str().count(" came with ") == 2


OF_RUN = """
    import json, os, urllib.request

    from sched_emulator.intercept import HOST

    def create_cron(key):
        body = {"cron_expr": "0 9 * * 1", "task_type": "http_url", "task_url": "https://api.acme.com/weekly"}
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        url = f"https://{HOST}/v1/scheduling/cron/create"
        with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers)) as response:
            return json.load(response)["data"]["cron_id"]

    def test_code_with_the_hostname_in_it(sched_emulator, sched_emulator_server):
        assert sched_emulator_server.url == os.environ["SCHED_EMULATOR_URL"]
        assert create_cron(os.environ["INFRAI_API_KEY"]) == "cron_000001"
        assert sched_emulator.clock.advance(weeks=1)["now"] == "2026-01-08T00:00:00.000Z"
        assert len(sched_emulator.deliveries()) == 1

    def test_that_fails(sched_emulator):
        create_cron("ifr_local")
        raise RuntimeError
"""


def test_under_run_the_same_fixture_uses_the_emulator_that_it_started(suite: pytest.Pytester) -> None:
    suite.makepyfile(test_of_run=OF_RUN)
    command = [sys.executable, "-m", "sched_emulator", "run", "--", sys.executable, "-m", "pytest", *QUIET]
    result = suite.run(*command, Path("test_of_run.py"))
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["1 request came with ifr_*, which is not this sandbox's key: *"])
