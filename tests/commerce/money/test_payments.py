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
        st.builds(Refund, orders, amounts),
    ),
    max_size=20,
)


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
                [outcome] = await payments.refund([call])
                possible = paid is PaymentOutcome.PAID and call.amount_fen <= paid_fen
                assert (outcome is PaymentOutcome.PAID) == possible

    asyncio.run(main())
    for order_id, fen in payments.refunded.items():
        outcome, paid_fen = payments.charged[order_id]
        assert outcome is PaymentOutcome.PAID
        assert fen <= paid_fen


def test_answers_come_in_the_order_of_the_charges() -> None:
    payments = MemoryPayments()
    payments.declines.add("poor")
    charges = [Charge("a", "anna", 1), Charge("b", "poor", 1), Charge("c", "anna", 1)]
    assert asyncio.run(payments.charge(charges)) == [
        PaymentOutcome.PAID,
        PaymentOutcome.DECLINED,
        PaymentOutcome.PAID,
    ]
