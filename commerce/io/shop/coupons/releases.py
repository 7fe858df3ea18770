"""Coupons that a host releases in a room, so many pieces for so long: who taps first has one."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from commerce.catalogue.values import Text
from commerce.coupons.campaigns import (
    PIECES_MAX,
    RELEASE_S_MAX,
    RELEASE_S_MIN,
    SHOWN_AFTER_MS,
    CampaignKind,
    CouponRefused,
    CouponsRefused,
)
from commerce.errors import InvalidField, NotFound
from commerce.io.record.audit_trail import record_audit
from commerce.io.record.schema_coupons import campaigns, coupon_releases
from commerce.io.shop.activities.news import Part, changed
from commerce.io.shop.context import ShopContext
from commerce.io.shop.coupons.views import (
    CouponView,
    ReleasableView,
    terms_of,
    terms_view,
)
from commerce.io.shop.coupons.wallet import Coupons
from commerce.views import CouponRelease


class Releases:
    """Opens and closes releases; a room has one at a time."""

    def __init__(self, shop: ShopContext, wallets: Coupons, new_id: Callable[[], str]) -> None:
        self._shop = shop
        self._wallets = wallets
        self._new_id = new_id

    async def choices(self, room_id: str) -> list[ReleasableView]:
        """What a host may release now.

        Raises:
            NotFound: There is no such room.
        """
        self._shop.catalogue.room(room_id)
        at_ms = self._shop.clock()
        query = select(campaigns).where(*_releasable(self._brand(room_id), at_ms))

        def read(connection: Connection) -> list[ReleasableView]:
            rows = connection.execute(query.order_by(campaigns.c.made_at_ms.desc())).mappings()
            return [_choice(row) for row in rows]

        return await self._shop.record.query(read)

    async def open(
        self, room_id: str, staff_id: str, campaign_id: str, pieces: int, duration_s: int
    ) -> CouponRelease:
        """Release coupons of a campaign; a release that is still open ends.

        Raises:
            NotFound: There is no such room, or no such campaign that may be released now.
            InvalidField: The number or the time cannot be.
        """
        self._shop.catalogue.room(room_id)
        if not 1 <= pieces <= PIECES_MAX:
            raise InvalidField("pieces", f"1 to {PIECES_MAX}")
        if not RELEASE_S_MIN <= duration_s <= RELEASE_S_MAX:
            raise InvalidField("duration_s", f"{RELEASE_S_MIN} to {RELEASE_S_MAX} seconds")
        at_ms, brand_id = self._shop.clock(), self._brand(room_id)
        row: dict[str, Any] = {
            "id": self._new_id(),
            "campaign_id": campaign_id,
            "room_id": room_id,
            "pieces": pieces,
            "claimed": 0,
            "opened_at_ms": at_ms,
            "closes_at_ms": at_ms + duration_s * 1_000,
        }

        def write(connection: Connection) -> CouponRelease:
            which = (campaigns.c.id == campaign_id, *_releasable(brand_id, at_ms))
            if connection.scalar(select(campaigns.c.id).where(*which)) is None:
                raise NotFound("campaign", campaign_id)
            _close(connection, room_id, at_ms)
            connection.execute(insert(coupon_releases), row)
            changed(connection, room_id, Part.COUPONS, at_ms)
            audit = (staff_id, "coupon.release", row["id"], None, row, at_ms)
            record_audit(connection, brand_id, *audit)
            return _show(_release(connection, room_id, row["id"]))

        async with self._shop.record.write() as connection:
            opened = await connection.run_sync(write)
        self._shop.on_commit()
        return opened

    async def close(self, room_id: str, release_id: str) -> CouponRelease:
        """End a release now; idempotent.

        Raises:
            NotFound: The room has no such release.
        """
        at_ms = self._shop.clock()

        def write(connection: Connection) -> CouponRelease:
            _release(connection, room_id, release_id)
            _close(connection, room_id, at_ms)
            changed(connection, room_id, Part.COUPONS, at_ms)
            return _show(_release(connection, room_id, release_id))

        async with self._shop.record.write() as connection:
            closed = await connection.run_sync(write)
        self._shop.on_commit()
        return closed

    async def claim(
        self, room_id: str, release_id: str, guest_id: str, estate_id: str
    ) -> CouponView:
        """Give the household one piece, or the one that it has.

        Raises:
            NotFound: The room has no such release.
            CouponRefused: A clear no.
        """
        at_ms = self._shop.clock()
        async with self._shop.record.read() as connection:
            row = await connection.run_sync(_release, room_id, release_id)
        if at_ms >= row["closes_at_ms"]:
            raise CouponRefused(CouponsRefused.ENDED)
        if row["claimed"] >= row["pieces"]:
            held = await self._wallets.of_release(release_id, guest_id)
            if held is None:
                raise CouponRefused(CouponsRefused.GONE)
            return held
        return await self._wallets.give(row, guest_id, estate_id, at_ms, release_id, room_id)

    async def shown(self, room_id: str) -> CouponRelease | None:
        """The release that a room shows now."""
        at_ms = self._shop.clock()
        async with self._shop.record.read() as connection:
            return await connection.run_sync(shown_release, room_id, at_ms)

    def _brand(self, room_id: str) -> str:
        return self._shop.catalogue.brand_id("room", room_id)


def shown_release(connection: Connection, room_id: str, at_ms: int) -> CouponRelease | None:
    """The newest release of a room, unless it ended some time ago."""
    row = (
        connection.execute(
            _RELEASES.where(coupon_releases.c.room_id == room_id)
            .order_by(coupon_releases.c.opened_at_ms.desc(), coupon_releases.c.id.desc())
            .limit(1)
        )
        .mappings()
        .first()
    )
    return _show(row) if row and at_ms < row["closes_at_ms"] + SHOWN_AFTER_MS else None


_RELEASES = select(
    *(column for column in campaigns.c if column.name != "id"),
    campaigns.c.id.label("campaign_id"),
    coupon_releases.c.id,
    coupon_releases.c.pieces,
    coupon_releases.c.claimed,
    coupon_releases.c.closes_at_ms,
).join(coupon_releases, coupon_releases.c.campaign_id == campaigns.c.id)


def _release(connection: Connection, room_id: str, release_id: str) -> RowMapping:
    which = (coupon_releases.c.id == release_id, coupon_releases.c.room_id == room_id)
    row = connection.execute(_RELEASES.where(*which)).mappings().first()
    if row is None:
        raise NotFound("release", release_id)
    return row


def _close(connection: Connection, room_id: str, at_ms: int) -> None:
    which = (coupon_releases.c.room_id == room_id, coupon_releases.c.closes_at_ms > at_ms)
    connection.execute(update(coupon_releases).where(*which).values(closes_at_ms=at_ms))


def _releasable(brand_id: str, at_ms: int) -> tuple[Any, ...]:
    return (
        campaigns.c.brand_id == brand_id,
        campaigns.c.kind == CampaignKind.ROOM.value,
        campaigns.c.stopped_at_ms.is_(None),
        campaigns.c.from_ms <= at_ms,
        campaigns.c.until_ms > at_ms,
    )


def _left(row: RowMapping) -> int:
    """How many coupons the budget of a campaign is still enough for."""
    return int((row["budget_fen"] - row["taken_fen"]) // terms_of(row).value_fen)


def _show(row: RowMapping) -> CouponRelease:
    terms = terms_of(row)
    return CouponRelease(
        row["id"],
        Text(row["name_zh"], row["name_en"]),
        terms.amount_fen,
        terms.percent,
        terms.cap_fen,
        terms.minimum_fen,
        row["pieces"],
        max(0, min(row["pieces"] - row["claimed"], _left(row))),
        row["closes_at_ms"],
    )


def _choice(row: RowMapping) -> ReleasableView:
    name = Text(row["name_zh"], row["name_en"])
    return ReleasableView(row["id"], name, terms_view(row), _left(row), row["until_ms"])
