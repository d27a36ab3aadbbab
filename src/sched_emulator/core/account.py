"""The account: a balance that writes need, what calls cost where prices are known, and top-ups."""

from collections.abc import Iterable, Mapping
from typing import Any

from .errors import InsufficientCredit
from .store import Store

UNLIMITED_USD = 1_000_000  # what an account without a limit shows
DIGITS = 9  # of a dollar, after the point: so far amounts are exact
FREE = (0.0, False)
CREATE, FIRE = "scheduling.cron.create", "scheduling.cron.fire"


def balance(store: Store) -> dict[str, Any]:
    """Return the balance in US dollars."""
    unlimited = store.balance_usd is None
    return {"balance_usd": UNLIMITED_USD if unlimited else store.balance_usd, "currency": "USD"}


def topup(store: Store, *, amount_usd: float) -> dict[str, Any]:
    """Raise the balance at once; nothing is paid, the checkout_url leads nowhere."""
    if store.balance_usd is not None:
        store.balance_usd = _rounded(float(store.balance_usd) + float(amount_usd))
    topup_id = store.ids.next("topup")
    checkout_url = f"https://checkout.invalid/{topup_id}"
    return {"topup_id": topup_id, "amount_usd": amount_usd, "state": "succeeded", "checkout_url": checkout_url}


def price(store: Store, operation_id: str, arguments: Mapping[str, Any], *, charged: bool) -> float:
    """Return what a call costs in US dollars. A write is refused without credit for it."""
    if not store.prices and store.balance_usd is None:
        return 0.0
    usd, by_message = store.prices.get(operation_id, FREE)
    units = max(1, len(arguments["messages"])) if by_message and "messages" in arguments else 1
    cost_usd = _rounded(units * usd)
    if charged and store.balance_usd is not None and (store.balance_usd <= 0 or store.balance_usd < cost_usd):
        why = "needs credit" if store.balance_usd <= 0 else f"costs {plain(cost_usd)} USD"
        raise InsufficientCredit(f"the balance is {plain(store.balance_usd)} USD: this call {why}")
    return cost_usd


def pay(store: Store, operation_id: str, cost_usd: float) -> None:
    """Draw a call that was performed from the balance, and count it where there are prices."""
    if store.prices:
        calls, spent_usd = store.spent.get(operation_id, (0, 0.0))
        store.spent[operation_id] = calls + 1, _rounded(spent_usd + cost_usd)
    if store.balance_usd is not None and cost_usd:
        store.balance_usd = _rounded(store.balance_usd - cost_usd)


def pay_for_fire(store: Store) -> None:
    """Draw a cron's run that begins from the balance, where the prices name one for it; it is never refused."""
    if FIRE in store.prices:
        pay(store, FIRE, store.prices[FIRE][0])


def schedule_usd(prices: Mapping[str, tuple[float, bool]], fires: int) -> float:
    """Return what a cron costs that fires so often: its one creation, and its fires where there is a price for one."""
    return _rounded(prices.get(CREATE, FREE)[0] + fires * prices.get(FIRE, FREE)[0])


def spent_usd(store: Store) -> float:
    """Return what all calls have cost."""
    return total_usd(usd for _, usd in store.spent.values())


def total_usd(amounts: Iterable[float]) -> float:
    """Return the sum of amounts."""
    return _rounded(sum(amounts))


def plain(usd: float) -> str:
    """Return an amount without an exponent."""
    return f"{usd:.9f}".rstrip("0").rstrip(".")


def _rounded(usd: float) -> float:
    return round(usd, DIGITS)
