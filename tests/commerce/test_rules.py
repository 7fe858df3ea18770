"""The rules of selling that need nothing but values."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.catalogue.values import Estate, Position, Store, Text
from commerce.errors import IllegalMove, Refusal
from commerce.groups import group
from commerce.groups.group import EXPIRY_GRACE_MS, Group, GroupState
from commerce.money.payments import PaymentOutcome
from commerce.orders import states
from commerce.orders.ledger import Facts, plan
from commerce.orders.order import Entry, body_hash_of, order_id_of
from commerce.orders.pickup import ALPHABET, CODE_BITS, code_of, read, shown
from commerce.orders.routing import candidates, distance_m
from commerce.orders.states import OrderState, check_clerk_move, check_move

WORDS = Text("", "")
HANGZHOU, SHANGHAI = Position(30.2741, 120.1551), Position(31.2304, 121.4737)


@given(st.integers(0, (1 << CODE_BITS) - 1), st.data())
def test_a_code_is_read_however_it_is_typed(bits: int, data: st.DataObject) -> None:
    code = code_of(bits)
    typed = "".join(
        data.draw(st.sampled_from({"0": "0Oo", "1": "1IiLl"}.get(symbol, symbol + symbol.lower())))
        for symbol in shown(code)
    )
    assert read(f" {typed}\t") == code
    assert set(code) <= set(ALPHABET)


@given(st.text(max_size=20))
def test_whatever_is_typed_is_a_code_or_none(typed: str) -> None:
    code = read(typed)
    assert code is None or set(code) <= set(ALPHABET)


def test_a_code_has_at_least_40_random_bits_and_is_shown_in_fours() -> None:
    assert CODE_BITS >= 40
    assert shown(code_of(1)) == "0000-0000-1"
    assert read("0000-0000-U") is None
    assert read("0000-0000") is None


def test_an_order_only_goes_where_the_table_says() -> None:
    for state in OrderState:
        for to in OrderState:
            if (state, to) in states.TRANSITIONS:
                check_move(state, to)
            else:
                with pytest.raises(IllegalMove):
                    check_move(state, to)
    final = {OrderState.HANDED_OVER, OrderState.CANCELLED}
    assert {state for state, _ in states.TRANSITIONS}.isdisjoint(final)


def test_a_clerk_neither_ends_a_wait_nor_hands_over_without_a_code() -> None:
    for state, to in (
        (OrderState.WAITING_GROUP, OrderState.NEW),
        (OrderState.WAITING_GROUP, OrderState.CANCELLED),
        (OrderState.READY, OrderState.HANDED_OVER),
    ):
        with pytest.raises(IllegalMove):
            check_clerk_move(state, to)


def test_a_group_that_ended_stays_ended() -> None:
    ended = {GroupState.DONE, GroupState.EXPIRED, GroupState.CANCELLED}
    assert {state for state, _ in group.TRANSITIONS}.isdisjoint(ended)
    open_group = Group("g", "p", "e", 0, 2, 100, GroupState.OPEN, 1_000)
    assert open_group.joinable(999)
    assert not open_group.joinable(1_000)
    assert not open_group.overdue(999 + EXPIRY_GRACE_MS)
    assert open_group.overdue(1_000 + EXPIRY_GRACE_MS)


def test_an_estates_own_store_comes_first_and_then_the_nearest() -> None:
    stores = [
        Store("far", WORDS, WORDS, Position(30.4, 120.3)),
        Store("own", WORDS, WORDS, Position(30.3, 120.2)),
        Store("near", WORDS, WORDS, Position(30.2741, 120.1552)),
    ]
    assert candidates(Estate("e", WORDS, HANGZHOU, "own"), stores) == ("own", "near", "far")
    assert distance_m(HANGZHOU, SHANGHAI) == pytest.approx(164_400, rel=0.01)


def test_a_key_is_one_order_id_per_household() -> None:
    assert order_id_of("anna", "key") == order_id_of("anna", "key")
    ids = {order_id_of("anna", "key"), order_id_of("anna", "yek"), order_id_of("bo", "key")}
    assert len(ids) == 3
    assert body_hash_of("r", "p", "", 1) != body_hash_of("r", "p", "", 2)


def entry(order: int, household: str, quantity: int, group_id: str = "", at_ms: int = 10) -> Entry:
    """An admitted tap."""
    return Entry(
        f"{order}-0", f"{order:032}", "b", household, "e", "r", "p", quantity, 100, group_id, "s",
        at_ms, "",
    )  # fmt: skip


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
def test_a_batch_never_oversells_and_every_payment_is_kept_or_goes_back(
    drawn: list[tuple[int, str, int, str, PaymentOutcome]], free: int
) -> None:
    entries = [
        entry(order, household, quantity, group) for order, household, quantity, group, _ in drawn
    ]
    payments = {entry.order_id: drawn[at][4] for at, entry in reversed(list(enumerate(entries)))}
    facts = Facts(
        free={("p", "s"): free},
        groups={
            "open": Group("open", "p", "e", 1, 3, 100, GroupState.OPEN, 1_000),
            "expired": Group("expired", "p", "e", 1, 3, 100, GroupState.EXPIRED, 5),
        },
        seats={("open", "a")},
    )
    made = plan(entries, payments, facts, 1)
    assert sum(order.quantity for order in made.sales) <= free
    assert len(made.verdicts) == len(entries)
    assert len({order.id for order in made.orders}) == len(made.orders)
    assert {t.order_id for t in made.transfers} == {o.id for o in made.orders if o.paid_fen}
    assert made.refunds == [order for order in made.orders if order.refused and order.paid_fen]
    joined = [order.guest_id for order in made.sales if order.group_id]
    assert len(joined) == len(set(joined)) == made.joined.get("open", 0)
    assert "a" not in joined
    reached = 1 + len(joined) >= 3
    assert bool(made.reached) == reached
    for order in made.sales:
        waits = bool(order.group_id) and not reached
        assert order.state is (OrderState.WAITING_GROUP if waits else OrderState.NEW)


def test_a_batch_that_comes_again_changes_nothing() -> None:
    taken = [entry(1, "a", 1), entry(2, "b", 1)]
    payments = {tap.order_id: PaymentOutcome.PAID for tap in taken}
    first = plan(taken, payments, Facts(free={("p", "s"): 5}), 1)
    facts = Facts(known={order.id: order for order in first.orders}, free={("p", "s"): 3})
    again = plan(taken, payments, facts, 3)
    assert (again.orders, again.transfers, again.joined) == ([], [], {})
    assert [verdict.sold for verdict in again.verdicts] == [True, True]
    other = entry(1, "a", 1)
    forgotten = replace(other, entry_id="9-0")
    [verdict] = plan([forgotten], payments, facts, 3).verdicts
    assert (verdict.sold, verdict.refusal) == (False, None)
    reused = replace(other, body_hash="x")
    [verdict] = plan([reused], payments, facts, 3).verdicts
    assert (verdict.sold, verdict.refusal) == (False, Refusal.KEY_REUSED)
