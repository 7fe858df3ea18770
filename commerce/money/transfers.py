"""Money as double entry: every transfer takes an amount from one account and gives it to another.

A set of entries cannot fail to sum to zero, because a transfer is both of its entries at once
(the view `money_entries` shows them apart). Amounts are integer fen and positive.

    charge      provider → unearned             the buyer paid, we owe the goods
    refund      unearned, refunds or discount → provider  the buyer got it back
    earn        unearned → sales                the goods were handed over
    tax         sales → tax                     the tax in what was handed over
    tax_back    tax → refunds or discount       the tax in what was refunded after that
    discount    discount → sales                what a coupon, a draw or a fallen price took off
    coupon_issued    campaign → coupons         what a claimed coupon may take off
    coupon_used      coupons → campaign         an order took it
    coupon_returned  campaign → coupons         the order was cancelled
    coupon_expired   coupons → campaign         nobody used it
    commission  commission → leader             what a leader earns of an order
    clawback    leader → commission             what of it goes back with a refund
    supply      inventory → supplier            goods that came, at cost; backwards if they go back
    cost        cost → inventory                goods that were handed over, at cost
    waste       waste → inventory               goods written off or missing, at cost
    stock_found inventory → waste               goods that a count found, at cost (goods.py)
    fee         fee → provider                  what the provider took of its bill
    pos_sale, pos_return, pos_void   what a till sold, see commerce/money/tills.py
    payout      bank → provider, or leader, supplier → bank   money that was paid out

What is refunded after the goods were handed over comes from the store's refunds, so that sales and
what was taken off them are seen apart. What goes back because a group's price fell is a discount:
before the handover it is not earned, and posted beside the sales when they are. The accounts are in
commerce/money/accounts.py.
"""

from dataclasses import dataclass
from enum import StrEnum

from commerce.money.accounts import Account, account, party_of

PROVIDER = Account.PROVIDER.value
UNEARNED = Account.UNEARNED.value


class TransferKind(StrEnum):
    """What a transfer is for; an order has at most one of each kind and source."""

    CHARGE = "charge"
    REFUND = "refund"
    EARN = "earn"
    TAX = "tax"
    TAX_BACK = "tax_back"
    DISCOUNT = "discount"
    COUPON_ISSUED = "coupon_issued"
    COUPON_USED = "coupon_used"
    COUPON_RETURNED = "coupon_returned"
    COUPON_EXPIRED = "coupon_expired"
    COMMISSION = "commission"
    CLAWBACK = "clawback"
    SUPPLY = "supply"
    COST = "cost"
    WASTE = "waste"
    STOCK_FOUND = "stock_found"
    FEE = "fee"
    POS_SALE = "pos_sale"
    POS_RETURN = "pos_return"
    POS_VOID = "pos_void"
    PAYOUT = "payout"


@dataclass(frozen=True, slots=True)
class Transfer:
    """`amount_fen` goes from `from_account` to `to_account`; `source` names what asked for it.

    One that is of no order names its brand and source; an order's brand is its store's.
    """

    order_id: str
    kind: TransferKind
    from_account: str
    to_account: str
    amount_fen: int
    at_ms: int
    source: str = ""
    brand_id: str = ""


def charged(order_id: str, amount_fen: int, at_ms: int) -> Transfer:
    """The transfer of a payment that arrived."""
    return Transfer(order_id, TransferKind.CHARGE, PROVIDER, UNEARNED, amount_fen, at_ms)


def refunded(
    order_id: str, amount_fen: int, at_ms: int, *, account: str = UNEARNED, source: str = ""
) -> Transfer:
    """The transfer of a payment that went back; `account` gave it."""
    return Transfer(order_id, TransferKind.REFUND, account, PROVIDER, amount_fen, at_ms, source)


def earned(order_id: str, store_id: str, amount_fen: int, at_ms: int) -> Transfer:
    """The transfer of goods that were handed over."""
    return Transfer(
        order_id, TransferKind.EARN, UNEARNED, account(Account.SALES, store_id), amount_fen, at_ms
    )


def taxed(order_id: str, store_id: str, amount_fen: int, at_ms: int) -> Transfer:
    """The transfer of the tax in what was handed over."""
    sales, tax = account(Account.SALES, store_id), account(Account.TAX, store_id)
    return Transfer(order_id, TransferKind.TAX, sales, tax, amount_fen, at_ms)


def tax_given_back(order_id: str, giver: str, amount_fen: int, at_ms: int, source: str) -> Transfer:
    """The transfer of the tax in what an account of a store gave back after the handover."""
    tax = account(Account.TAX, party_of(giver))
    return Transfer(order_id, TransferKind.TAX_BACK, tax, giver, amount_fen, at_ms, source)


def discounted(
    order_id: str, store_id: str, amount_fen: int, at_ms: int, source: str = ""
) -> Transfer:
    """The transfer of what a coupon, a draw or a fallen price took off goods handed over."""
    discount, sales = account(Account.DISCOUNT, store_id), account(Account.SALES, store_id)
    return Transfer(order_id, TransferKind.DISCOUNT, discount, sales, amount_fen, at_ms, source)


def sold_at_cost(order_id: str, store_id: str, amount_fen: int, at_ms: int) -> Transfer:
    """The transfer of what the goods cost that were handed over."""
    cost, inventory = account(Account.COST, store_id), account(Account.INVENTORY)
    return Transfer(order_id, TransferKind.COST, cost, inventory, amount_fen, at_ms)


def unsold_at_cost(
    order_id: str, store_id: str, amount_fen: int, at_ms: int, source: str
) -> Transfer:
    """The transfer of what goods cost that is in stock again."""
    inventory, cost = account(Account.INVENTORY), account(Account.COST, store_id)
    return Transfer(order_id, TransferKind.COST, inventory, cost, amount_fen, at_ms, source)


def wasted_at_cost(
    order_id: str, store_id: str, amount_fen: int, at_ms: int, source: str
) -> Transfer:
    """The transfer of what goods cost that were claimed and cannot be sold again."""
    waste, cost = account(Account.WASTE, store_id), account(Account.COST, store_id)
    return Transfer(order_id, TransferKind.WASTE, waste, cost, amount_fen, at_ms, source)


def coupon_issued(
    coupon_id: str, campaign_id: str, brand_id: str, value_fen: int, at_ms: int
) -> Transfer:
    """The transfer of what a claimed coupon may take off."""
    campaign, owed = account(Account.CAMPAIGN, campaign_id), account(Account.COUPONS)
    kind = TransferKind.COUPON_ISSUED
    return Transfer("", kind, campaign, owed, value_fen, at_ms, coupon_id, brand_id)


def coupon_expired(
    coupon_id: str, campaign_id: str, brand_id: str, value_fen: int, at_ms: int
) -> Transfer:
    """The transfer of a coupon that nobody used."""
    campaign, owed = account(Account.CAMPAIGN, campaign_id), account(Account.COUPONS)
    kind = TransferKind.COUPON_EXPIRED
    return Transfer("", kind, owed, campaign, value_fen, at_ms, coupon_id, brand_id)


def coupon_used(
    order_id: str, coupon_id: str, campaign_id: str, value_fen: int, at_ms: int
) -> Transfer:
    """The transfer of a coupon that an order took."""
    campaign, owed = account(Account.CAMPAIGN, campaign_id), account(Account.COUPONS)
    kind = TransferKind.COUPON_USED
    return Transfer(order_id, kind, owed, campaign, value_fen, at_ms, coupon_id)


def coupon_returned(
    order_id: str, coupon_id: str, campaign_id: str, value_fen: int, at_ms: int
) -> Transfer:
    """The transfer of a coupon whose order was cancelled."""
    campaign, owed = account(Account.CAMPAIGN, campaign_id), account(Account.COUPONS)
    kind = TransferKind.COUPON_RETURNED
    return Transfer(order_id, kind, campaign, owed, value_fen, at_ms, coupon_id)
