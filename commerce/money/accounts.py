"""The accounts of the books, and which day's books a transfer belongs to.

An account is a kind, and for most kinds whose it is: `sales:s1`. A balance above zero is what is
owed or earned (credit), one below zero is what there is or was spent (debit); all balances of a
brand sum to zero.
"""

from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum

DAY_ZONE = timezone(timedelta(hours=8))  # the days of the books are those of China


class Account(StrEnum):
    """A kind of account. Those with a party are written `kind:party`."""

    PROVIDER = "provider"  # what the payment provider has for us
    CASH = "cash"  # store: what its drawers hold
    CARD = "card"  # store: what its card terminals have taken
    UNEARNED = "unearned"  # paid orders that are not handed over
    SALES = "sales"  # store: goods handed over, net of tax
    DISCOUNT = "discount"  # store: what campaigns take off
    COUPONS = "coupons"  # what coupons that are claimed may still take off
    CAMPAIGN = "campaign"  # campaign: what of that its coupons promise
    REFUNDS = "refunds"  # store: what goes back of goods handed over, net of tax
    TAX = "tax"  # store: value added tax that is owed
    COMMISSION = "commission"  # store: what leaders cost
    LEADER = "leader"  # leader: what a leader is owed
    INVENTORY = "inventory"  # goods at cost, as far as the cost is known
    SUPPLIER = "supplier"  # supplier: what a supplier is owed
    COST = "cost"  # store: goods sold, at cost
    WASTE = "waste"  # store: goods written off or missing, at cost
    FEE = "fee"  # what the payment provider takes
    BANK = "bank"  # what was paid out, by the provider or to others


# Accounts that belong to no party.
SHARED: frozenset[Account] = frozenset(
    {
        Account.PROVIDER,
        Account.UNEARNED,
        Account.COUPONS,
        Account.INVENTORY,
        Account.FEE,
        Account.BANK,
    }
)


def account(kind: Account, party: str = "") -> str:
    """Return the name of an account."""
    assert bool(party) is (kind not in SHARED)
    return f"{kind}:{party}" if party else kind.value


def kind_of(name: str) -> Account:
    """Return the kind of the account with this name."""
    return Account(name.partition(":")[0])


def party_of(name: str) -> str:
    """Return whose account it is, or an empty string."""
    return name.partition(":")[2]


def day_of(at_ms: int) -> str:
    """Return the day of a moment, as `2026-11-29`."""
    return datetime.fromtimestamp(at_ms / 1_000, UTC).astimezone(DAY_ZONE).date().isoformat()


def period_of(at_ms: int, closed: str = "") -> str:
    """Return the day whose books get what happened at a moment.

    `closed` is the last day whose books are closed: what comes late goes to the day after it.
    """
    day = day_of(at_ms)
    if day > closed:
        return day
    return (date.fromisoformat(closed) + timedelta(days=1)).isoformat()


def days_of(period: str) -> tuple[str, str]:
    """Return the first and last day of a day or a month (`2026-11`).

    Raises:
        ValueError: It is neither.
    """
    if len(period) == len("2026-11"):
        first = date.fromisoformat(f"{period}-01")
        last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        return first.isoformat(), last.isoformat()
    day = date.fromisoformat(period).isoformat()
    return day, day
