"""Rows of the record as values of the rules, and back."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping, func, select

from commerce.catalogue.assortment import AssortmentRule
from commerce.catalogue.pricing import PriceBounds, PriceRule
from commerce.catalogue.rules import Scope, Window
from commerce.catalogue.sets import PartRole, ProductKind, SetPart
from commerce.catalogue.values import Coordinates, Estate, GroupOffer, Product, Text
from commerce.catalogue.variants import with_option
from commerce.errors import Refusal
from commerce.groups.group import Group, GroupState
from commerce.groups.terms import Award, decode_steps
from commerce.io.record.schema import buying_groups, orders, products
from commerce.io.record.schema_goods import food_columns
from commerce.orders.lines import OrderLine, encode_units, read_units
from commerce.orders.order import OrderRow
from commerce.orders.promise import Fulfilment
from commerce.orders.states import OrderState

GROUP_COLUMNS = (
    buying_groups.c.id,
    buying_groups.c.product_id,
    buying_groups.c.estate_id,
    buying_groups.c.joined,
    buying_groups.c.target,
    buying_groups.c.price_fen,
    buying_groups.c.state,
    buying_groups.c.ends_at_ms,
    buying_groups.c.steps,
    buying_groups.c.award_invites,
    buying_groups.c.award_fen,
    buying_groups.c.first_price_fen,
)

ORDERS = select(orders)
HOUSEHOLD = func.coalesce(orders.c.household_id, orders.c.guest_id)
"""Whose limits and seats an order counts for; older rows name the guest alone."""
GROUPS = select(*GROUP_COLUMNS)
_OUT_OF_CATALOGUE = (*(column.name for column in food_columns()), "pinyin")
PRODUCTS = select(*(column for column in products.c if column.name not in _OUT_OF_CATALOGUE))
"""What `product_of` needs; ingredients and the like are read when somebody looks at them."""


def order_of(row: RowMapping, lines: tuple[OrderLine, ...]) -> OrderRow:
    """An order of the record; see `orders_of`, which reads its lines."""
    values = dict(row)
    del values["line_count"], values["tax_bp"]
    values["lines"] = lines
    values["state"] = OrderState(values["state"])
    values["refused"] = Refusal(values["refused"]) if values["refused"] else None
    values["group_id"] = values["group_id"] or ""
    values["household_id"] = values["household_id"] or values["guest_id"]
    values["fulfilment"] = Fulfilment(values["fulfilment"])
    values["quotas"] = read_units(values["quotas"])
    return OrderRow(**values)


def order_values(order: OrderRow, tax_bp: int | None) -> dict[str, Any]:
    """An order as column values; the rate is that of its only item, or none."""
    return {
        "tax_bp": tax_bp,
        "id": order.id,
        "number": order.number,
        "guest_id": order.guest_id,
        "estate_id": order.estate_id,
        "room_id": order.room_id,
        "store_id": order.store_id,
        "product_id": order.product_id,
        "group_id": order.group_id or None,
        "quantity": order.quantity,
        "total_fen": order.total_fen,
        "paid_fen": order.paid_fen,
        "refunded_fen": order.refunded_fen,
        "state": order.state.value,
        "refused": order.refused.value if order.refused else None,
        "version": order.version,
        "created_at_ms": order.created_at_ms,
        "due_at_ms": order.due_at_ms,
        "handed_over_at_ms": order.handed_over_at_ms,
        "body_hash": order.body_hash,
        "entry_id": order.entry_id,
        "household_id": order.household,
        "line_count": len(order.lines),
        "slot": order.slot,
        "fulfilment": order.fulfilment.value,
        "quotas": encode_units(order.quotas),
        "discount_fen": order.discount_fen,
    }


def group_of(row: RowMapping) -> Group:
    """A group of the record (selected with `GROUPS`, and maybe more columns)."""
    values: dict[str, Any] = {column.name: row[column.name] for column in GROUP_COLUMNS}
    values["state"] = GroupState(values["state"])
    values["steps"] = decode_steps(values["steps"])
    invites, off_fen = values.pop("award_invites"), values.pop("award_fen")
    first_fen = values.pop("first_price_fen") or values["price_fen"]
    values["award"] = Award(invites, off_fen, values["price_fen"] < first_fen) if off_fen else None
    return Group(**values)


def estate_of(row: RowMapping, further: tuple[str, ...] = ()) -> Estate:
    """An estate of the record; `further` are the stores that serve it after its own."""
    return Estate(
        row["id"],
        Text(row["name_zh"], row["name_en"]),
        Coordinates(row["latitude"], row["longitude"]),
        row["store_id"],
        row["city_id"] or "",
        further,
    )


def product_of(row: RowMapping, parts: Sequence[SetPart] = ()) -> Product:
    """A product of the record; `parts` are those of a set's current recipe."""
    offer = None
    if row["group_price_fen"] is not None:
        offer = GroupOffer(row["group_price_fen"], row["group_target"], row["group_duration_s"])
    bounds = None
    if row["own_price_min_fen"] is not None:
        bounds = PriceBounds(row["own_price_min_fen"], row["own_price_max_fen"])
    option = Text(row["option_zh"], row["option_en"]) if row["option_zh"] else None
    return Product(
        id=row["id"],
        name=with_option(Text(row["name_zh"], row["name_en"]), option),
        unit=Text(row["unit_zh"], row["unit_en"]),
        image=row["image"],
        price_fen=row["price_fen"],
        list_price_fen=row["list_price_fen"],
        group=offer,
        household_limit=row["household_limit"],
        on_sale=row["on_sale"],
        own_price=bounds,
        parts=tuple(parts),
        recipe_version=row["recipe_version"] if row["kind"] == ProductKind.SET else 0,
        recipe=Text(row["recipe_zh"], row["recipe_en"]) if row["recipe_zh"] else None,
        cooking_minutes=row["cooking_minutes"],
        category_id=row["category_id"] or "",
        variant_of=row["variant_of"],
        option=option,
    )


def set_part_of(row: RowMapping) -> SetPart:
    """A part of a set."""
    return SetPart(row["item_id"], row["units"], row["share_bp"], PartRole(row["role"]))


def price_rule_of(row: RowMapping) -> PriceRule:
    """A price rule of the record."""
    return PriceRule(
        row["id"],
        row["product_id"],
        Scope(row["scope"]),
        row["scope_id"],
        row["price_fen"],
        Window(row["from_ms"], row["until_ms"]),
    )


def assortment_rule_of(row: RowMapping) -> AssortmentRule:
    """An assortment rule of the record."""
    return AssortmentRule(
        row["id"],
        row["product_id"],
        Scope(row["scope"]),
        row["scope_id"],
        row["offered"],
        Window(row["from_ms"], row["until_ms"]),
    )
