"""An order of group g1 as its buyer and as its store see it, with any fields of one's own."""

from typing import Any

from commerce.catalogue.values import Text
from commerce.orders.states import OrderState
from commerce.views import BuyerView, OrderView, StoreOrder, StoreView

TEXT = Text("菠菜", "Spinach")
_SHARED: dict[str, Any] = {
    "id": "o1",
    "number": "1001",
    "state": OrderState.NEW,
    "product_id": "p1",
    "name": TEXT,
    "image": "/p1.svg",
    "quantity": 2,
    "total_fen": 1580,
    "group_id": "g1",
    "estate_id": "e1",
    "store": StoreView("s1", TEXT, TEXT),
    "created_at_ms": 1,
    "due_at_ms": 2,
    "refunded_fen": 0,
}


def order_view(**fields: Any) -> OrderView:
    """An order as its buyer sees it."""
    return OrderView(**{**_SHARED, "pickup": None, "group": None, **fields})


def store_order(**fields: Any) -> StoreOrder:
    """An order as its store sees it."""
    own = {"buyer": BuyerView("小林", TEXT), "handed_over_at_ms": None}
    return StoreOrder(**{**_SHARED, **own, **fields})
