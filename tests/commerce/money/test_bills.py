"""A provider's bill: read as written, and compared with the books."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from commerce.money.bills import (
    BadBill,
    BillKind,
    BillLine,
    DifferenceKind,
    differences,
    fee_of,
    read_bill,
    write_bill,
)
from commerce.money.settlements import SettledEntry, settle

DAY = (1_000_000_000, 1_086_400_000)
NOON = 1_043_200_000
ids = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), min_size=1, max_size=8)
lines_of = st.lists(
    st.builds(
        BillLine,
        st.sampled_from(BillKind),
        ids,
        st.integers(0, 50),
        st.integers(1, 10**6),
        st.integers(0, 100),
        st.integers(*DAY),
    ),
    unique_by=lambda line: line.key,
    max_size=8,
)


@given(lines_of)
def test_a_bill_is_read_as_written_and_written_alike_in_any_order(lines: list[BillLine]) -> None:
    text = write_bill(lines)
    assert read_bill(text) == sorted(lines)
    assert write_bill(reversed(lines)) == text
    assert differences(lines, lines, *DAY) == []


@given(st.text(max_size=80))
def test_any_text_is_a_bill_or_a_bad_one(text: str) -> None:
    for bill in (text, "kind,order_id,n,amount_fen,fee_fen,at_ms\n" + text):
        try:
            read_bill(bill)
        except BadBill as error:
            assert error.line >= 1


def test_differences_are_named() -> None:
    charge = BillLine(BillKind.CHARGE, "o", 0, 500, 3, NOON)
    refund = BillLine(BillKind.REFUND, "o", 1, 200, 0, NOON)
    late = replace(refund, n=2, at_ms=DAY[1] - 1)
    tomorrow = replace(refund, n=3, at_ms=DAY[1] + NOON)
    found = differences([charge, late], [replace(charge, amount_fen=501), refund, tomorrow], *DAY)
    assert [(one.kind, one.n, one.billed_fen, one.booked_fen) for one in found] == [
        (DifferenceKind.AMOUNT, 0, 500, 501),
        (DifferenceKind.NOT_IN_BILL, 1, 0, 200),
        (DifferenceKind.OTHER_DAY, 2, 200, 0),
    ]
    [twice] = differences([charge, charge], [charge], *DAY)
    assert (twice.kind, twice.billed_fen) == (DifferenceKind.AMOUNT, 1_000)
    assert (fee_of(10_000), fee_of(990), fee_of(83), fee_of(84)) == (60, 6, 0, 1)


@given(st.permutations(range(4)))
def test_a_settlement_is_the_same_file_in_any_order_of_its_entries(order: list[int]) -> None:
    entries = [
        SettledEntry(2, "7", "earn", "sales:s1", "", 1_000),
        SettledEntry(3, "7", "tax", "sales:s1", "", -83),
        SettledEntry(3, "7", "tax", "tax:s1", "", 83),
        SettledEntry(1, "8", "cost", "cost:s1", "", -400),
    ]
    [made] = settle(entries[at] for at in order)
    assert (made.party, made.payable_fen) == ("store:s1", 1_000)
    assert made == settle(entries)[0]
    assert "cost" not in made.file
