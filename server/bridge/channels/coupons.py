"""Coupons that a host releases in a room."""

import msgspec

from rooms.events import Event
from server.bridge.channels.feature import Feature
from server.bridge.channels.texts import LocalText


class CouponRelease(msgspec.Struct, frozen=True):
    """Coupons for whoever taps first: an amount off, or per cent with a cap."""

    id: str
    name: LocalText
    amount_fen: int
    percent: int
    cap_fen: int
    minimum_fen: int
    pieces: int
    left: int
    closes_at_ms: int


class CouponsChanged(Event, frozen=True, kw_only=True, tag="coupons"):
    """Coupons were released, claimed or ended; null: there are none."""

    release: CouponRelease | None


COUPONS = Feature("coupons", {CouponsChanged: lambda _, event: event.release})
