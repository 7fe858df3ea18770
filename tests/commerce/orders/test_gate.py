"""The rule of the gate: units are conserved, limits hold, a key has one answer."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from commerce.errors import Refusal
from commerce.orders.gate import (
    BACKLOG_MAX,
    IDEMPOTENCY_MS,
    LIMIT_WINDOW_MS,
    Gate,
    GateGroup,
    GateProduct,
)
from commerce.orders.lines import TapLine
from commerce.orders.tap import Decision, Status, Tap

UNITS = {("tea", "s1"): 3, ("tea", "s2"): 5, ("pear", "s1"): 4}
LIMIT = 4
ENDS_AT_MS = 1_000


def gate_of() -> Gate:
    """Tea at 100 fen, pears at 90 in group g of estate e."""
    return Gate(
        available=dict(UNITS),
        products={
            "tea": GateProduct(100, LIMIT),
            "pear": GateProduct(100, LIMIT),
            "gone": GateProduct(100, LIMIT, on_sale=False),
            "dinner": GateProduct(250, LIMIT, recipe_version=1),
        },
        groups={"g": GateGroup("e", "pear", 90, ENDS_AT_MS)},
        open_groups={("e", "pear"): "g"},
    )


def tap(
    guest: str = "anna", product: str = "tea", units: int = 1, key: str = "k", home: str = ""
) -> Tap:
    """A tap of a household in estate e."""
    group = "g" if product == "pear" else ""
    return Tap(
        order_id=f"{guest}-{product}-{key}",
        body_hash=f"{product}{units}",
        guest_id=guest,
        estate_id="e",
        room_id="r",
        product_id=product,
        quantity=units,
        group_id=group,
        explicit=False,
        expected_price_fen=None,
        stores=("s1", "s2"),
        household_id=home,
    )


def bag(guest: str, units: int, tea: int, key: str = "k") -> Tap:
    """Dinners of two teas and a pear, and teas beside them."""
    lines = [TapLine("dinner", units, None, 1), TapLine("tea", tea)][: 2 if tea else 1]
    return replace(
        tap(guest, "dinner", units, key),
        order_id=f"{guest}-bag-{key}",
        body_hash=f"bag{units}{tea}",
        lines=tuple(lines),
        needs=(("tea", 2 * units + tea), ("pear", units)),
    )


plain_taps = st.builds(
    tap,
    st.sampled_from(["anna", "bo", "cai"]),
    st.sampled_from(["tea", "pear", "gone", "unknown"]),
    st.integers(1, 4),
    st.sampled_from(["k1", "k2", "k3"]),
)
bags = st.builds(
    bag,
    st.sampled_from(["anna", "bo", "cai"]),
    st.integers(1, 2),
    st.integers(0, 2),
    st.sampled_from(["k1", "k2", "k3"]),
)
taps = plain_taps | bags
steps_of = st.lists(taps | st.booleans(), max_size=40)


@given(steps_of)
def test_units_are_available_held_or_sold_and_never_negative(steps: list[Tap | bool]) -> None:
    gate, sold, queue = gate_of(), Counter[tuple[str, str]](), list[str]()
    for step in steps:
        if isinstance(step, Tap):
            if gate.admit(step, at_ms=0).status is Status.ADMITTED:
                queue.append(step.order_id)
        elif queue:
            order_id = queue.pop(0)
            hold = gate.holds[order_id]
            for item, units in hold.needs:
                sold[item, hold.store_id] += units * step
            gate.settle(order_id, sold=step)
        for row, units in UNITS.items():
            assert gate.available[row] + gate.held(*row) + sold[row] == units
            assert gate.available[row] >= 0
        assert gate.backlog == len(queue) == len(gate.holds)


@given(st.lists(taps, max_size=40))
def test_no_household_takes_more_than_its_limit_or_two_seats(steps: list[Tap]) -> None:
    gate, taken, seats = gate_of(), Counter[tuple[str, str]](), Counter[str]()
    for step in steps:
        decision = gate.admit(step, at_ms=0)
        if decision.status is Status.ADMITTED:
            for line in step.all_lines:
                taken[step.guest_id, line.product_id] += line.units
            seats[step.guest_id] += decision.group_id == "g"
    assert all(units <= LIMIT for units in taken.values())
    assert all(count <= 1 for count in seats.values())


@given(st.lists(taps, max_size=20), taps)
def test_a_key_keeps_its_answer(before: list[Tap], repeated: Tap) -> None:
    gate = gate_of()
    for step in before:
        gate.admit(step, at_ms=0)
    first = gate.admit(repeated, at_ms=0)
    again = gate.admit(repeated, at_ms=1)
    if first.status is Status.ADMITTED:
        first = Decision(Status.REPLAYED)
    assert again == first


def test_a_key_with_another_body_is_refused() -> None:
    gate = gate_of()
    gate.admit(tap(units=1), at_ms=0)
    assert gate.admit(tap(units=2), at_ms=0) == Decision(Status.REFUSED, Refusal.KEY_REUSED)


def test_a_key_is_forgotten_after_a_day() -> None:
    gate = gate_of()
    gate.admit(tap(), at_ms=0)
    assert gate.admit(tap(), at_ms=IDEMPOTENCY_MS - 1).status is Status.REPLAYED
    assert gate.admit(tap(), at_ms=IDEMPOTENCY_MS).status is Status.ADMITTED


def test_the_limit_counts_a_day_from_the_first_unit() -> None:
    gate = gate_of()
    gate.admit(tap(units=3), at_ms=0)
    refused = gate.admit(tap(units=2, key="k2"), at_ms=LIMIT_WINDOW_MS - 1)
    assert refused == Decision(Status.REFUSED, Refusal.LIMIT_REACHED, left=1)
    assert gate.admit(tap(units=2, key="k3"), at_ms=LIMIT_WINDOW_MS).status is Status.ADMITTED


def test_the_first_store_with_enough_units_serves() -> None:
    gate = gate_of()
    assert gate.admit(tap(units=4), at_ms=0).store_id == "s2"
    assert gate.admit(tap("bo", units=3), at_ms=0).store_id == "s1"
    sold_out = gate.admit(tap("cai", units=2), at_ms=0)
    assert sold_out == Decision(Status.REFUSED, Refusal.SOLD_OUT, left=1)


def test_a_hold_that_goes_back_frees_units_seat_and_limit() -> None:
    gate = gate_of()
    joined = tap(product="pear", units=4)
    assert gate.admit(joined, at_ms=0).price_fen == 90
    gate.settle(joined.order_id, sold=False)
    assert gate.available == UNITS
    assert gate.groups["g"].seats == {}
    again = gate.admit(replace(joined, order_id="another"), at_ms=0)
    assert (again.status, again.group_id) == (Status.ADMITTED, "g")


def test_two_lines_with_an_item_in_common_are_checked_together() -> None:
    gate = gate_of()  # 3 teas and 4 pears in s1, 5 teas and no pears in s2
    refused = gate.admit(bag("anna", 1, 2), at_ms=0)
    assert refused == Decision(Status.REFUSED, Refusal.SOLD_OUT, 3, product_id="tea")
    assert gate.admit(bag("anna", 1, 1, "k2"), at_ms=0).store_id == "s1"


def test_of_a_set_as_many_are_left_as_the_scarcest_part_makes() -> None:
    refused = gate_of().admit(bag("anna", 2, 0), at_ms=0)
    assert refused == Decision(Status.REFUSED, Refusal.SOLD_OUT, left=1)


def test_the_limit_counts_each_line() -> None:
    gate = gate_of()
    gate.admit(tap(units=3), at_ms=0)
    refused = gate.admit(bag("anna", 1, 2), at_ms=0)
    assert refused == Decision(Status.REFUSED, Refusal.LIMIT_REACHED, 1, product_id="tea")


def test_several_lines_join_no_group_by_themselves() -> None:
    gate = gate_of()
    gate.open_groups["e", "dinner"] = "g"
    gate.available["tea", "s1"] = 9
    assert gate.admit(bag("anna", 1, 0), at_ms=0).status is Status.OTHER_GROUP
    assert gate.admit(bag("anna", 1, 1), at_ms=0).group_id == ""


def test_another_recipe_decides_nothing() -> None:
    gate = gate_of()
    gate.products["dinner"].recipe_version = 2
    assert gate.admit(bag("anna", 1, 0), at_ms=0) == Decision(Status.STALE)
    assert (gate.available, gate.holds, gate.backlog) == (UNITS, {}, 0)


def test_after_the_deadline_only_an_explicit_tap_is_refused() -> None:
    gate, late = gate_of(), tap(product="pear")
    alone = gate.admit(late, at_ms=ENDS_AT_MS)
    assert (alone.status, alone.group_id, alone.price_fen) == (Status.ADMITTED, "", 100)
    explicit = replace(late, explicit=True, order_id="another")
    assert gate.admit(explicit, at_ms=ENDS_AT_MS).refusal is Refusal.GROUP_CLOSED


def test_undecided_taps_leave_no_trace() -> None:
    gate = gate_of()
    gate.backlog = BACKLOG_MAX
    assert gate.admit(tap(), at_ms=0) == Decision(Status.BUSY)
    gate.backlog = 0
    stale = replace(tap(product="pear"), group_id="older")
    assert gate.admit(stale, at_ms=0) == Decision(Status.OTHER_GROUP, group_id="g")
    assert (gate.available, gate.holds) == (UNITS, {})
    assert gate.admit(tap(), at_ms=0).status is Status.ADMITTED


def test_people_of_one_household_share_its_seat_and_its_limit() -> None:
    rule = gate_of()
    assert rule.admit(tap("anna", "pear", home="h"), at_ms=0).status is Status.ADMITTED
    seat = rule.admit(tap("bo", "pear", home="h"), at_ms=0)
    assert seat.refusal is Refusal.ALREADY_JOINED
    assert rule.admit(tap("cai", "pear"), at_ms=0).status is Status.ADMITTED
    for turn in range(LIMIT):
        rule.admit(tap("anna", key=f"k{turn}", home="h"), at_ms=0)
    assert rule.admit(tap("bo", home="h"), at_ms=0).refusal is Refusal.LIMIT_REACHED
    assert rule.admit(tap("cai"), at_ms=0).status is Status.ADMITTED
