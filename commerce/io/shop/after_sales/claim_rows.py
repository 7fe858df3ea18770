"""Rows of claims: written, and read as buyers and those who decide see them."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, func, select

from commerce.after_sales.claims import (
    DECIDE_MS,
    STANDING_MS,
    ClaimState,
    Desk,
    Fault,
    Standing,
    Why,
)
from commerce.io.record.rows import HOUSEHOLD
from commerce.io.record.schema import orders
from commerce.io.record.schema_after_sales import claims
from commerce.io.record.schema_staff import staff
from commerce.io.record.schema_stock import lot_moves, lots
from commerce.io.shop.after_sales.values import DeskClaim, GoodsClaim, NewClaim
from commerce.io.shop.catalogue.catalogue import Catalogue
from commerce.io.shop.people import nicknames_of
from commerce.orders.order import OrderRow
from commerce.orders.states import WITH_BUYER_VALUES
from commerce.supply.lots import LotMoveKind


def goods_claim(row: Any, catalogue: Catalogue) -> GoodsClaim:
    """A claim of the record as its buyer sees it."""
    product = catalogue.product(row["product_id"])
    return GoodsClaim(
        row["id"],
        row["order_id"],
        row["line"],
        row["part"],
        product.id,
        product.name,
        product.image,
        row["units"],
        row["amount_fen"],
        Fault(row["fault"]),
        row["words"],
        tuple(json.loads(row["photos"])),
        ClaimState(row["state"]),
        Desk(row["desk"]),
        row["made_at_ms"],
        row["due_at_ms"],
        row["decided_at_ms"],
        row["answer"],
    )


def desk_claims(
    connection: Connection, catalogue: Catalogue, rows: Sequence[Any], at_ms: int
) -> list[DeskClaim]:
    """Claims of the record as those who decide see them."""
    names = nicknames_of(connection, {row["guest_id"] for row in rows})
    numbers = {
        order_id: number
        for order_id, number in connection.execute(
            select(orders.c.id, orders.c.number).where(
                orders.c.id.in_({row["order_id"] for row in rows})
            )
        )
    }
    recent = {
        household_id: count
        for household_id, count in connection.execute(
            select(claims.c.household_id, func.count())
            .where(
                claims.c.household_id.in_({row["household_id"] for row in rows}),
                claims.c.made_at_ms > at_ms - STANDING_MS,
            )
            .group_by(claims.c.household_id)
        )
    }
    return [
        DeskClaim(
            goods_claim(row, catalogue),
            Why(row["why"]),
            numbers[row["order_id"]],
            names.get(row["guest_id"], "—"),
            catalogue.estate(row["estate_id"]).name,
            row["store_id"],
            recent.get(row["household_id"], 0),
            row["decided_by"],
            row["goods"],
        )
        for row in rows
    ]


def claim_values(
    claim_id: str, order: OrderRow, new: NewClaim, amount_fen: int, at_ms: int
) -> dict[str, Any]:
    """The columns of a new claim, without what is decided."""
    taken = order.all_lines[new.line]
    return {
        "id": claim_id,
        "store_id": order.store_id,
        "estate_id": order.estate_id,
        "order_id": order.id,
        "line": new.line,
        "part": new.part,
        "product_id": taken.parts[new.part].item_id if taken.parts else taken.product_id,
        "guest_id": order.guest_id,
        "household_id": order.household,
        "units": new.units,
        "amount_fen": amount_fen,
        "fault": new.fault.value,
        "words": new.words.strip(),
        "photos": json.dumps(new.photos),
        "made_at_ms": at_ms,
        "due_at_ms": at_ms + DECIDE_MS,
    }


def standing_of(connection: Connection, household_id: str, at_ms: int) -> Standing:
    """What a household bought and claimed lately."""
    since_ms = at_ms - STANDING_MS
    counted = claims.c.state != ClaimState.REFUSED.value
    count, claimed = connection.execute(
        select(func.count(), func.sum(claims.c.amount_fen).filter(counted)).where(
            claims.c.household_id == household_id, claims.c.made_at_ms > since_ms
        )
    ).one()
    spent = connection.scalar(
        select(func.sum(orders.c.paid_fen)).where(
            HOUSEHOLD == household_id,
            orders.c.state.in_(WITH_BUYER_VALUES),
            orders.c.created_at_ms > since_ms,
        )
    )
    return Standing(count, int(claimed or 0), int(spent or 0))


def is_led(connection: Connection, estate_id: str) -> bool:
    """Whether somebody leads an estate."""
    led = connection.execute(
        select(staff.c.estate_ids).where(
            staff.c.active, staff.c.estate_ids.contains(estate_id, autoescape=True)
        )
    )
    return any(estate_id in estates.split() for estates in led.scalars())


def faulty(brand_id: str, since_ms: int) -> Select[tuple[Any, ...]]:
    """Claims with who supplied what was sold; of several suppliers, the first by name."""
    sold = (lot_moves.c.source == claims.c.order_id, lot_moves.c.line == claims.c.product_id)
    supplier = (
        select(func.min(lots.c.supplier))
        .join(lot_moves, lot_moves.c.lot_id == lots.c.id)
        .where(*sold, lot_moves.c.kind == LotMoveKind.SELL.value)
        .scalar_subquery()
    )
    return select(
        claims.c.product_id,
        func.coalesce(supplier, "").label("supplier"),
        claims.c.fault,
        claims.c.state,
        claims.c.units,
        claims.c.amount_fen,
    ).where(claims.c.brand_id == brand_id, claims.c.made_at_ms >= since_ms)
