"""Sandboxes for tests of the core."""

import pytest

from tests.core.harness import Box


@pytest.fixture
def box() -> Box:
    """A frozen sandbox at 2026-01-01T00:00:00Z with the answers of the documentation."""
    return Box()
