"""`pytest contract_tests --target URL`: every check is a test."""

from sched_emulator.contract.as_tests import (
    pytest_addoption,
    pytest_collect_file,
    pytest_configure,
    pytest_sessionfinish,
)

__all__ = ["pytest_addoption", "pytest_collect_file", "pytest_configure", "pytest_sessionfinish"]
