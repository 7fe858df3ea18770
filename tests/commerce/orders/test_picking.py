"""Waves keep a group together; a pick list sums each item once and loses no unit."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from commerce.orders.lines import OrderLine, OrderPart
from commerce.orders.order import OrderRow
from commerce.orders.picking import SINGLES, bag_numbers, pick_list, read_slot, waves
from commerce.orders.states import OPEN_AT_STORE, OrderState

ORDER = OrderRow(
    "o", "N-1", "g", "e", "r", "s", "tofu", "", 1, 100, 100, 0, OrderState.NEW, None, 0, 1_000,
    2_000, None, "b", "1-0",
)  # fmt: skip
ZONES = {"spinach": ("cold", "2"), "tofu": ("cold", "1"), "rice": ("dry", "1")}

items = st.sampled_from(sorted(ZONES))
units = st.integers(1, 9)
lines = st.builds(
    lambda item, count, parts: OrderLine(item, count, 10, 1 if parts else 0, tuple(parts)),
    items,
    units,
    st.lists(st.builds(OrderPart, items, units, st.just(0)), max_size=3),
)
bags = st.builds(
    lambda found, item, count: replace(
        ORDER, product_id=item, quantity=count, total_fen=count, lines=tuple(found)
    ),
    st.lists(lines, max_size=3),
    items,
    units,
)


@given(st.lists(bags, max_size=8))
def test_a_pick_list_has_each_item_once_with_every_unit_of_every_bag(
    bag_rows: list[OrderRow],
) -> None:
    entries = pick_list(list(enumerate(bag_rows, 1)), ZONES.__getitem__)
    assert [(entry.zone, entry.item_id) for entry in entries] == sorted(
        {(ZONES[item][0], item) for row in bag_rows for item, _ in row.taken},
        key=lambda at: (at[0], ZONES[at[1]][1]),
    )
    for entry in entries:
        assert entry.units == sum(part.units for part in entry.bags)
    per_bag = Counter({(e.item_id, part.bag): part.units for e in entries for part in e.bags})
    expected: Counter[tuple[str, int]] = Counter()
    for bag, row in enumerate(bag_rows, 1):
        for item, count in row.taken:
            expected[item, bag] += count
    assert per_bag == expected


def test_a_group_is_one_wave_and_orders_without_one_are_another() -> None:
    rows = [
        replace(ORDER, id="1", number="N-2", group_id="g1", created_at_ms=5),
        replace(ORDER, id="2", number="N-1", group_id="g1", created_at_ms=4, due_at_ms=1_500),
        replace(ORDER, id="3", number="N-3"),
        replace(ORDER, id="4", number="N-4", group_id="g2", state=OrderState.PICKING),
        replace(ORDER, id="5", number="N-5", state=OrderState.HANDED_OVER),
    ]
    made = waves(rows)
    assert [(wave.id, wave.state, [row.id for row in wave.orders]) for wave in made] == [
        ("g1", OrderState.NEW, ["2", "1"]),
        (SINGLES, OrderState.NEW, ["3"]),
        ("g2", OrderState.PICKING, ["4"]),
    ]
    assert made[0].due_at_ms == 1_500


@given(st.lists(st.sampled_from(list(OrderState)), max_size=12))
def test_every_open_order_is_in_one_wave(states: list[OrderState]) -> None:
    rows = [replace(ORDER, id=str(at), state=state) for at, state in enumerate(states)]
    shown = sorted(int(row.id) for wave in waves(rows) for row in wave.orders)
    assert shown == [at for at, state in enumerate(states) if state in OPEN_AT_STORE]


def test_a_bag_keeps_its_number_and_new_ones_come_after() -> None:
    rows = [replace(ORDER, id=id) for id in ("a", "b", "c")]
    assert bag_numbers(rows, {}) == {"a": 1, "b": 2, "c": 3}
    assert bag_numbers(rows, {"b": 7}) == {"a": 8, "b": 7, "c": 9}


def test_a_slot_is_read_as_it_is_typed_or_scanned() -> None:
    typed = {" a1 ": "A1", "Ｂ-12": "B-12", "": "", "-1": None, "A1 B2": None, "ABCDEFGHI": None}
    assert {text: read_slot(text) for text in typed} == typed
