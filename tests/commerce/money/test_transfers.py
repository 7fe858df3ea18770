"""Transfers: what goes out of one account comes into another."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from commerce.money.transfers import (
    PROVIDER,
    UNEARNED,
    Transfer,
    TransferKind,
    charged,
    earned,
    refunded,
)

amounts = st.integers(1, 10**9)
transfers_of = st.lists(
    st.one_of(
        st.builds(charged, st.just("o"), amounts, st.just(0)),
        st.builds(refunded, st.just("o"), amounts, st.just(0)),
        st.builds(earned, st.just("o"), st.sampled_from(["s1", "s2"]), amounts, st.just(0)),
    )
)


def balances(transfers: list[Transfer]) -> Counter[str]:
    """What lies in each account."""
    found: Counter[str] = Counter()
    for transfer in transfers:
        found[transfer.from_account] -= transfer.amount_fen
        found[transfer.to_account] += transfer.amount_fen
    return found


@given(transfers_of)
def test_accounts_sum_to_zero_whatever_is_transferred(transfers: list[Transfer]) -> None:
    assert sum(balances(transfers).values()) == 0
    assert all(transfer.from_account != transfer.to_account for transfer in transfers)


@given(amounts)
def test_a_refund_undoes_a_charge(fen: int) -> None:
    assert not any(balances([charged("o", fen, 1), refunded("o", fen, 2)]).values())


@given(amounts)
def test_a_charge_is_unearned_until_the_goods_are_handed_over(fen: int) -> None:
    charge = charged("o", fen, 1)
    assert balances([charge]) == {PROVIDER: -fen, UNEARNED: fen}
    handed_over = balances([charge, earned("o", "s1", fen, 2)])
    assert (handed_over[UNEARNED], handed_over["sales:s1"]) == (0, fen)


def test_each_transfer_has_its_kind_and_order() -> None:
    made = [charged("o", 1, 2), refunded("o", 1, 2), earned("o", "s", 1, 2)]
    kinds = [TransferKind.CHARGE, TransferKind.REFUND, TransferKind.EARN]
    assert [transfer.kind for transfer in made] == kinds
    assert {(transfer.order_id, transfer.at_ms) for transfer in made} == {("o", 2)}
