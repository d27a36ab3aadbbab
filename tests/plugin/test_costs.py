"""`--sched-costs`: what the tests would have cost, by operation; and the cost in the story of a failing one."""

import pytest

from tests.plugin.test_pytest_plugin import run, suite

__all__ = ["suite"]
pytest_plugins = ["pytester"]

PRICES = (
    '{"capabilities": [{"id": "scheduling.queue.publish", "billing": {"price_usd": 0.00002, "unit": "message"}},'
    ' {"id": "cron.create", "billing": {"price_usd": 0.25, "unit": "request"}}]}'
)
SOURCE = """
    import pytest
    from program import call, create_cron

    def publish():
        call("/queue/publish", {"queue": "orders", "payload": {}})

    @pytest.fixture(scope="class")
    def of_class(sched_emulator_factory):
        with sched_emulator_factory.sandbox() as box:
            yield box

    class TestOfAClass:
        def test_first(self, of_class):
            publish()
            publish()

        def test_second(self, of_class):
            publish()
            of_class.reset()
            publish()

    def test_that_fails(sched_emulator):
        create_cron()
        publish()
        assert sched_emulator.account.spent_usd <= 0.25

    def test_that_calls_nothing(sched_emulator):
        pass
"""


def test_what_the_tests_would_have_cost_is_told_by_operation(suite: pytest.Pytester) -> None:
    (suite.path / "prices.json").write_text(PRICES)
    (suite.path / "sub").mkdir()
    suite.makeini("[pytest]\npythonpath = .\nsched_emulator_prices = prices.json\n")
    result = run(suite, SOURCE, "--sched-costs", "-v", "-n", "2", "-p", "no:asyncio", "--dist", "loadfile")
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(
        [
            "cost: 0.25002 USD for 2 calls, 0.25 of it for cron.create",
            "*= what the tests would have cost =*",
            "cron.create: 0.25 USD for 1 call",
            "queue.publish: 0.00008 USD for 4 calls",
            "together: 0.25008 USD for 5 calls in 3 tests",
            "    0.25002 USD  test_of_user.py::test_that_fails",
            "    0.00004 USD  test_of_user.py::TestOfAClass::test_first",
            "    0.00002 USD  test_of_user.py::TestOfAClass::test_second",
        ],
        consecutive=False,
    )


def test_without_prices_it_says_where_to_get_them(suite: pytest.Pytester) -> None:
    result = run(suite, SOURCE, "--sched-costs")
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(
        ["*= what the tests would have cost =*", "no prices were known in 4 tests: `sched-emulator drift *"]
    )
    assert "cost: " not in result.stdout.str()
