"""What a child pytest of `--sched-vary` is given: it runs only the tests wanted, and writes down how they ended."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

FOLDER_VARIABLE = "SCHED_VARY_FOLDER"
WANTED = "wanted.json"
ENDED = "ended.jsonl"


CHOOSING = ("lf", "failedfirst", "newfirst", "stepwise", "stepwise_skip", "stepwise_reset")
"""Options by which pytest chooses tests, or stops, after what happened in earlier runs."""


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Write down how tests end where the reports of all of them arrive. What is run is decided here alone."""
    for name in CHOOSING:
        if config.getoption(name, None):
            setattr(config.option, name, False)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Writer(_folder() / ENDED))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests wanted. pytest-xdist reports a test of a group as `test@group`."""
    reported: list[str] = json.loads((_folder() / WANTED).read_text(encoding="utf-8"))
    wanted = {*reported, *(nodeid.rpartition("@")[0] for nodeid in reported)}
    others = [item for item in items if item.nodeid not in wanted]
    items[:] = [item for item in items if item.nodeid in wanted]
    config.hook.pytest_deselected(items=others)


def _folder() -> Path:
    return Path(os.environ[FOLDER_VARIABLE])


class _Writer:
    def __init__(self, path: Path) -> None:
        self._path = path

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        ended: dict[str, Any] = {"nodeid": report.nodeid, "when": report.when, "outcome": report.outcome}
        if report.outcome != "passed":
            ended["text"] = report.longreprtext
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(ended) + "\n")
