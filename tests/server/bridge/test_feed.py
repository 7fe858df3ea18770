"""What commerce shows reaches rooms, stores and buyers field by field."""

import asyncio
import contextlib

import msgspec

from commerce.catalogue.values import GroupOffer
from commerce.feed import OrderChange
from commerce.groups.group import Group, GroupState
from commerce.orders.states import OrderState
from commerce.views import (
    BuyerView,
    Card,
    OrderView,
    PickupView,
    ProductView,
    StoreOrder,
    StoreStock,
)
from rooms.io.hub import RoomHub
from rooms.io.memory import MemoryRoomBus, MemoryRoomLog, MemoryRooms
from rooms.messages import Purchase, Tick
from rooms.state import Snapshot
from server.bridge.channels import cards, groups, orders
from server.bridge.channels.registry import RULES
from server.bridge.feed import RoomFeed
from tests.support.order_views import TEXT, order_view, store_order
from tests.support.room_hubs import memory_hub
from tests.support.room_listeners import RecordingListener
from tests.support.waiting import wait_until

GROUP = Group("g1", "p1", "e1", 3, 10, 790, GroupState.OPEN, 1_700_000_900_000)
CARD = Card(
    ProductView("p1", TEXT, TEXT, "/p1.svg", 990, 1290, 7, GroupOffer(790, 10, 900)), 1, 90_000
)
READY = order_view(state=OrderState.READY, pickup=PickupView("ABCD-EFGH-J", "data:,"), group=GROUP)
AT_STORE = store_order(state=OrderState.READY)


async def test_views_arrive_whole_in_rooms_and_stores_and_leaders_hear_that_orders_moved() -> None:
    rooms = MemoryRooms(RULES)
    hub = RoomHub(MemoryRoomLog(rooms), MemoryRoomBus(rooms), (), RULES)
    feed = RoomFeed(hub, {"demo": 123}.get)
    await feed.pin("demo", CARD)
    await feed.group(["demo"], ["s1"], GROUP)
    await feed.stock(["demo"], "p1", [StoreStock("s1", 4), StoreStock("s2", 3)])
    await feed.orders([OrderChange("guest", "demo", READY, AT_STORE)])
    pinned, grown, stock = rooms.log("room:demo").events
    assert isinstance(pinned, cards.CardPinned)
    assert msgspec.to_builtins(pinned.card, str_keys=True) == _wire(CARD)
    assert isinstance(grown, groups.GroupChanged)
    assert msgspec.to_builtins(grown.group) == _wire(GROUP)
    assert isinstance(stock, cards.StockChanged)
    assert (stock.left, len(stock.stores)) == (7, 2)
    assert (pinned.media_time, grown.media_time, stock.media_time) == (CARD.media_time, 123, 123)
    _, order = rooms.log("store:s1").events
    assert isinstance(order, orders.OrderChanged)
    assert msgspec.to_builtins(order.order) == _wire(AT_STORE)
    grown, moved = rooms.log("estate:e1").events
    assert isinstance(grown, groups.GroupChanged)
    assert moved == msgspec.structs.replace(
        orders.LedOrdersChanged(orders=(orders.LedOrder("o1", "1001", "ready"),)),
        o=moved.o,
        at_ms=moved.at_ms,
    )


async def test_buyers_get_their_orders_in_one_message_per_call() -> None:
    rooms, listener = MemoryRooms(RULES), RecordingListener()
    bus = MemoryRoomBus(rooms)
    listening = asyncio.create_task(bus.run(listener, lambda: None))
    await asyncio.sleep(0)
    feed = RoomFeed(RoomHub(MemoryRoomLog(rooms), bus, (), RULES), {"demo": 123}.get)
    await feed.orders([OrderChange(guest_id, "demo", READY, AT_STORE) for guest_id in ("g1", "g2")])
    listening.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await listening
    assert [user_id for user_id, _ in listener.private] == ["g1", "g2"]
    for _, message in listener.private:
        private = msgspec.msgpack.decode(message, type=orders.YourOrder)
        assert msgspec.to_builtins(private.order) == _wire(READY)
        assert private.media_time == 123


async def test_a_room_is_shown_who_has_just_bought_by_the_first_character() -> None:
    async with memory_hub() as hub:
        shown: list[Purchase] = []

        def watch(message: Snapshot | Tick) -> None:
            if isinstance(message, Tick) and message.purchase:
                shown.append(message.purchase)

        for room_id in ("demo", "other"):
            await hub.watch(f"room:{room_id}", watch)
        feed = RoomFeed(hub)
        nameless = store_order(buyer=BuyerView("", TEXT))
        single = order_view(group_id=None)
        await feed.orders(
            [
                OrderChange("g1", "demo", READY, AT_STORE),
                OrderChange("g2", "demo", READY, AT_STORE, is_placed=True),
                OrderChange("g3", "other", single, nameless, is_placed=True),
            ]
        )
        await wait_until(lambda: len(shown) == 2, what="both rooms' purchases")
    assert {purchase.kind: purchase for purchase in shown} == {
        "group": Purchase("group", "小*", "p1"),
        "order": Purchase("order", "", "p1"),
    }


def _wire(view: object) -> object:
    """The view as JSON has it; of a product, or an order, members that are empty are left out."""
    value = msgspec.to_builtins(view)
    if isinstance(view, Card):
        for name in (
            *("stores", "offered", "offers", "kind", "member_fen"),
            *("option", "variants"),
        ):
            del value["product"][name]
    if isinstance(view, OrderView | StoreOrder):
        for name in ("lines", "promised", "fulfilment", "picks", "discount_fen", "consent_by_ms"):
            del value[name]
    if isinstance(view, OrderView):
        del value["pickup"]["slot"], value["group"]["steps"], value["group"]["award"]
        del value["payment"]
    if isinstance(view, Group):
        del value["steps"], value["award"]
    if isinstance(view, StoreOrder):
        del value["bag"], value["slot"], value["wave"]
    return value
