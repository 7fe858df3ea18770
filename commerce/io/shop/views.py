"""Builds what is shown of orders: to buyers with the pickup code, to stores with the buyer."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import segno
from sqlalchemy import Connection, select

from commerce.after_sales.refunds import paid_parts
from commerce.groups.group import Group
from commerce.io.record.intent_rows import live_actions
from commerce.io.record.pick_rows import picks_of
from commerce.io.record.rows import GROUPS, group_of
from commerce.io.record.schema import buying_groups, pickup_codes
from commerce.io.shop.catalogue.catalogue import Catalogue
from commerce.io.shop.packing.bags import NO_BAG, Bag, bags_of
from commerce.io.shop.people import nicknames_of
from commerce.money.providers import Action, ActionKind
from commerce.orders.lines import OrderLine
from commerce.orders.order import OrderRow
from commerce.orders.picks import Pick
from commerce.orders.pickup import shown, signed
from commerce.orders.promise import WAVE, Fulfilment, Span, promise_of
from commerce.orders.states import OrderState
from commerce.views import (
    ActionParameter,
    ActionView,
    BuyerView,
    OrderLineView,
    OrderPartView,
    OrderView,
    PaymentView,
    PickupView,
    PickView,
    StoreOrder,
    StoreView,
    SubstituteView,
)

QR_CACHE = 2_048
QR_BORDER = 2  # modules


@lru_cache(QR_CACHE)
def pickup_view(code: str, signature: str = "") -> PickupView:
    """The code as people read it, and its QR as an SVG data URI, with the signature."""
    return PickupView(shown(code), _qr(signed(code, signature)))


def pickup_codes_of(connection: Connection, rows: Collection[OrderRow]) -> dict[str, PickupView]:
    """Pickup codes by order id, of orders that are ready."""
    ready = [row.id for row in rows if row.state is OrderState.READY]
    if not ready:
        return {}
    found = connection.execute(
        select(pickup_codes.c.order_id, pickup_codes.c.code, pickup_codes.c.signature).where(
            pickup_codes.c.order_id.in_(ready)
        )
    )
    return {order_id: pickup_view(code, signature or "") for order_id, code, signature in found}


def groups_of(connection: Connection, rows: Collection[OrderRow]) -> dict[str, Group]:
    """The groups that orders belong to, by id."""
    ids = {row.group_id for row in rows if row.group_id}
    if not ids:
        return {}
    found = connection.execute(GROUPS.where(buying_groups.c.id.in_(ids)))
    return {row["id"]: group_of(row) for row in found.mappings()}


def order_views(
    connection: Connection, rows: Sequence[OrderRow], catalogue: Catalogue
) -> list[OrderView]:
    """Orders as their buyers see them."""
    codes = pickup_codes_of(connection, rows)
    groups = groups_of(connection, rows)
    bags = bags_of(connection, codes)
    picks = _picks(connection, rows, catalogue)
    payments = _payments(connection, rows)
    return [
        replace(
            order_view(
                row,
                catalogue,
                codes.get(row.id),
                groups.get(row.group_id),
                bags.get(row.id, NO_BAG).slot,
            ),
            picks=picks.get(row.id, ()),
            payment=payments.get(row.id),
        )
        for row in rows
    ]


def _payments(connection: Connection, rows: Collection[OrderRow]) -> dict[str, PaymentView]:
    """What orders wait for that are not paid yet, by order."""
    waiting = [row.id for row in rows if row.state is OrderState.WAITING_PAYMENT]
    return {
        order_id: PaymentView(intent.expires_at_ms, intent.provider, _action(action))
        for order_id, (intent, action) in live_actions(connection, waiting).items()
    }


def _action(action: Action | None) -> ActionView | None:
    if action is None:
        return None
    url = action.data.get("url", "")
    parameters = [ActionParameter(*pair) for pair in action.data.items() if pair[0] != "url"]
    qr = _qr(url) if action.kind is ActionKind.QR else ""
    return ActionView(action.kind, url, qr, tuple(parameters))


@lru_cache(QR_CACHE)
def _qr(text: str) -> str:
    qr = segno.make(text, error="m", micro=False)
    return qr.svg_data_uri(border=QR_BORDER, scale=4, dark="#000")


def order_view(
    row: OrderRow,
    catalogue: Catalogue,
    pickup: PickupView | None,
    group: Group | None,
    slot: str = "",
) -> OrderView:
    """An order as its buyer sees it; `pickup` and `slot` once it is ready."""
    return OrderView(
        **_shared(row, catalogue),
        pickup=replace(pickup, slot=slot) if pickup else None,
        group=group,
    )


def store_order(row: OrderRow, catalogue: Catalogue, nickname: str, bag: Bag) -> StoreOrder:
    """An order as the store sees it."""
    return StoreOrder(
        **_shared(row, catalogue),
        buyer=BuyerView(nickname, catalogue.estate(row.estate_id).name),
        handed_over_at_ms=row.handed_over_at_ms,
        bag=bag.number,
        slot=bag.slot,
        wave=row.slot if row.slot.startswith(WAVE) and not row.group_id else "",
    )


def _shared(row: OrderRow, catalogue: Catalogue) -> dict[str, Any]:
    """What buyer and store both see, by the names of `SharedOrderView`."""
    product = catalogue.product(row.product_id)
    return {
        "id": row.id,
        "number": row.number,
        "state": row.state,
        "product_id": row.product_id,
        "name": product.name,
        "image": product.image,
        "quantity": row.quantity,
        "total_fen": row.total_fen,
        "group_id": row.group_id or None,
        "estate_id": row.estate_id,
        "store": store_view(catalogue, row.store_id),
        "created_at_ms": row.created_at_ms,
        "due_at_ms": row.due_at_ms,
        "refunded_fen": row.refunded_fen,
        "lines": line_views(row.lines, catalogue),
        "promised": promised(catalogue, row.store_id, row.slot, row.fulfilment),
        "fulfilment": row.fulfilment,
        "discount_fen": row.discount_fen,
        "consent_by_ms": row.consent_by_ms if row.state is OrderState.NEW else None,
    }


def promised(catalogue: Catalogue, store_id: str, slot: str, fulfilment: Fulfilment) -> Span | None:
    """When a buyer gets an order: in the window of its slot, or that of its presale."""
    if not slot:
        return None
    presale = catalogue.presale_at(store_id, slot) if slot.startswith(WAVE) else None
    return presale.handover(fulfilment) if presale else promise_of(slot, fulfilment)


def line_views(lines: Sequence[OrderLine], catalogue: Catalogue) -> tuple[OrderLineView, ...]:
    """Lines as buyers, stores and leaders see them."""
    return tuple(_line(line, catalogue) for line in lines)


def _line(line: OrderLine, catalogue: Catalogue) -> OrderLineView:
    product = catalogue.product(line.product_id)
    parts = []
    for part in line.parts:
        item = catalogue.product(part.item_id)
        parts.append(OrderPartView(item.id, item.name, item.image, part.units, part.share_fen))
    return OrderLineView(
        product.id, product.name, product.image, line.units, line.total_fen, tuple(parts)
    )


def store_views(
    connection: Connection, rows: Sequence[OrderRow], catalogue: Catalogue
) -> list[StoreOrder]:
    """Many orders as the store sees them."""
    names = nicknames_of(connection, {row.guest_id for row in rows})
    bags = bags_of(connection, [row.id for row in rows])
    picks = _picks(connection, rows, catalogue)
    return [
        replace(
            store_order(row, catalogue, names.get(row.guest_id, "—"), bags.get(row.id, NO_BAG)),
            picks=picks.get(row.id, ()),
        )
        for row in rows
    ]


def _picks(
    connection: Connection, rows: Sequence[OrderRow], catalogue: Catalogue
) -> dict[str, tuple[PickView, ...]]:
    """What was noted of orders, by order."""
    found = picks_of(connection, [row.id for row in rows])
    views = {}
    for row in rows:
        items = {part.key: part.item_id for part in paid_parts(row)} if row.id in found else {}
        views[row.id] = tuple(
            _pick(pick, items[pick.line, pick.part], catalogue) for pick in found.get(row.id, ())
        )
    return views


def _pick(pick: Pick, item_id: str, catalogue: Catalogue) -> PickView:
    item = catalogue.product(item_id)
    substitute = None
    if pick.substitute_id:
        other = catalogue.product(pick.substitute_id)
        substitute = SubstituteView(other.id, other.name, other.image)
    return PickView(
        pick.line,
        pick.part,
        item.id,
        item.name,
        pick.state,
        pick.missing_units,
        substitute,
        pick.answer_by_ms,
    )


def store_view(catalogue: Catalogue, store_id: str) -> StoreView:
    """A store as a buyer needs it."""
    store = catalogue.store(store_id)
    return StoreView(store.id, store.name, store.address)
