"""Campaigns and coupons as the head office, hosts and neighbours see them."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping

from commerce.catalogue.values import Text
from commerce.coupons.campaigns import CampaignKind, CouponState
from commerce.coupons.terms import Terms


@dataclass(frozen=True, slots=True)
class TermsView:
    """What a coupon takes off; `percent` and `cap_fen`, or `amount_fen`. No products are all."""

    amount_fen: int
    percent: int
    cap_fen: int
    minimum_fen: int
    product_ids: tuple[str, ...]

    @property
    def rule(self) -> Terms:
        """The terms as the rule has them."""
        amounts = (self.amount_fen, self.percent, self.cap_fen, self.minimum_fen)
        return Terms(*amounts, self.product_ids)


@dataclass(frozen=True, slots=True)
class CampaignView:
    """A campaign with what became of it; amounts in fen, counts of coupons."""

    id: str
    name: Text
    kind: CampaignKind
    terms: TermsView
    estate_ids: tuple[str, ...]
    from_ms: int
    until_ms: int
    valid_s: int
    budget_fen: int
    taken_fen: int
    code: str
    made_at_ms: int
    stopped_at_ms: int | None
    claimed: int = 0
    used: int = 0
    expired: int = 0
    returned: int = 0
    off_fen: int = 0


@dataclass(frozen=True, slots=True)
class CouponView:
    """A coupon of a household."""

    id: str
    campaign_id: str
    name: Text
    terms: TermsView
    state: CouponState
    claimed_at_ms: int
    expires_at_ms: int
    order_id: str | None


@dataclass(frozen=True, slots=True)
class OfferView:
    """A coupon that a household may claim now; `stay_s` is how long it has to watch before."""

    campaign_id: str
    kind: CampaignKind
    name: Text
    terms: TermsView
    valid_s: int
    until_ms: int
    stay_s: int


@dataclass(frozen=True, slots=True)
class ReleasableView:
    """A campaign that a host may release; its budget is enough for `left` coupons."""

    campaign_id: str
    name: Text
    terms: TermsView
    left: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class Wallet:
    """The coupons of a household, and what it may claim now."""

    coupons: list[CouponView]
    offers: list[OfferView]


def terms_of(row: RowMapping | dict[str, Any]) -> Terms:
    """The terms of a campaign's row."""
    return Terms(
        row["amount_fen"],
        row["percent"],
        row["cap_fen"],
        row["minimum_fen"],
        tuple(row["products"]),
    )


def terms_view(row: RowMapping | dict[str, Any]) -> TermsView:
    """The terms of a campaign's row, as they are shown."""
    terms = terms_of(row)
    return TermsView(
        terms.amount_fen, terms.percent, terms.cap_fen, terms.minimum_fen, terms.products
    )


def campaign_view(row: RowMapping, **counts: int) -> CampaignView:
    """A campaign's row as the head office sees it."""
    return CampaignView(
        row["id"],
        Text(row["name_zh"], row["name_en"]),
        CampaignKind(row["kind"]),
        terms_view(row),
        tuple(row["estates"]),
        row["from_ms"],
        row["until_ms"],
        row["valid_s"],
        row["budget_fen"],
        row["taken_fen"],
        row["code"] or "",
        row["made_at_ms"],
        row["stopped_at_ms"],
        **counts,
    )
