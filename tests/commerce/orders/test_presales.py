"""Presales: cut-off, hand-over, and how a night's wave is paced."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commerce.catalogue.values import Text
from commerce.errors import InvalidField, Refusal, Refused
from commerce.orders.presales import (
    ORDERS_MAX,
    NewPresale,
    Presale,
    check,
    packing_windows,
    plan_batches,
    presale_of,
    presale_of_order,
    presale_route,
    wave_capacity,
)
from commerce.orders.promise import (
    CHINA_MS,
    HOUR_MS,
    WINDOW_MS,
    Fulfilment,
    PackingStore,
    Span,
    wave_slot,
)

EVERY_DAY = ",".join(["08:00-21:00"] * 7)


def china(day: int, hour: int) -> int:
    """A time of June 2026 in China, of which the 5th is a Friday."""
    return int(datetime(2026, 6, day, hour, tzinfo=UTC).timestamp() * 1_000) - CHINA_MS


FRIDAY, SATURDAY, NOON = china(5, 20), china(6, 10), china(6, 12)
NAME = Text("周五预售", "Friday presale")
MEALS = Presale("p1", "b", NAME, ("meal", "soup"), FRIDAY, SATURDAY, NOON, {"a": 100})
NEXT = replace(
    MEALS,
    id="p2",
    cut_off_ms=FRIDAY + 7 * 24 * HOUR_MS,
    ready_by_ms=SATURDAY + 7 * 24 * HOUR_MS,
    until_ms=NOON + 7 * 24 * HOUR_MS,
)
NEW = NewPresale(NAME, ("meal",), FRIDAY, SATURDAY, NOON)


def test_goods_are_sold_in_the_presale_that_takes_orders_and_then_in_the_last_one() -> None:
    assert presale_of([MEALS, NEXT], "meal", now_ms=FRIDAY - 1) is MEALS
    assert presale_of([MEALS, NEXT], "meal", now_ms=FRIDAY) is NEXT
    assert presale_of([MEALS], "meal", now_ms=FRIDAY) is MEALS
    assert presale_of([MEALS], "meal", now_ms=NOON) is None
    assert presale_of([MEALS], "tea", now_ms=FRIDAY - 1) is None


def test_goods_of_a_presale_are_not_ordered_with_others() -> None:
    assert presale_of_order([MEALS], ["meal", "soup"], now_ms=FRIDAY - 1) is MEALS
    assert presale_of_order([MEALS], ["tea", "rice"], now_ms=FRIDAY - 1) is None
    with pytest.raises(Refused) as refused:
        presale_of_order([MEALS], ["tea", "soup"], now_ms=FRIDAY - 1)
    assert (refused.value.refusal, refused.value.product_id) == (Refusal.PRESALE_APART, "soup")


def test_taps_take_places_of_the_wave_until_the_cut_off() -> None:
    stores = [PackingStore("a", EVERY_DAY, 20, delivers=True), PackingStore("b")]
    found = presale_route(MEALS, stores, Fulfilment.PICKUP, now_ms=FRIDAY - 1)
    slot = f" {wave_slot(SATURDAY)}"
    assert dict(zip(found.stores, found.slots, strict=True)) == {"a": slot, "b": slot}
    assert presale_route(MEALS, stores, Fulfilment.DELIVERY, now_ms=FRIDAY - 1).stores == ("a",)
    assert presale_route(MEALS, stores, Fulfilment.PICKUP, now_ms=FRIDAY).stores == ()
    assert MEALS.handover(Fulfilment.PICKUP) == Span(SATURDAY, NOON)
    assert MEALS.handover(Fulfilment.DELIVERY) == Span(SATURDAY + WINDOW_MS, NOON)


def test_no_tap_goes_to_a_store_that_cancelled_or_whose_presale_it_is_not() -> None:
    stores = [PackingStore("a"), PackingStore("b")]
    for presale in (
        replace(MEALS, cancelled=frozenset({"b"})),
        replace(MEALS, store_id="a"),  # b may have one of its own for the same morning
    ):
        found = presale_route(presale, stores, Fulfilment.PICKUP, now_ms=FRIDAY - 1)
        assert found.stores == ("a",)
        assert [one.store_id for one in found.ruled_out] == ["b"]


def test_a_store_packs_a_wave_while_it_is_shut_or_beside_its_other_orders() -> None:
    night = PackingStore("a", EVERY_DAY, 20)
    assert wave_capacity(night, FRIDAY, SATURDAY) == (6 + 16) * 20  # 21:00 to 08:00
    assert wave_capacity(replace(night, opening_hours=""), FRIDAY, SATURDAY) == 28 * 20
    assert wave_capacity(replace(night, capacity=None), FRIDAY, SATURDAY) == ORDERS_MAX
    first = packing_windows(PackingStore("a"), FRIDAY + 1, SATURDAY)[0]
    assert first.from_ms == FRIDAY + WINDOW_MS


@given(st.integers(0, 400), st.sampled_from([None, 0, 1, 7, 60]), st.integers(1, 28))
@settings(max_examples=60)
def test_every_order_of_a_wave_is_in_one_batch_by_its_last_window(
    orders: int, capacity: int | None, count: int
) -> None:
    windows = packing_windows(PackingStore("a"), FRIDAY, FRIDAY + count * WINDOW_MS)
    batches = plan_batches(orders, windows, capacity)
    packed = [n for batch in batches for n in range(batch.first, batch.first + batch.orders)]
    assert packed == list(range(orders))
    assert [batch.window for batch in batches] == windows[: len(batches)]
    if capacity and orders <= capacity * count:
        assert all(batch.orders <= capacity for batch in batches)


@pytest.mark.parametrize(
    ("changes", "member"),
    [
        ({"name": Text("", "x")}, "name.zh"),
        ({"products": ()}, "product_ids"),
        ({"products": ("meal", "meal")}, "product_ids"),
        ({"cut_off_ms": FRIDAY - 48 * HOUR_MS}, "cut_off_ms"),
        ({"ready_by_ms": SATURDAY + 1}, "ready_by_ms"),
        ({"ready_by_ms": FRIDAY}, "ready_by_ms"),
        ({"until_ms": SATURDAY + WINDOW_MS}, "until_ms"),
        ({"capacities": {"a": -1}}, "capacities"),
    ],
)
def test_a_presale_that_cannot_be_names_the_member(changes: dict[str, object], member: str) -> None:
    check(NEW, now_ms=FRIDAY - 24 * HOUR_MS)
    with pytest.raises(InvalidField) as error:
        check(replace(NEW, **changes), now_ms=FRIDAY - 24 * HOUR_MS)  # type: ignore[arg-type]  # by name
    assert error.value.member == member
