"""Views: what a store sees of an order, and what only the buyer sees."""

from dataclasses import fields

from commerce.views import BuyerView, Card, OrderView, ProductView, StoreOrder


def names(view: type) -> set[str]:
    """Field names of a view."""
    return {field.name for field in fields(view)}


def test_a_store_never_sees_the_pickup_code() -> None:
    assert names(OrderView) - names(StoreOrder) == {"pickup", "group", "payment"}


def test_a_store_sees_the_buyer_only_by_nickname_and_estate() -> None:
    assert names(StoreOrder) - names(OrderView) == {
        "buyer",
        "handed_over_at_ms",
        "bag",
        "slot",
        "wave",
    }
    assert names(BuyerView) == {"nickname", "estate_name"}
    assert "guest_id" not in names(StoreOrder) | names(OrderView)


def test_amounts_and_times_carry_their_units() -> None:
    for view in (OrderView, StoreOrder, ProductView, Card):
        for field in fields(view):
            if "price" in field.name or "total" in field.name or "refunded" in field.name:
                assert field.name.endswith("_fen")
            if field.name.endswith("_at") or "_at_" in field.name:
                assert field.name.endswith("_ms")
