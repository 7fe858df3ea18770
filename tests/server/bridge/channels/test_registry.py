"""The registry of features: complete, without overlaps, and each event in its lane."""

import msgspec

from server.bridge.channels.cards import CardPinned, StockChanged, Variant
from server.bridge.channels.groups import GroupChanged
from server.bridge.channels.live import LiveChanged
from server.bridge.channels.registry import FEATURES, RULES, RoomState, StoreState
from tests.support.room_examples import card, group


def test_each_member_of_the_state_belongs_to_one_feature() -> None:
    members = [feature.member for feature in FEATURES if feature.member]
    assert sorted([*members, "counters", "chat"]) == sorted(RoomState.__struct_fields__)


def test_each_event_has_one_tag_and_belongs_to_one_feature() -> None:
    events = [kind for feature in FEATURES for kind in feature.events]
    tags = [kind.__struct_config__.tag for kind in events]
    assert len(set(events)) == len(set(tags)) == len(events)
    for feature in FEATURES:
        assert bool(feature.member) == bool(feature.reducers)


def test_state_on_the_wire_keeps_its_order() -> None:
    names = list(msgspec.to_builtins(RoomState()))
    assert names == [
        *("live", "cards", "groups", "poll", "questions", "notice", "coupons", "upcoming"),
        *("draw", "chat_rules", "flash", "shelf", "next_room", "counters", "chat"),
    ]


def test_stock_of_a_variant_changes_on_its_card() -> None:
    pinned = card("p1")
    variant = msgspec.convert(card("p2").product, Variant, from_attributes=True)
    family = msgspec.structs.replace(
        pinned, product=msgspec.structs.replace(pinned.product, variants=(variant,))
    )
    state = RULES.apply(RoomState(cards=(family,)), StockChanged(product_id="p2", left=0))
    assert isinstance(state, RoomState)
    [after] = state.cards
    assert (after.product.left, after.product.variants[0].left) == (pinned.product.left, 0)


def test_store_has_no_state() -> None:
    pinned = CardPinned(card=card("p1"))
    assert RULES.apply(RULES.empty_state("store:s1"), pinned) == StoreState()
    assert RULES.apply(RULES.empty_state("room:demo"), pinned) == RoomState(cards=(card("p1"),))


def test_state_changes_and_sold_out_are_urgent() -> None:
    assert LiveChanged(state="live", started_at_ms=1).is_urgent
    assert CardPinned(card=card("p1")).is_urgent
    assert StockChanged(product_id="p1", left=0).is_urgent
    assert not StockChanged(product_id="p1", left=1).is_urgent
    assert GroupChanged(group=group("g1", 30, "reached")).is_urgent
    assert not GroupChanged(group=group("g1", 29)).is_urgent
