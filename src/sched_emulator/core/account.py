"""The account: a balance that writes need, and top-ups that raise it."""

from typing import TYPE_CHECKING, Any

from .errors import InsufficientCredit

if TYPE_CHECKING:
    from .sandbox import Sandbox

UNLIMITED_USD = 1_000_000  # what an account without a limit shows


def balance(sandbox: "Sandbox") -> dict[str, Any]:
    """Return the balance in US dollars."""
    unlimited = sandbox.balance_usd is None
    return {"balance_usd": UNLIMITED_USD if unlimited else sandbox.balance_usd, "currency": "USD"}


def topup(sandbox: "Sandbox", *, amount_usd: float) -> dict[str, Any]:
    """Raise the balance at once; nothing is paid, the checkout_url leads nowhere."""
    if sandbox.balance_usd is not None:
        sandbox.balance_usd = round(float(sandbox.balance_usd) + float(amount_usd), 6)
    topup_id = sandbox.ids.next("topup")
    checkout_url = f"https://checkout.invalid/{topup_id}"
    return {"topup_id": topup_id, "amount_usd": amount_usd, "state": "succeeded", "checkout_url": checkout_url}


def refuse_without_credit(sandbox: "Sandbox") -> None:
    """Refuse a write when the balance is 0 or less."""
    if sandbox.balance_usd is not None and sandbox.balance_usd <= 0:
        raise InsufficientCredit(f"the balance is {sandbox.balance_usd:g} USD: this call needs credit")
