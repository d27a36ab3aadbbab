import subprocess
import sys
from pathlib import Path

SUITE = """
import os
import unittest
import urllib.request

from sched_emulator.testing import SchedulingTestCase

os.environ["INFRAI_API_KEY"] = "ifr_of_the_shell"
os.environ.pop("INFRAI_BASE_URL", None)
os.environ |= {"SCHED_EMULATOR_NOW": "2040-01-01", "HTTP_PROXY": "http://127.0.0.1:9"}
SEEN = []


def led():
    return os.environ.get("INFRAI_API_KEY"), os.environ.get("INFRAI_BASE_URL")


class TestSync(SchedulingTestCase):
    def test_1(self):
        self.assertEqual(led(), (self.box.api_key, self.box.base_url))
        self.box.clock.advance("3w")
        SEEN.append((self.emulator.url, self.box.api_key))

    def test_2_has_a_fresh_sandbox_of_the_same_emulator(self):
        self.assertEqual(self.box.clock.now.isoformat(), "2026-01-01T00:00:00+00:00")
        self.assertEqual(SEEN[0][0], self.emulator.url)
        self.assertNotEqual(SEEN[0][1], self.box.api_key)
        self.assertEqual(len(self.emulator.sandboxes()), 1)

    def test_3_what_a_receiver_s_function_raises_is_an_error(self):
        receiver = self.receiver()
        receiver.respond(lambda request: 1 / 0)
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(receiver.url)
        caught.exception.close()


class TestAsync(SchedulingTestCase, unittest.IsolatedAsyncioTestCase):
    serve_options = {"now": "2030-01-01", "assume": {"queue.nack_position": "back"}}

    def setUp(self):
        super().setUp()
        self.box.clock.advance("1h")

    async def asyncSetUp(self):
        await self.box.aio.clock.advance("1h")

    async def test_coroutines(self):
        self.assertEqual((await self.box.aio.clock.now).isoformat(), "2030-01-01T02:00:00+00:00")
        self.assertEqual((await self.box.aio.assumptions.get())["queue.nack_position"], "back")
        self.assertEqual(led(), (self.box.api_key, self.box.base_url))


class TestWithout(unittest.TestCase):
    def test_the_variables_are_what_they_were(self):
        self.assertEqual(led(), ("ifr_of_the_shell", None))
"""


def test_unittest_runs_a_test_case_with_a_sandbox_for_each_test(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE)
    command = [sys.executable, "-W", "error", "-m", "unittest", "-v", "test_suite"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    lines = done.stderr.splitlines()
    assert [line.rpartition(" ... ")[2] for line in lines if " ... " in line] == ["ok", "ok", "ok", "ERROR", "ok"]
    assert "ZeroDivisionError: division by zero" in lines
    assert (lines[-1], done.returncode) == ("FAILED (errors=1)", 1)
