"""Why money goes back: the codes of all refunds, for which the head office's page has words."""

from enum import StrEnum


class RefundReason(StrEnum):
    """A code as refunds have it (`PartRefund.reason`)."""

    # Of an order that was paid and then cannot be.
    SOLD_OUT = "sold-out"
    ALREADY_JOINED = "already-joined"
    GROUP_CLOSED = "group-closed"
    NOT_ON_SALE = "not-on-sale"
    NO_SLOT = "no-slot"
    FLASH_SOLD_OUT = "flash-sold-out"
    COUPON_TAKEN = "coupon-taken"
    PAID_LATE = "paid-late"
    # Of an order that is undone.
    BUYER = "buyer"
    STORE = "store"
    RETURNED = "returned"
    GROUP_EXPIRED = "group-expired"
    PRESALE = "presale"
    CLOSED_EARLY = "closed-early"
    CANNOT_DO = "cannot-do"
    MOVED = "moved"
    SOLD_AT_TILL = "sold-at-till"
    # Of parts of one.
    SHORT = "short"
    CHEAPER_SUBSTITUTE = "cheaper-substitute"
    PRICE_DROP = "price-drop"
    CLAIM = "claim"
