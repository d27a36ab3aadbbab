"""Python imports this when it starts, since `sched-emulator run` puts this folder first in PYTHONPATH.

It takes the place of a `sitecustomize` that is there already, so it runs that one too. It is written for Python 3.8 and
knows nothing of the package: the command may run on any Python.
"""

import os.path
import sys
from importlib.machinery import PathFinder, SourceFileLoader
from types import ModuleType

_HERE = os.path.dirname(os.path.realpath(__file__))


def _load(name: str) -> ModuleType:
    """Return a module of the folder above, under a name that no program uses."""
    module = ModuleType(f"_sched_emulator_{name}")
    SourceFileLoader(module.__name__, os.path.join(os.path.dirname(_HERE), f"{name}.py")).exec_module(module)
    return module


def _run_the_one_behind() -> None:
    others = [entry for entry in sys.path if os.path.realpath(entry or ".") != _HERE]
    spec = PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        module = ModuleType("sitecustomize")
        module.__spec__, module.__file__ = spec, spec.origin
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


_load("python").lead(_load("imports").after_import)
_run_the_one_behind()
