"""What can go wrong in commerce, as one tree.

CommerceError
├── Refused              a tap that was answered with a clear no
│   └── HeldApart        two stores have together what no single one has (orders/splitting.py)
├── TryAgain             nothing was decided; the tap may be retried
├── NotFound             a room, product, order … that does not exist
├── InvalidField         something that is edited would be wrong; names the field
├── NotEnoughUnits       fewer units may leave the shelf than were asked for
├── RefundTooLarge       more would go back than is left
├── ClaimTooLate, ClaimOpen, TooManyClaims, NotRatable   (after_sales/)
├── CouponRefused        a coupon that was not given (coupons/campaigns.py)
├── StaleVersion         an edit that began with an older version
├── BadBrandFile         a file that is no brand of this version, or does not fit the record
├── BrandInUse           a brand that still sells
├── BadNickname          a nickname that is refused (people/nicknames.py)
├── UnknownLink          a one-time link that was used, has ended, or never was
├── UnknownDevice        a device that is not the guest's
├── BadPhone, WrongCode, CodeExpired, CodeNotSent   (people/phones.py)
├── WrongFactor          a code of an authenticator that is not good
├── FactorIsOn           an authenticator that would be set up twice
├── FactorIsNeeded       an authenticator that the brand asks for
├── WeakPassword         a password that is refused (people/password_policy.py)
├── OnAir                a room that is on air and would be rehearsed in
├── Rehearses            a room that rehearses, and sells nothing
├── IllegalMove          not a transition of orders
├── HandoverError
│   ├── UnknownCode      no such pickup code at any store
│   ├── AtOtherStore     the goods lie in another store
│   ├── AlreadyHandedOver
│   └── NotReadyYet
└── PoisonEntry          a stream entry that no ledger can read
    └── NewerEntry       one that a ledger of a newer version can read
"""

from enum import StrEnum


class CommerceError(Exception):
    """Root of the tree."""


class Refusal(StrEnum):
    """Why a tap did not become an order; also the id of the problem document."""

    SOLD_OUT = "sold-out"
    ALREADY_JOINED = "already-joined"
    GROUP_CLOSED = "group-closed"
    LIMIT_REACHED = "limit-reached"
    NOT_ON_SALE = "not-on-sale"
    PRICE_CHANGED = "price-changed"
    KEY_REUSED = "key-reused"
    PAYMENT_DECLINED = "payment-declined"
    NO_SLOT = "no-slot"
    NOT_YET = "not-yet"
    FLASH_SOLD_OUT = "flash-sold-out"
    FLASH_OVER = "flash-over"
    COUPON_TAKEN = "coupon-taken"
    COUPON_UNFIT = "coupon-unfit"
    CUT_OFF = "cut-off"
    PRESALE_APART = "presale-apart"


class Refused(CommerceError):
    """A tap that was refused.

    `left` is what could still be had: units for SOLD_OUT, FLASH_SOLD_OUT and LIMIT_REACHED, the
    price now in fen for PRICE_CHANGED, when it starts for NOT_YET, otherwise 0. `product_id` is
    what it is about in an order of several lines.
    """

    def __init__(self, refusal: Refusal, left: int = 0, product_id: str = "") -> None:
        super().__init__(refusal)
        self.refusal = refusal
        self.left = left
        self.product_id = product_id

    def __str__(self) -> str:
        return f"{self.refusal} (left: {self.left})"


class OnAir(CommerceError):
    """The room is on air."""


class Rehearses(CommerceError):
    """The room rehearses: nothing is sold in it."""


class TryAgain(CommerceError):
    """The gate is being rebuilt or the ledger is far behind; nothing was decided."""


class NotFound(CommerceError):
    """Something named does not exist."""

    def __init__(self, kind: str, id: str) -> None:
        super().__init__(kind, id)
        self.kind = kind
        self.id = id

    def __str__(self) -> str:
        return f"no {self.kind} {self.id!r}"


class InvalidField(CommerceError):
    """A field that cannot be as it was given; `member` is its path, such as `name.zh`."""

    def __init__(self, member: str, reason: str) -> None:
        super().__init__(member, reason)
        self.member = member
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.member}: {self.reason}"


class StaleVersion(CommerceError):
    """An edit began with a version that is no longer the newest, which is `version`."""

    def __init__(self, version: int) -> None:
        super().__init__(version)
        self.version = version

    def __str__(self) -> str:
        return f"the newest version is {self.version}"


class NotEnoughUnits(CommerceError):
    """Fewer units are available than were to leave; `left` are."""

    def __init__(self, left: int) -> None:
        super().__init__(left)
        self.left = left

    def __str__(self) -> str:
        return f"{self.left} available"


class RefundTooLarge(CommerceError):
    """More would go back than is left; `left` is the amount in fen, or the units."""

    def __init__(self, left: int) -> None:
        super().__init__(left)
        self.left = left

    def __str__(self) -> str:
        return f"{self.left} left"


class UnknownLink(CommerceError):
    """A one-time link that was used, has ended, or never was."""


class UnknownDevice(CommerceError):
    """The secret is not that of a device of this guest."""


class IllegalMove(CommerceError):
    """The table has no transition from `state` to `to`."""

    def __init__(self, state: str, to: str) -> None:
        super().__init__(state, to)
        self.state = state
        self.to = to

    def __str__(self) -> str:
        return f"no transition from {self.state} to {self.to}"


class HandoverError(CommerceError):
    """A pickup code that does not give out goods now."""


class UnknownCode(HandoverError):
    """No store has such a code."""


class AtOtherStore(HandoverError):
    """The goods behind the code are ready, in another store."""

    def __init__(self, store_id: str) -> None:
        super().__init__(store_id)
        self.store_id = store_id


class AlreadyHandedOver(HandoverError):
    """The code was used before."""

    def __init__(self, handed_over_at_ms: int) -> None:
        super().__init__(handed_over_at_ms)
        self.handed_over_at_ms = handed_over_at_ms


class NotReadyYet(HandoverError):
    """The order behind the code is not ready any more (it was cancelled)."""


class PoisonEntry(CommerceError):
    """A stream entry that cannot be understood; it goes to the dead-letter stream."""


class NewerEntry(PoisonEntry):
    """A stream entry with fields of a newer version; it is left to a worker of that one."""


class NoAward(CommerceError):
    """The group has no award for invites, or is over."""


class NoSeat(CommerceError):
    """Only households that have joined a group invite others to it."""


class BadBrandFile(CommerceError):
    """A file that is no brand of this version, or whose rows do not fit the record."""


class BrandInUse(CommerceError):
    """A brand that may not be deleted yet: lives are on air, orders open or refunds unpaid."""

    def __init__(self, lives: int, orders: int, refunds: int) -> None:
        super().__init__(lives, orders, refunds)
        self.lives = lives
        self.orders = orders
        self.refunds = refunds

    def __str__(self) -> str:
        return (
            f"{self.lives} lives on air, {self.orders} open orders, {self.refunds} unpaid refunds"
        )


class WrongFactor(CommerceError):
    """A code that is neither that of the authenticator now nor an unused recovery code."""


class FactorIsOn(CommerceError):
    """There is an authenticator already: it is turned off first."""


class FactorIsNeeded(CommerceError):
    """The brand asks its head office for an authenticator: nobody turns theirs off."""
