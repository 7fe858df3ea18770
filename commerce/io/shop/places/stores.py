"""Stores, as the head office lists and edits them."""

from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, Select, func, insert, select

from commerce.catalogue.opening_hours import split
from commerce.catalogue.values import Text
from commerce.io.record.postings import Topic, enqueue
from commerce.io.record.schema import estates, orders, rooms, stores
from commerce.io.shop.context import ShopContext
from commerce.io.shop.editing import Columns, Editor
from commerce.io.shop.places.place import PlaceKind, Places, text_of
from commerce.orders.states import ENDED_VALUES

NOT_COUNTED = -1  # packers of a store that takes any number of orders


@dataclass(frozen=True, slots=True)
class StoreRow:
    """A store in the head office's list; `estates` is how many it serves first.

    `packers` are -1 where slots are not counted.
    """

    id: str
    name: Text
    address: Text
    latitude: float
    longitude: float
    opening_hours: tuple[str, ...]
    packers: int
    orders_per_packer_hour: int
    delivers: bool
    estates: int
    version: int


class Stores(Places[StoreRow]):
    """The stores of all brands. A new one has a room of its own, with its name."""

    def __init__(self, shop: ShopContext) -> None:
        super().__init__(shop, _KIND)

    def insert(self, connection: Connection, by: Editor, id: str, values: Columns) -> str:
        """Write a new store and its room."""
        added = super().insert(connection, by, id, values)
        titles = {f"title_{language}": values[f"name_{language}"] for language in ("zh", "en")}
        taken = connection.scalar(select(rooms.c.id).where(rooms.c.id == added)) is not None
        room_id = f"room-{added}"[:_ID_CHARS_MAX] if taken else added
        connection.execute(insert(rooms), {"id": room_id, "store_id": added, **titles})
        return added

    def update(self, connection: Connection, by: Editor, row: Columns, values: Columns) -> None:
        """Write a change, and have the buyers of open orders see where to go."""
        fetched = connection.scalars(
            select(orders.c.id).where(
                orders.c.store_id == row["id"], orders.c.state.not_in(_CLOSED)
            )
        )
        enqueue(connection, Topic.ORDER, list(fetched), by.at_ms)
        super().update(connection, by, row, values)


def _rows(brand_id: str) -> Select[tuple[object, ...]]:
    return select(stores, _ESTATES).where(stores.c.brand_id == brand_id)


def _store(row: RowMapping) -> StoreRow:
    return StoreRow(
        row["id"],
        text_of(row, "name"),
        text_of(row, "address"),
        row["latitude"],
        row["longitude"],
        split(row["opening_hours"]),
        NOT_COUNTED if row["packers"] is None else row["packers"],
        row["orders_per_packer_hour"],
        row["delivers"],
        row["estates"],
        row["version"],
    )


_ID_CHARS_MAX = 64
_CLOSED = ENDED_VALUES
_ESTATES = (
    select(func.count())
    .where(estates.c.store_id == stores.c.id)
    .correlate(stores)
    .scalar_subquery()
    .label("estates")
)
_KIND = PlaceKind(
    name="store",
    table=stores,
    rows=_rows,
    search=(
        stores.c.id,
        stores.c.name_zh,
        stores.c.name_en,
        stores.c.address_zh,
        stores.c.address_en,
    ),
    sorts={"name": stores.c.name_zh, "estates": _ESTATES},
    make=_store,
)
