"""The rule of the ledger: stock, seats and money of a batch, and of a batch delivered again."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from commerce.errors import Refusal
from commerce.groups.group import Group, GroupState
from commerce.money.payments import PaymentOutcome
from commerce.orders.ledger import Facts, Plan, plan
from commerce.orders.order import Entry
from commerce.orders.states import OrderState, due_at_ms

OPEN = Group("open", "p", "e", 1, 3, 100, GroupState.OPEN, 1_000)
EXPIRED = Group("expired", "p", "e", 1, 3, 100, GroupState.EXPIRED, 5)


def entry(order: int, household: str, quantity: int, group_id: str = "", at_ms: int = 10) -> Entry:
    """An admitted tap."""
    return Entry(
        f"{order}-0", f"{order:032}", "b", household, "e", "r", "p", quantity, 100, group_id, "s",
        at_ms, "",
    )  # fmt: skip


def planned(entries: list[Entry], facts: Facts) -> Plan:
    """The plan of a batch whose payments all arrived."""
    return plan(entries, {tap.order_id: PaymentOutcome.PAID for tap in entries}, facts, 1)


taps = st.lists(
    st.tuples(
        st.integers(0, 8),
        st.sampled_from("abcdef"),
        st.integers(1, 3),
        st.sampled_from(["", "open", "expired", "unknown"]),
        st.sampled_from([PaymentOutcome.PAID, PaymentOutcome.PAID, PaymentOutcome.DECLINED]),
    ),
    max_size=15,
)


@given(taps, st.integers(0, 12))
def test_a_batch_never_oversells_and_every_payment_is_kept_or_refunded(
    drawn: list[tuple[int, str, int, str, PaymentOutcome]], free: int
) -> None:
    entries = [
        entry(order, household, quantity, group) for order, household, quantity, group, _ in drawn
    ]
    payments = {entry.order_id: drawn[at][4] for at, entry in reversed(list(enumerate(entries)))}
    facts = Facts(
        free={("p", "s"): free},
        groups={"open": OPEN, "expired": EXPIRED},
        seats={("open", "a")},
    )
    made = plan(entries, payments, facts, 1)
    assert sum(order.quantity for order in made.sales) <= free
    assert len(made.verdicts) == len(entries)
    assert len({order.id for order in made.orders}) == len(made.orders)
    assert len({order.number for order in made.orders}) == len(made.orders)
    assert {t.order_id for t in made.transfers} == {o.id for o in made.orders if o.paid_fen}
    assert made.refunds == [order for order in made.orders if order.refused and order.paid_fen]
    joined = [order.guest_id for order in made.sales if order.group_id]
    assert len(joined) == len(set(joined)) == made.joined.get("open", 0)
    assert made.groups["open"].joined == 1 + len(joined)
    assert "a" not in joined
    reached = 1 + len(joined) >= 3
    assert bool(made.reached) == reached
    for order in made.sales:
        waits = bool(order.group_id) and not reached
        assert order.state is (OrderState.WAITING_GROUP if waits else OrderState.NEW)


def test_a_batch_delivered_again_changes_nothing() -> None:
    taken = [entry(1, "a", 1), entry(2, "b", 1)]
    first = planned(taken, Facts(free={("p", "s"): 5}))
    facts = Facts(known={order.id: order for order in first.orders}, free={("p", "s"): 3})
    again = planned(taken, facts)
    assert (again.orders, again.transfers, again.joined) == ([], [], {})
    assert [verdict.sold for verdict in again.verdicts] == [True, True]


def test_a_key_that_the_gate_forgot_gets_its_first_answer_and_its_second_hold_goes_back() -> None:
    [order] = planned([entry(1, "a", 1)], Facts(free={("p", "s"): 5})).orders
    facts = Facts(known={order.id: order}, free={("p", "s"): 4})
    forgotten = replace(entry(1, "a", 1), entry_id="9-0")
    [verdict] = planned([forgotten], facts).verdicts
    assert (verdict.order, verdict.sold, verdict.refusal) == (order, False, None)
    [verdict] = planned([replace(forgotten, body_hash="x")], facts).verdicts
    assert (verdict.sold, verdict.refusal) == (False, Refusal.KEY_REUSED)


def test_a_refusal_of_the_record_cancels_the_order_and_refunds_it() -> None:
    facts = Facts(free={("p", "s"): 1}, groups={"open": OPEN}, seats={("open", "b")})
    made = planned([entry(1, "a", 2), entry(2, "b", 1, "open"), entry(3, "c", 1, "gone")], facts)
    assert [order.refused for order in made.orders] == [
        Refusal.SOLD_OUT,
        Refusal.ALREADY_JOINED,
        Refusal.GROUP_CLOSED,
    ]
    assert {order.state for order in made.orders} == {OrderState.CANCELLED}
    assert made.refunds == made.orders
    assert made.sales == []


def test_a_declined_payment_leaves_no_transfer_and_no_refund() -> None:
    tap = entry(1, "a", 1)
    made = plan([tap], {tap.order_id: PaymentOutcome.DECLINED}, Facts(free={("p", "s"): 5}), 1)
    assert (made.transfers, made.refunds, made.sales) == ([], [], [])
    assert made.orders[0].refused is Refusal.PAYMENT_DECLINED


def test_the_household_that_completes_a_group_starts_the_clock_of_all_its_orders() -> None:
    facts = Facts(free={("p", "s"): 9}, groups={"open": OPEN})
    taken = [
        entry(1, "b", 1, "open", 10),
        entry(2, "c", 1, "open", 30),
        entry(3, "d", 1, "open", 40),
    ]
    made = planned(taken, facts)
    assert made.reached == {"open": 30}
    assert made.joined == {"open": 3}
    assert [order.due_at_ms for order in made.orders] == [
        due_at_ms(30),
        due_at_ms(30),
        due_at_ms(40),
    ]
    assert [verdict.order for verdict in made.verdicts] == made.orders


def test_a_tap_is_judged_by_its_own_time_and_not_by_the_time_of_the_batch() -> None:
    facts = Facts(free={("p", "s"): 9}, groups={"open": OPEN})
    made = planned([entry(1, "b", 1, "open", 999), entry(2, "c", 1, "open", 1_000)], facts)
    assert [order.refused for order in made.orders] == [None, Refusal.GROUP_CLOSED]
