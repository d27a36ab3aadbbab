"""`--sched-record DIR`: one recording a test, in a file that is named after it.

The emulators that this run starts, those of the user's own fixtures too, are told of the folder by the variable that
sets the option of `serve`.
"""

import os
import re
import shlex
from pathlib import Path

import pytest

from sched_emulator import files
from sched_emulator.config import UsageError
from sched_emulator.intercept import emulator_of_run

from .vary_child import FOLDER_VARIABLE

RECORD_DIR: pytest.StashKey[Path] = pytest.StashKey()
VARIABLE = "SCHED_EMULATOR_RECORD_DIR"
MOST_CHARS = 150  # of a name: with its folder it must be the path of a file
OF_FIXTURES = "fixture"
_OTHERS = re.compile("[^A-Za-z0-9_.]+")


def begin(config: pytest.Config, folder: str) -> None:
    """Let tests be recorded; not in a child of `--sched-vary`. UsageError when the folder cannot be written into."""
    if FOLDER_VARIABLE in os.environ or RECORD_DIR in config.stash:
        return
    if emulator_of_run(os.environ) is not None:
        raise pytest.UsageError(
            "--sched-record: the emulator is that of `sched-emulator run`; record it by `run --record FILE`"
        )
    try:
        path = files.folder_to_write(str(config.invocation_params.dir / folder), "--sched-record")
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[RECORD_DIR] = path
    patched = pytest.MonkeyPatch()
    config.add_cleanup(patched.undo)
    patched.setenv(VARIABLE, str(path))


def folder_of(config: pytest.Config) -> Path | None:
    """Return the folder, None when nothing is recorded."""
    return config.stash.get(RECORD_DIR, None)


def name_of(nodeid: str) -> str:
    """Return what the recording of a test is called."""
    return _OTHERS.sub("-", nodeid).strip("-.")[-MOST_CHARS:].lstrip("-.") or OF_FIXTURES


def opening(file: str) -> str:
    """Return the command that opens a recording."""
    return f"sched-emulator replay {shlex.quote(file)} --serve"
