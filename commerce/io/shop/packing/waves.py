"""The waves of a store with their pick lists, as its clerks see them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from commerce.catalogue.values import Text
from commerce.errors import NotFound
from commerce.io.record.food import read_food
from commerce.io.record.order_lines import orders_of
from commerce.io.record.rows import ORDERS
from commerce.io.record.schema import orders
from commerce.io.shop.catalogue.catalogue import Catalogue
from commerce.io.shop.context import ShopContext
from commerce.io.shop.goods.note_cards import ShownCard, cards_of_orders
from commerce.io.shop.packing.bags import NO_BAG, Bag, bags_of
from commerce.io.shop.people import nicknames_of
from commerce.orders.order import OrderRow
from commerce.orders.picking import (
    BagUnits,
    Wave,
    bag_numbers,
    pick_list,
    waves,
)
from commerce.orders.promise import WAVE
from commerce.orders.states import OPEN_AT_STORE, OrderState


@dataclass(frozen=True, slots=True)
class PickItem:
    """An item to take from its zone (how it is stored, "" for the shelf) into its bags."""

    zone: str
    product_id: str
    name: Text
    unit: Text
    image: str
    units: int
    bags: tuple[BagUnits, ...]


@dataclass(frozen=True, slots=True)
class BagLine:
    """Units of an item in a bag."""

    product_id: str
    name: Text
    units: int


@dataclass(frozen=True, slots=True)
class BagView:
    """An order of a wave, and what goes into its bag."""

    bag: int
    order_id: str
    number: str
    nickname: str
    estate_name: Text
    slot: str
    due_at_ms: int | None
    lines: tuple[BagLine, ...]
    note_cards: tuple[ShownCard, ...] = ()


@dataclass(frozen=True, slots=True)
class WaveView:
    """Orders that are picked together; `name` is that of a group's product, or of a presale."""

    id: str
    state: OrderState
    group_id: str | None
    name: Text | None
    due_at_ms: int | None
    items: tuple[PickItem, ...]
    bags: tuple[BagView, ...]


@dataclass(frozen=True, slots=True)
class StoreWaves:
    """All waves of a store."""

    waves: list[WaveView]
    now_ms: int


class Waves:
    """Waves and pick lists."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def of_store(self, store_id: str) -> StoreWaves:
        """The waves of all open orders of a store.

        Raises:
            NotFound: There is no such store.
        """
        self._shop.catalogue.store(store_id)
        at_ms = self._shop.clock()
        async with self._shop.record.read() as connection:
            rows = await connection.run_sync(
                orders_of,
                ORDERS.where(
                    orders.c.store_id == store_id,
                    orders.c.state.in_([state.value for state in OPEN_AT_STORE]),
                ),
            )
            names = await connection.run_sync(nicknames_of, {row.guest_id for row in rows})
            bags = await connection.run_sync(bags_of, [row.id for row in rows])
            cards = await connection.run_sync(cards_of_orders, self._shop.catalogue, rows)
            zones = await connection.run_sync(zones_of, rows)
        known = _Known(self._shop.catalogue, names, bags, zones, cards)
        return StoreWaves([_view(wave, known) for wave in waves(rows)], at_ms)

    async def one(self, store_id: str, wave_id: str, state: str) -> WaveView:
        """One wave of a store.

        Raises:
            NotFound: There is no such store, or no such wave now.
        """
        for wave in (await self.of_store(store_id)).waves:
            if (wave.id, wave.state.value) == (wave_id, state):
                return wave
        raise NotFound("wave", wave_id)


@dataclass(frozen=True, slots=True)
class _Known:
    """What views are made of: nicknames by guest, bags and cards by order, zones by item."""

    catalogue: Catalogue
    names: dict[str, str]
    bags: dict[str, Bag]
    zones: dict[str, str]
    cards: dict[str, tuple[ShownCard, ...]]


def _view(wave: Wave, known: _Known) -> WaveView:
    catalogue = known.catalogue
    numbers = bag_numbers(wave.orders, {id: bag.number for id, bag in known.bags.items()})
    rows = sorted(wave.orders, key=lambda row: numbers[row.id])
    name = catalogue.product(rows[0].product_id).name if wave.group_id else None
    if not wave.group_id and rows[0].slot.startswith(WAVE):
        presale = catalogue.presale_at(rows[0].store_id, rows[0].slot)
        name = presale.name if presale else None
    return WaveView(
        wave.id,
        wave.state,
        wave.group_id or None,
        name,
        wave.due_at_ms,
        pick_items(catalogue, known.zones, [(numbers[row.id], row) for row in rows]),
        tuple(_bag(row, numbers[row.id], known) for row in rows),
    )


def pick_items(
    catalogue: Catalogue, zones: Mapping[str, str], bag_orders: Sequence[tuple[int, OrderRow]]
) -> tuple[PickItem, ...]:
    """What to take for orders that go into these bags, by zone and then by name."""

    def place_of(item_id: str) -> tuple[str, str]:
        return zones.get(item_id, ""), catalogue.product(item_id).name.zh

    items = []
    for entry in pick_list(bag_orders, place_of):
        product = catalogue.product(entry.item_id)
        items.append(
            PickItem(
                entry.zone,
                product.id,
                product.name,
                product.unit,
                product.image,
                entry.units,
                entry.bags,
            )
        )
    return tuple(items)


def zones_of(connection: Connection, rows: Iterable[OrderRow]) -> dict[str, str]:
    """The zones of the items that orders take."""
    items = {item_id for row in rows for item_id, _ in row.taken}
    food = read_food(connection, items)
    return {id: one.storage.kind.value for id, one in food.items() if one.storage}


def _bag(row: OrderRow, number: int, known: _Known) -> BagView:
    catalogue = known.catalogue
    return BagView(
        number,
        row.id,
        row.number,
        known.names.get(row.guest_id, "—"),
        catalogue.estate(row.estate_id).name,
        known.bags.get(row.id, NO_BAG).slot,
        row.due_at_ms,
        tuple(
            BagLine(item_id, catalogue.product(item_id).name, units) for item_id, units in row.taken
        ),
        known.cards.get(row.id, ()),
    )
