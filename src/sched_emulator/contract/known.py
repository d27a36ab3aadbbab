"""Known deviations: a file of addresses, each with a reason, whose failures are expected.

# comment
queue/fifo/3: our mock hands out FIFO messages side by side
schema/*/fuzzing: not looked into yet
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from sched_emulator import files

from .results import Result, Status


def read(path: Path) -> dict[str, str]:
    """Return the reasons by address or glob. UsageError when the file cannot be read."""
    known = {}
    for line in files.read_text(path, "--known").splitlines():
        text = line.partition("#")[0].strip()
        if text:
            address, _, reason = text.partition(":")
            known[address.strip()] = reason.strip()
    return known


def apply(known: dict[str, str], results: Iterable[Result]) -> list[str]:
    """Turn expected failures into known ones; return the entries whose checks all passed."""
    listed = list(results)
    gone = []
    for glob, reason in known.items():
        concerned = [item for item in listed if fnmatchcase(item.check.address, glob)]
        failed = [item for item in concerned if item.status in {Status.FAILED, Status.KNOWN}]
        for item in failed:
            item.status = Status.KNOWN
            item.reason = f"{item.reason} (known: {reason})" if reason else item.reason
        if not failed and any(item.counts_as_checked for item in concerned):
            gone.append(glob)
    return gone
