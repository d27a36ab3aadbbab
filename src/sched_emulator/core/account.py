"""The account: a balance that writes need, and top-ups that raise it."""

from typing import Any

from .errors import InsufficientCredit
from .store import Store

UNLIMITED_USD = 1_000_000  # what an account without a limit shows


def balance(store: Store) -> dict[str, Any]:
    """Return the balance in US dollars."""
    unlimited = store.balance_usd is None
    return {"balance_usd": UNLIMITED_USD if unlimited else store.balance_usd, "currency": "USD"}


def topup(store: Store, *, amount_usd: float) -> dict[str, Any]:
    """Raise the balance at once; nothing is paid, the checkout_url leads nowhere."""
    if store.balance_usd is not None:
        store.balance_usd = round(float(store.balance_usd) + float(amount_usd), 6)
    topup_id = store.ids.next("topup")
    checkout_url = f"https://checkout.invalid/{topup_id}"
    return {"topup_id": topup_id, "amount_usd": amount_usd, "state": "succeeded", "checkout_url": checkout_url}


def refuse_without_credit(store: Store) -> None:
    """Refuse a write when the balance is 0 or less."""
    if store.balance_usd is not None and store.balance_usd <= 0:
        raise InsufficientCredit(f"the balance is {store.balance_usd:g} USD: this call needs credit")
