"""The coupons of neighbours: claimed, listed, ended."""

from collections.abc import Callable, Sequence
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
from commerce.errors import NotFound
from commerce.io.record.coupon_rows import claim_coupon, end_coupons
from commerce.io.record.rows import HOUSEHOLD
from commerce.io.record.schema import orders
from commerce.io.record.schema_coupons import campaigns, coupons
from commerce.io.shop.context import ShopContext
from commerce.io.shop.coupons.views import CouponView, OfferView, Wallet, terms_of, terms_view
from commerce.io.shop.households import Households
from commerce.orders.states import OrderState

SHOWN_MAX = 50  # coupons of a household
SHOWN_MS = 30 * 86_400 * 1_000  # coupons that were used or have expired are shown for so long
OFFERS_MAX = 20


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
        return await self._give(row, guest_id, estate_id, at_ms)

    async def _give(
        self, row: RowMapping, guest_id: str, estate_id: str, at_ms: int, release_id: str = ""
    ) -> CouponView:
        who = self._who(guest_id)

        def write(connection: Connection) -> CouponView:
            had = coupons.c.release_id == release_id
            if not release_id:
                had = coupons.c.campaign_id == row["id"]
            mine = _coupons(connection, and_(had, coupons.c.household_id.in_(who)))
            if mine:
                return mine[0]
            check_open(connection, row, who, estate_id, at_ms)
            numbers = select(func.coalesce(func.max(coupons.c.n), 0)).where(
                coupons.c.campaign_id == row["id"], coupons.c.household_id == who[0]
            )
            id, ends_at_ms = self._new_id(), at_ms + row["valid_s"] * 1_000
            new: dict[str, Any] = {
                "id": id,
                "campaign_id": row["id"],
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

    async def step(self) -> int:
        """Expire coupons that nobody used in time; return how many."""
        ended = 0
        at_ms = self._shop.clock()
        async with self._shop.record.read() as connection:
            due = select(coupons.c.id).where(
                coupons.c.state == CouponState.CLAIMED.value, coupons.c.expires_at_ms <= at_ms
            )
            if await connection.scalar(due.limit(1)) is None:
                return 0
        async with self._shop.record.write() as connection:
            ended = await connection.run_sync(end_coupons, at_ms)
        return ended

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


def _is_open(
    connection: Connection, row: RowMapping, who: Sequence[str], estate_id: str, at_ms: int
) -> bool:
    try:
        check_open(connection, row, who, estate_id, at_ms)
    except CouponRefused:
        return False
    return True


def _has_ordered(connection: Connection, who: Sequence[str]) -> bool:
    order = select(orders.c.id).where(
        HOUSEHOLD.in_(who), orders.c.state != OrderState.CANCELLED.value
    )
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
