"""What a command needs besides, and what to type for it: the same however the emulator itself was installed."""

import re
import shlex
from importlib.metadata import requires


def installing(extra: str) -> str:
    """Return the command that installs the packages of an extra, as the metadata of this version lists them."""
    marked = re.compile(rf"extra == ['\"]{extra}['\"]")
    wanted = [line.partition(";")[0].strip() for line in requires("sched-emulator") or () if marked.search(line)]
    return shlex.join(["pip", "install", *wanted])
