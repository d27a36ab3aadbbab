"""A local emulator of the Infrai scheduling API on a clock you control.

What stands here is imported when it is first used: importing the package alone costs nothing.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client.emulator import Emulator
    from .client.http import EmulatorError
    from .client.receiver import Receiver
    from .client.sandbox import Sandbox

    __version__: str

__all__ = ["Emulator", "EmulatorError", "Receiver", "Sandbox", "__version__"]


if not TYPE_CHECKING:  # a type checker that saw it would take any name for granted

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            from importlib.metadata import version  # noqa: PLC0415 - imports half of email

            return version("sched-emulator")
        homes = {"Emulator": "emulator", "EmulatorError": "http", "Receiver": "receiver", "Sandbox": "sandbox"}
        if name not in homes:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module  # noqa: PLC0415 - beside its only use

        value = getattr(import_module(f".client.{homes[name]}", __name__), name)
        globals()[name] = value
        return value
