"""What is done to a module as soon as the program imports it, and not before: nothing is imported for it.

Programs on other Pythons than this one load this file by its path: it knows the standard library alone, and is written
for Python 3.8.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # typing's own costs every start of Python its import
if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from typing import Any

    Action = Callable[[Any], None]


def after_import(actions: dict[str, Action]) -> None:
    """Call each action with the module it is named after: now if that is imported already, else once it is."""
    for name in [name for name in actions if name in sys.modules]:
        actions[name](sys.modules[name])
    waiting = {name: action for name, action in actions.items() if name not in sys.modules}
    if waiting:
        sys.meta_path.insert(0, _Finder(waiting))


class _Finder:
    """A finder of `sys.meta_path` that lets the others find, and follows the module's code with an action."""

    def __init__(self, actions: dict[str, Action]) -> None:
        self._actions = actions

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return a module's spec if an action waits for it."""
        action = self._actions.pop(name, None)
        if action is None:
            return None
        others = [finder for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec")]
        spec = next(filter(None, (finder.find_spec(name, path, target) for finder in others)), None)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, action)  # type: ignore[assignment]
        return spec


class _Loader:
    """Loads a module as its own loader does, is forgotten, and lets the action follow.

    That loader stays as it is: for what is built in, it is the class that loads all of that kind.
    """

    def __init__(self, loader: Any, action: Action) -> None:
        self._loader = loader
        self._action = action

    def create_module(self, spec: ModuleSpec) -> Any:
        """Return what the loader makes."""
        return self._loader.create_module(spec)

    def exec_module(self, module: Any) -> None:
        """Run the module, then the action."""
        module.__loader__ = module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._action(module)
