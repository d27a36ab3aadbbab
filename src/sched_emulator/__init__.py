"""A local emulator of the Infrai scheduling API on a clock you control.

What stands here is imported when it is first used: importing the package alone costs nothing.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client.emulator import Emulator
    from .client.http import EmulatorError, UnreachableError
    from .client.own_loop import BlockedLoopError
    from .client.receiver import Received, Receiver
    from .client.records import Advanced, Delivery, Fault, Log, Request, Script, TimelineEntry
    from .client.sandbox import Sandbox
    from .follow import BackwardError
    from .signatures import SignatureError

    __version__: str

__all__ = [
    "Advanced",
    "BackwardError",
    "BlockedLoopError",
    "Delivery",
    "Emulator",
    "EmulatorError",
    "Fault",
    "Log",
    "Received",
    "Receiver",
    "Request",
    "Sandbox",
    "Script",
    "SignatureError",
    "TimelineEntry",
    "UnreachableError",
    "__version__",
]
_HOMES = {
    "client.emulator": ("Emulator",),
    "client.http": ("EmulatorError", "UnreachableError"),
    "client.receiver": ("Received", "Receiver"),
    "client.own_loop": ("BlockedLoopError",),
    "client.records": ("Advanced", "Delivery", "Fault", "Log", "Request", "Script", "TimelineEntry"),
    "client.sandbox": ("Sandbox",),
    "follow": ("BackwardError",),
    "signatures": ("SignatureError",),
}


if not TYPE_CHECKING:  # a type checker that saw it would take any name for granted

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            from importlib.metadata import version  # noqa: PLC0415 - imports half of email

            return version("sched-emulator")
        home = next((home for home, names in _HOMES.items() if name in names), None)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module  # noqa: PLC0415 - beside its only use

        value = getattr(import_module(f".{home}", __name__), name)
        globals()[name] = value
        return value
