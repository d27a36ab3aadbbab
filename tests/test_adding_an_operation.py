"""What adding an operation touches: done in a copy of the project, which then serves it and whose checks hold."""

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sched_emulator.client.emulator import Emulator

ROOT = Path(__file__).parents[1]
TESTS = ("tests/test_openapi.py", "tests/contract/test_catalogue.py")
ABOUT_OPERATIONS = "defaults or declared or documented or documentation or undone or public or core or test_catalogue"
COPIED = ("src", "openapi", "contract_tests", "tests", "tools", "pyproject.toml")
DESCRIPTION = """\
  /v1/scheduling/queue/peek/{queue}:
    get:
      operationId: scheduling.queue.peek
      tags: [queues]
      summary: Say how many messages a consume could take.
      description: Counts what is available, and takes nothing.
      parameters:
        - name: queue
          in: path
          required: true
          schema: {$ref: '#/components/schemas/Name'}
          example: orders
          description: The name of the queue.
      responses:
        '200':
          description: How many messages are available.
          content:
            application/json:
              schema:
                type: object
                additionalProperties: false
                required: [queue, available]
                properties:
                  queue: {type: string, description: The name of the queue.}
                  available: {type: integer, description: How many messages are available.}
              examples:
                returns:
                  value: {queue: orders, available: 12}
        '404': {$ref: '#/components/responses/NotFound'}

"""
FUNCTION = '''

def peek(store: Store, *, queue: str) -> dict[str, Any]:
    """Say how many messages a consume could take."""
    return {name: stats(store, queue=queue)[name] for name in ("queue", "available")}
'''


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with one operation more, which reads."""
    folder = tmp_path_factory.mktemp("project")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name)
        else:
            shutil.copy(source, folder / name)
    change(folder / "openapi" / "scheduling.yaml", "  /v1/scheduling/queue/publish:\n", DESCRIPTION, before=True)
    core = folder / "src" / "sched_emulator" / "core"
    change(core / "queues.py", "", FUNCTION)
    row = next(line for line in (core / "dispatch.py").read_text().splitlines(keepends=True) if "queue.stats" in line)
    change(core / "dispatch.py", row, row.replace("queue.stats", "queue.peek").replace("queues.stats", "queues.peek"))
    return folder


def change(path: Path, anchor: str, text: str, *, before: bool = False) -> None:
    """Write a text beside another one, which is there once; without one, at the end."""
    whole = path.read_text(encoding="utf-8")
    assert not anchor or whole.count(anchor) == 1
    written = whole.replace(anchor, text + anchor if before else anchor + text) if anchor else whole + text
    path.write_text(written, encoding="utf-8")


def environment(copy: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    return {**kept, "PYTHONPATH": str(copy / "src"), "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture
def emulator(copy: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """An emulator of the copy."""
    monkeypatch.setenv("PYTHONPATH", str(copy / "src"))
    with Emulator.start() as started:
        yield started


def send(emulator: Emulator, path: str, body: Any = None) -> Any:
    """Send a request, a POST where there is a body, and return the answer's body."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": "Bearer ifr_copy", "Content-Type": "application/json"}
    request = urllib.request.Request(emulator.url + path, data, headers)  # noqa: S310 - a local URL
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - a local URL
        return json.load(answer)


def test_a_read_operation_is_its_description_its_function_and_its_row(copy: Path) -> None:
    touched = [
        str(path.relative_to(copy))
        for path in sorted(copy.rglob("*"))
        if path.is_file()
        and path.suffix != ".pyc"
        and path.read_bytes() != (ROOT / path.relative_to(copy)).read_bytes()
    ]
    assert touched == [
        "openapi/scheduling.yaml",
        "src/sched_emulator/core/dispatch.py",
        "src/sched_emulator/core/queues.py",
    ]


def test_the_copy_serves_it_under_both_generations_of_paths_and_lists_it(emulator: Emulator) -> None:
    box = emulator.sandbox("ifr_copy")
    send(emulator, "/v1/scheduling/queue/publish", {"queue": "q", "payload": {}})
    for path in ("/v1/scheduling/queue/peek/q", "/v1/queue/peek/q"):
        assert send(emulator, path)["data"] == {"queue": "q", "available": 1}
    assert "scheduling.queue.peek" in {item["id"] for item in send(emulator, "/v1/discovery")["capabilities"]}
    assert [entry["operation"] for entry in box.requests(operation="queue.peek")] == ["scheduling.queue.peek"] * 2


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "tools.check_openapi"],
        ["-m", "sched_emulator", "contract", "--seed", "1", "--only", "schema/queue.peek/*", "--only", "discovery/*"],
        ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:schemathesis", *TESTS, "-k", ABOUT_OPERATIONS],
    ],
    ids=["the linter of the spec", "the contract suite", "the tests of the spec and of the catalogue"],
)
def test_the_copys_own_checks_of_the_spec_hold(copy: Path, command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, *command], cwd=copy, env=environment(copy), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
