"""The coupons of neighbours: claimed, listed, ended."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, func, select
from sqlalchemy.exc import IntegrityError

from commerce.catalogue.values import Text
from commerce.coupons.campaigns import (
    STAY_S,
    CampaignKind,
    CouponRefused,
    CouponsRefused,
    CouponState,
    clean_code,
)
from commerce.coupons.terms import Line, Terms, discounts
from commerce.errors import NotFound, Refusal, Refused
from commerce.io.record.coupon_rows import claim_coupon, end_coupons
from commerce.io.record.rows import HOUSEHOLD
from commerce.io.record.schema import orders
from commerce.io.record.schema_coupons import campaigns, coupons
from commerce.io.shop.activities.news import Part, changed
from commerce.io.shop.context import ShopContext
from commerce.io.shop.coupons.views import CouponView, OfferView, Wallet, terms_of, terms_view
from commerce.io.shop.households import Households
from commerce.orders.lines import encode_discounts
from commerce.orders.states import UNDONE_VALUES

SHOWN_MAX = 50  # coupons of a household
SHOWN_MS = 30 * 86_400 * 1_000  # coupons that were used or have expired are shown for so long
OFFERS_MAX = 20


@dataclass(frozen=True, slots=True)
class CouponChoice:
    """The coupon that a buyer puts to an order, by its id or by a code."""

    guest_id: str
    estate_id: str
    order_id: str
    coupon_id: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class AppliedCoupon:
    """A coupon, and what it takes off the lines of an order (orders/lines.py)."""

    id: str
    discounts: str


class Coupons:
    """Gives coupons to households and shows them their own."""

    def __init__(
        self, shop: ShopContext, households: Households, new_id: Callable[[], str]
    ) -> None:
        self._shop = shop
        self._households = households
        self._new_id = new_id

    async def claim(
        self, campaign_id: str, guest_id: str, estate_id: str, *, stayed_s: int = 0
    ) -> CouponView:
        """Give the household its coupon of a campaign, or the one that it has.

        Raises:
            NotFound: There is no such campaign of its brand.
            CouponRefused: A clear no.
        """
        at_ms = self._shop.clock()
        async with self._shop.record.read() as connection:
            row = await connection.run_sync(_campaign, campaigns.c.id == campaign_id)
        if row is None or row["brand_id"] != self._shop.catalogue.brand_id("estate", estate_id):
            raise NotFound("campaign", campaign_id)
        if row["kind"] == CampaignKind.ROOM:
            raise NotFound("campaign", campaign_id)
        if row["kind"] == CampaignKind.STAY and stayed_s < STAY_S:
            raise CouponRefused(CouponsRefused.TOO_EARLY, STAY_S - stayed_s)
        return await self.give(row, guest_id, estate_id, at_ms)

    async def give(
        self,
        row: RowMapping,
        guest_id: str,
        estate_id: str,
        at_ms: int,
        release_id: str = "",
        room_id: str = "",
    ) -> CouponView:
        """Give a household a coupon of a campaign's row, or the one that it has.

        Raises:
            CouponRefused: A clear no.
        """
        who, campaign_id = self._who(guest_id), row["campaign_id" if release_id else "id"]

        def write(connection: Connection) -> CouponView:
            had = coupons.c.release_id == release_id
            if not release_id:
                had = coupons.c.campaign_id == campaign_id
            mine = _coupons(connection, and_(had, coupons.c.household_id.in_(who)))
            if mine:
                return mine[0]
            check_open(connection, row, who, estate_id, at_ms)
            numbers = select(func.coalesce(func.max(coupons.c.n), 0)).where(
                coupons.c.campaign_id == campaign_id, coupons.c.household_id == who[0]
            )
            id, ends_at_ms = self._new_id(), at_ms + row["valid_s"] * 1_000
            new: dict[str, Any] = {
                "id": id,
                "campaign_id": campaign_id,
                "household_id": who[0],
                "n": (connection.scalar(numbers) or 0) + 1,
                "guest_id": guest_id,
                "release_id": release_id or None,
                "value_fen": terms_of(row).value_fen,
                "state": CouponState.CLAIMED.value,
                "claimed_at_ms": at_ms,
                "expires_at_ms": ends_at_ms,
            }
            claim_coupon(connection, new, row["brand_id"])
            if room_id:
                changed(connection, room_id, Part.COUPONS, at_ms)
            [given] = _coupons(connection, coupons.c.id == id)
            return given

        for _ in range(2):
            try:
                async with self._shop.record.write() as connection:
                    given = await connection.run_sync(write)
                self._shop.on_commit()
                return given
            except IntegrityError:  # the household claims on another device at the same moment
                continue
        raise CouponRefused(CouponsRefused.HAD)

    async def of_release(self, release_id: str, guest_id: str) -> CouponView | None:
        """The piece of a release that a household has."""
        which = coupons.c.household_id.in_(self._who(guest_id))
        async with self._shop.record.read() as connection:
            found = await connection.run_sync(
                _coupons, and_(coupons.c.release_id == release_id, which)
            )
        return found[0] if found else None

    async def apply(self, choice: CouponChoice, lines: Sequence[Line]) -> AppliedCoupon:
        """Return what a household's coupon takes off the lines of an order.

        A coupon by code is claimed here, once it is known to fit.

        Raises:
            NotFound: The household has no such coupon, or there is no such code.
            Refused: It is taken or over, or takes nothing off this order.
            CouponRefused: The code gives no more coupons.
        """
        at_ms, who = self._shop.clock(), self._who(choice.guest_id)
        if choice.code:
            brand_id = self._shop.catalogue.brand_id("estate", choice.estate_id)
            which = and_(
                campaigns.c.code == (clean_code(choice.code) or None),
                campaigns.c.brand_id == brand_id,
            )
            async with self._shop.record.read() as connection:
                row = await connection.run_sync(_campaign, which)
            if row is None:
                raise NotFound("coupon", choice.code)
            _off(terms_of(row), lines)
            coupon = await self.give(row, choice.guest_id, choice.estate_id, at_ms)
        else:
            which = and_(coupons.c.id == choice.coupon_id, coupons.c.household_id.in_(who))
            async with self._shop.record.read() as connection:
                found = await connection.run_sync(_coupons, which)
            if not found:
                raise NotFound("coupon", choice.coupon_id)
            coupon = found[0]
        again = coupon.order_id == choice.order_id
        free = coupon.state is CouponState.CLAIMED and at_ms < coupon.expires_at_ms
        if not free and not again:
            raise Refused(Refusal.COUPON_TAKEN)
        return AppliedCoupon(coupon.id, encode_discounts(_off(coupon.terms.rule, lines)))

    async def wallet(self, guest_id: str, estate_id: str, code: str = "") -> Wallet:
        """The household's coupons, and what it may claim; with a code, also what that gives."""
        at_ms, who = self._shop.clock(), self._who(guest_id)
        brand_id = self._shop.catalogue.brand_id("estate", estate_id)

        def read(connection: Connection) -> Wallet:
            mine = _coupons(
                connection,
                and_(coupons.c.household_id.in_(who), coupons.c.claimed_at_ms > at_ms - SHOWN_MS),
            )
            had = {coupon.campaign_id for coupon in mine}
            kinds = [CampaignKind.NEWCOMER.value, CampaignKind.STAY.value]
            which: ColumnElement[bool] = campaigns.c.kind.in_(kinds)
            if cleaned := clean_code(code):
                which |= campaigns.c.code == cleaned
            rows = connection.execute(
                select(campaigns)
                .where(which, campaigns.c.brand_id == brand_id, campaigns.c.until_ms > at_ms)
                .order_by(campaigns.c.made_at_ms.desc())
                .limit(OFFERS_MAX)
            ).mappings()
            offers = [
                _offer(row)
                for row in rows
                if row["id"] not in had and _is_open(connection, row, who, estate_id, at_ms)
            ]
            return Wallet(mine, offers)

        return await self._shop.record.query(read)

    def is_due(self, connection: Connection, at_ms: int) -> bool:
        """See `Chore`."""
        due = select(coupons.c.id).where(
            coupons.c.state == CouponState.CLAIMED.value, coupons.c.expires_at_ms <= at_ms
        )
        return connection.scalar(due.limit(1)) is not None

    async def step(self) -> int:
        """Expire coupons that nobody used in time; return how many."""
        at_ms = self._shop.clock()
        if not await self._shop.record.query(lambda connection: self.is_due(connection, at_ms)):
            return 0
        async with self._shop.record.write() as connection:
            return await connection.run_sync(end_coupons, at_ms)

    def _who(self, guest_id: str) -> list[str]:
        """Under which ids coupons of a guest may stand, the one for new ones first."""
        household_id = self._households.of(guest_id)
        return [household_id, guest_id] if household_id else [guest_id]


def check_open(
    connection: Connection, row: RowMapping, who: Sequence[str], estate_id: str, at_ms: int
) -> None:
    """Check that a household may have a coupon of a campaign now.

    Raises:
        CouponRefused: It may not.
    """
    if row["stopped_at_ms"] is not None or not row["from_ms"] <= at_ms < row["until_ms"]:
        raise CouponRefused(CouponsRefused.ENDED)
    if row["estates"] and estate_id not in row["estates"]:
        raise CouponRefused(CouponsRefused.NOT_FOR_YOU)
    if row["kind"] == CampaignKind.NEWCOMER and _has_ordered(connection, who):
        raise CouponRefused(CouponsRefused.NOT_FOR_YOU)
    if row["taken_fen"] + terms_of(row).value_fen > row["budget_fen"]:
        raise CouponRefused(CouponsRefused.GONE)


def _off(terms: Terms, lines: Sequence[Line]) -> tuple[int, ...]:
    off = discounts(terms, lines)
    if not any(off):
        raise Refused(Refusal.COUPON_UNFIT)
    return off


def _is_open(
    connection: Connection, row: RowMapping, who: Sequence[str], estate_id: str, at_ms: int
) -> bool:
    try:
        check_open(connection, row, who, estate_id, at_ms)
    except CouponRefused:
        return False
    return True


def _has_ordered(connection: Connection, who: Sequence[str]) -> bool:
    order = select(orders.c.id).where(HOUSEHOLD.in_(who), orders.c.state.not_in(UNDONE_VALUES))
    return connection.scalar(order.limit(1)) is not None


def _campaign(connection: Connection, which: ColumnElement[bool]) -> RowMapping | None:
    return connection.execute(select(campaigns).where(which)).mappings().first()


_TERMS = ("name_zh", "name_en", "amount_fen", "percent", "cap_fen", "minimum_fen", "products")


def _coupons(connection: Connection, which: ColumnElement[bool]) -> list[CouponView]:
    """Coupons with what they take off, those that can be used first."""
    unused = coupons.c.state != CouponState.CLAIMED.value
    rows = connection.execute(
        select(coupons, *(campaigns.c[name] for name in _TERMS))
        .join(campaigns, campaigns.c.id == coupons.c.campaign_id)
        .where(which)
        .order_by(unused, coupons.c.expires_at_ms, coupons.c.id)
        .limit(SHOWN_MAX)
    )
    return [
        CouponView(
            row["id"],
            row["campaign_id"],
            Text(row["name_zh"], row["name_en"]),
            terms_view(row),
            CouponState(row["state"]),
            row["claimed_at_ms"],
            row["expires_at_ms"],
            row["order_id"],
        )
        for row in rows.mappings()
    ]


def _offer(row: RowMapping) -> OfferView:
    kind = CampaignKind(row["kind"])
    return OfferView(
        row["id"],
        kind,
        Text(row["name_zh"], row["name_en"]),
        terms_view(row),
        row["valid_s"],
        row["until_ms"],
        STAY_S if kind is CampaignKind.STAY else 0,
    )
