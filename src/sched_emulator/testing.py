"""For tests of the standard library's `unittest`: what the pytest plugin's fixtures are elsewhere.

`SchedulingTestCase` goes before another kind of test case that is wanted as well:

    class TestReports(SchedulingTestCase, unittest.IsolatedAsyncioTestCase): ...
"""

import os
import unittest
from typing import ClassVar
from unittest import mock

from .client.emulator import Emulator, ServeOptions, without_shell_options
from .client.receiver import Receiver
from .client.sandbox import Sandbox
from .intercept import leading

__tracebackhide__ = True  # a failing test shows its own lines


class SchedulingTestCase(unittest.TestCase):
    """A test case with an emulator for its class, and for each test a fresh sandbox on a frozen clock.

    `self.box` is the sandbox. `INFRAI_API_KEY` and `INFRAI_BASE_URL` lead the code under test to it, and are afterwards
    what they were. `serve_options` are those of `Emulator.start`. A `setUp` or `setUpClass` of one's own begins with
    that of `super()`.
    """

    serve_options: ClassVar[ServeOptions] = {}
    emulator: ClassVar[Emulator]
    box: Sandbox

    @classmethod
    def setUpClass(cls) -> None:
        """Start the emulator. Options of `serve` in somebody's shell do not count: a test means the same everywhere."""
        super().setUpClass()
        with without_shell_options():
            cls.emulator = cls.enterClassContext(Emulator.start(**cls.serve_options))

    def setUp(self) -> None:
        """Make the sandbox, and lead the code under test to it."""
        super().setUp()
        self.box = self.enterContext(self.emulator.sandbox())
        variables = leading(os.environ, api_key=self.box.api_key, base_url=self.box.base_url)
        self.enterContext(mock.patch.dict(os.environ, variables))

    def receiver(self) -> Receiver:
        """Return a real HTTP receiver on loopback that listens until the test's end."""
        receiver = self.enterContext(Receiver())
        self.addCleanup(receiver.raise_errors)
        return receiver
