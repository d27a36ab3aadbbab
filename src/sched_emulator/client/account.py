"""The account behind a sandbox's key: its balance, and what calls have cost."""

from typing import Any

from .http import Client, EmulatorError

__tracebackhide__ = True  # a failing test shows its own lines


class Account:
    """The account behind the sandbox's key."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def get(self) -> float | None:
        """Return the balance in US dollars; None is unlimited."""
        balance: float | None = self._client.get("/_emulator/account")["balance_usd"]
        return balance

    def set(self, balance_usd: float | None) -> None:
        """Set the balance; at 0 or less every write but a top-up is answered with 402."""
        self._client.request("PUT", "/_emulator/account", {"balance_usd": balance_usd})

    @property
    def balance_usd(self) -> float | None:
        """The balance in US dollars; None is unlimited."""
        return self.get()

    @balance_usd.setter
    def balance_usd(self, balance_usd: float | None) -> None:
        self.set(balance_usd)

    @property
    def spent_usd(self) -> float:
        """What all calls have cost, in US dollars; EmulatorError `NO_PRICES` where no prices are known."""
        spent: float = self._told("spent_usd")
        return spent

    def spent(self) -> list[dict[str, Any]]:
        """Return `operation`, `calls` and `usd` of each operation that was called, the dearest first.

        EmulatorError `NO_PRICES` where no prices are known.
        """
        spent: list[dict[str, Any]] = self._told("spent")
        return spent

    def _told(self, name: str) -> Any:
        account = self._client.get("/_emulator/account")
        if name not in account:
            told = "what calls cost is not known: the emulator was started without prices"
            raise EmulatorError(0, "NO_PRICES", told, "Emulator.start(prices=FILE) or `serve --prices FILE` gives them")
        return account[name]
