"""Small valid values of everything rooms carry."""

from rooms.messages import ChatLine, Sender
from server.bridge.channels.cards import Card, Product
from server.bridge.channels.groups import Group, GroupState
from server.bridge.channels.orders import Buyer, Order, Pickup, StoreOrder, StoreRef
from server.bridge.channels.texts import LocalText

TEXT = LocalText("草莓", "Strawberries")


def product(id: str, left: int = 30) -> Product:
    return Product(id, TEXT, LocalText("盒", "box"), f"/goods/{id}.svg", 1990, 2990, left, None)


def card(id: str, pinned_at_ms: int = 1, left: int = 30) -> Card:
    return Card(product(id, left), pinned_at_ms, None)


def group(id: str, joined: int = 1, state: GroupState = "open") -> Group:
    return Group(id, "p1", "e1", joined, 30, 1590, state, 1_700_000_900_000)


def _order_fields(id: str) -> dict[str, object]:
    return {
        "id": id,
        "number": "A-1",
        "state": "new",
        "product_id": "p1",
        "name": TEXT,
        "image": "/goods/p1.svg",
        "quantity": 1,
        "total_fen": 1590,
        "group_id": None,
        "estate_id": "e1",
        "store": StoreRef("s1", TEXT, TEXT),
        "created_at_ms": 1,
        "due_at_ms": 2,
        "refunded_fen": 0,
    }


def order(id: str) -> Order:
    fields = _order_fields(id)
    return Order(**fields, group=None, pickup=Pickup("ABCD-EFGH-J", "data:,"))  # type: ignore[arg-type]


def store_order(id: str) -> StoreOrder:
    fields = _order_fields(id)
    return StoreOrder(**fields, buyer=Buyer("小林", TEXT), handed_over_at_ms=None)  # type: ignore[arg-type]


def line(id: str, text: str = "好吃吗", role: str = "guest") -> ChatLine:
    return ChatLine(id, Sender("g1", "小林", role), text, 1)
