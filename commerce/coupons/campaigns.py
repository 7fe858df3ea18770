"""Campaigns, which give coupons, and the life of a coupon. Times are UTC milliseconds.

claimed → held      an order took it and waits, for instance for its group
held    → used      the order goes to the store
held, used → claimed   the order was cancelled
claimed → expired   nobody used it in time; its budget is free again
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from commerce.catalogue.values import Text
from commerce.coupons.terms import PERCENT_MAX, Terms
from commerce.errors import CommerceError, InvalidField

NAME_CHARS_MAX = 40
CODE_CHARS_MIN, CODE_CHARS_MAX = 4, 20
VALUE_FEN_MAX = 100_000
BUDGET_FEN_MAX = 1_000_000_000
PRODUCTS_MAX, ESTATES_MAX = 50, 50
VALID_S_MIN, VALID_S_MAX = 60, 90 * 86_400
PIECES_MAX = 10_000
RELEASE_S_MIN, RELEASE_S_MAX = 10, 3_600
STAY_S = 300
RETURNED_MS = 24 * 3_600 * 1_000  # a coupon that comes back may be used for so long at least
SHOWN_AFTER_MS = 10_000  # a release stays in the room for so long after its end


class CampaignKind(StrEnum):
    """Who gets a coupon of a campaign, and how."""

    NEWCOMER = "newcomer"  # households that have not ordered yet
    ROOM = "room"  # whoever taps first when the host releases some
    STAY = "stay"  # who has watched a live for STAY_S
    CODE = "code"  # who knows the code; claimed by the tap that orders


class CouponState(StrEnum):
    """Where a coupon is in its life."""

    CLAIMED = "claimed"
    HELD = "held"
    USED = "used"
    EXPIRED = "expired"


TRANSITIONS = (
    (CouponState.CLAIMED, CouponState.HELD),
    (CouponState.HELD, CouponState.USED),
    (CouponState.HELD, CouponState.CLAIMED),
    (CouponState.USED, CouponState.CLAIMED),
    (CouponState.CLAIMED, CouponState.EXPIRED),
)


class CouponsRefused(StrEnum):
    """Why a coupon was not given; also the id of the problem document."""

    ENDED = "coupons-ended"  # not yet begun, over, stopped or closed
    GONE = "coupons-gone"  # no piece or no budget is left
    HAD = "coupon-had"  # the household has had its own
    NOT_FOR_YOU = "coupon-not-for-you"  # another estate, or no newcomer
    TOO_EARLY = "coupon-too-early"  # stay a little longer


class CouponRefused(CommerceError):
    """A coupon that was not given."""

    def __init__(self, reason: CouponsRefused, left_s: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.left_s = left_s


@dataclass(frozen=True, slots=True)
class NewCampaign:
    """A campaign as it is made; its terms never change, it can only be stopped.

    Coupons are claimed from `from_ms` until `until_ms`, end `valid_s` after that, and take no more
    than `budget_fen` off together. No estates are all of the brand's.
    """

    name: Text
    kind: CampaignKind
    terms: Terms
    estates: tuple[str, ...]
    from_ms: int
    until_ms: int
    valid_s: int
    budget_fen: int
    code: str = ""


@dataclass(frozen=True, slots=True)
class Coupon:
    """A coupon as the record has it when an order is decided."""

    id: str
    campaign_id: str
    household_id: str
    state: CouponState
    value_fen: int
    expires_at_ms: int

    def usable(self, who: Collection[str], at_ms: int) -> bool:
        """Whether an order of these ids may take it now."""
        claimed = self.state is CouponState.CLAIMED and at_ms < self.expires_at_ms
        return claimed and self.household_id in who


def check(campaign: NewCampaign) -> None:
    """Check what can be known without the record.

    Raises:
        InvalidField: Something cannot be; it names the member of the request.
    """
    terms, kind = campaign.terms, campaign.kind
    _within("amount_fen", terms.amount_fen, 0, VALUE_FEN_MAX)
    _within("percent", terms.percent, 0, PERCENT_MAX)
    _within("cap_fen", terms.cap_fen, 0, VALUE_FEN_MAX)
    if bool(terms.amount_fen) is bool(terms.percent):
        raise InvalidField("amount_fen", "an amount, or per cent")
    if bool(terms.percent) is not bool(terms.cap_fen):
        raise InvalidField("cap_fen", "per cent have a cap, an amount has none")
    _within("minimum_fen", terms.minimum_fen, 0, BUDGET_FEN_MAX)
    _within("budget_fen", campaign.budget_fen, terms.value_fen, BUDGET_FEN_MAX)
    _within("valid_s", campaign.valid_s, VALID_S_MIN, VALID_S_MAX)
    if campaign.until_ms <= campaign.from_ms:
        raise InvalidField("until_ms", "it ends before it begins")
    for name, text in (("name.zh", campaign.name.zh), ("name.en", campaign.name.en)):
        if not 1 <= len(text) <= NAME_CHARS_MAX:
            raise InvalidField(name, f"1 to {NAME_CHARS_MAX} characters")
    if len(terms.products) > PRODUCTS_MAX:
        raise InvalidField("product_ids", f"at most {PRODUCTS_MAX}")
    if len(campaign.estates) > ESTATES_MAX:
        raise InvalidField("estate_ids", f"at most {ESTATES_MAX}")
    if bool(campaign.code) is not (kind is CampaignKind.CODE):
        raise InvalidField("code", "coupons by code have one, others none")
    if campaign.code and clean_code(campaign.code) != campaign.code:
        raise InvalidField(
            "code", f"{CODE_CHARS_MIN} to {CODE_CHARS_MAX} capital letters and digits"
        )


def clean_code(text: str) -> str:
    """Return a code as campaigns have it, whatever spaces and small letters it was typed with."""
    code = "".join(text.split()).replace("-", "").upper()
    good = code.isascii() and code.isalnum() and CODE_CHARS_MIN <= len(code) <= CODE_CHARS_MAX
    return code if good else ""


def _within(member: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise InvalidField(member, f"{least} to {most}")
