"""The provider in memory keeps the port's promises; the contract suite checks it beside others."""

import asyncio
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from commerce.money.payments import Charge, MemoryPayments, PaymentOutcome, Refund

orders = st.sampled_from(["a", "b", "c"])
amounts = st.integers(1, 5)
calls_of = st.lists(
    st.one_of(
        st.builds(Charge, orders, st.sampled_from(["anna", "poor"]), amounts),
        st.builds(Refund, orders, amounts, st.integers(1, 3)),
    ),
    max_size=20,
)


def refunded_fen(payments: MemoryPayments, order_id: str) -> int:
    """What went back of an order."""
    return sum(fen for (order, _), fen in payments.refunded.items() if order == order_id)


@given(calls_of)
def test_any_calls_have_one_effect_per_order_and_refunds_stay_within_charges(
    calls: Sequence[Charge | Refund],
) -> None:
    payments = MemoryPayments()
    payments.declines.add("poor")
    first: dict[str, PaymentOutcome] = {}

    async def main() -> None:
        for call in calls:
            if isinstance(call, Charge):
                [outcome] = await payments.charge([call])
                assert outcome is first.setdefault(call.order_id, outcome)
            else:
                paid, paid_fen = payments.charged.get(call.order_id, (None, 0))
                made = (call.order_id, call.n) in payments.refunded
                given = refunded_fen(payments, call.order_id)
                [outcome] = await payments.refund([call])
                possible = paid is PaymentOutcome.PAID and call.amount_fen <= paid_fen - given
                assert (outcome is PaymentOutcome.PAID) == (possible or made)

    asyncio.run(main())
    for order_id, _ in payments.refunded:
        outcome, paid_fen = payments.charged[order_id]
        assert outcome is PaymentOutcome.PAID
        assert refunded_fen(payments, order_id) <= paid_fen


def test_answers_come_in_the_order_of_the_charges() -> None:
    payments = MemoryPayments()
    payments.declines.add("poor")
    charges = [Charge("a", "anna", 1), Charge("b", "poor", 1), Charge("c", "anna", 1)]
    assert asyncio.run(payments.charge(charges)) == [
        PaymentOutcome.PAID,
        PaymentOutcome.DECLINED,
        PaymentOutcome.PAID,
    ]
