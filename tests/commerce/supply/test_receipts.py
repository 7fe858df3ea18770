"""Receipts count once, in any order and however often they are sent."""

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from commerce.supply.receipts import Known, LineKind, LineStatus, ReceiptLine, book

SALE = ReceiptLine("r1", 1, LineKind.SALE, "tea", 2, 1_980, 5, "tea")


@dataclasses.dataclass
class Shelf:
    """A record in memory: what was booked, and by how many units each product is fewer."""

    known: Known = dataclasses.field(default_factory=Known)
    fewer: dict[str, int] = dataclasses.field(default_factory=dict)

    def send(self, *sent: ReceiptLine | str) -> list[LineStatus]:
        """Book lines, and voids as receipt numbers."""
        lines = [line for line in sent if isinstance(line, ReceiptLine)]
        booking = book(self.known, lines, [void for void in sent if isinstance(void, str)])
        for product_id, units in booking.leaving().items():
            self.fewer[product_id] = self.fewer.get(product_id, 0) + units
        for line in booking.lines:
            self.known.lines[line.key] = line
            self.known.hashes[line.key] = line.body_hash
        self.known.voids |= set(booking.voids)
        return booking.statuses


LINES = st.builds(
    ReceiptLine,
    number=st.sampled_from(["r1", "r2", "r3"]),
    line=st.integers(1, 3),
    kind=st.sampled_from(LineKind),
    product_id=st.sampled_from(["tea", "pear", ""]),
    units=st.integers(1, 9),
    amount_fen=st.integers(0, 9_999),
    at_ms=st.integers(0, 9),
)


@given(st.data())
def test_any_order_and_any_repetition_counts_once(data: st.DataObject) -> None:
    lines = data.draw(st.lists(LINES, unique_by=lambda line: line.key, max_size=9))
    voids = data.draw(st.sets(st.sampled_from(["r1", "r2", "r3"])))
    everything: list[ReceiptLine | str] = [*lines, *sorted(voids)]
    again = data.draw(st.lists(st.sampled_from(everything), max_size=9)) if everything else []
    left = data.draw(st.permutations(everything + again))
    shelf = Shelf()
    while left:
        size = data.draw(st.integers(1, len(left)))
        shelf.send(*left[:size])
        left = left[size:]
    expected: dict[str, int] = {}
    for line in lines:
        if line.number not in voids:
            expected[line.product_id] = expected.get(line.product_id, 0) + line.leaving
    nothing = dict.fromkeys(["tea", "pear", ""], 0)
    assert nothing | shelf.fewer == nothing | expected
    assert shelf.known.voids == voids
    assert set(shelf.known.lines) == {line.key for line in lines}


def test_a_line_sent_again_is_known() -> None:
    shelf = Shelf()
    assert shelf.send(SALE, SALE) == [LineStatus.BOOKED, LineStatus.KNOWN]
    assert shelf.send(SALE) == [LineStatus.KNOWN]
    assert shelf.fewer == {"tea": 2}


def test_another_line_under_the_same_number_is_a_conflict() -> None:
    shelf = Shelf()
    assert shelf.send(SALE, dataclasses.replace(SALE, units=3)) == [
        LineStatus.BOOKED,
        LineStatus.CONFLICT,
    ]
    assert shelf.fewer == {"tea": 2}


def test_a_void_that_overtakes_its_receipt_leaves_the_stock_alone() -> None:
    shelf = Shelf()
    shelf.send("r1")
    assert shelf.send(SALE) == [LineStatus.VOIDED]
    assert shelf.fewer == {}


def test_returns_come_back_unless_they_are_destroyed() -> None:
    shelf = Shelf()
    back = dataclasses.replace(SALE, number="r2", kind=LineKind.RETURN, units=1)
    shelf.send(SALE, back, dataclasses.replace(back, line=2, kind=LineKind.RETURN_DESTROYED))
    assert shelf.fewer == {"tea": 1}


def test_a_product_that_nobody_knows_is_kept_and_moves_nothing() -> None:
    shelf = Shelf()
    assert shelf.send(dataclasses.replace(SALE, product_id="")) == [LineStatus.UNKNOWN_PRODUCT]
    assert shelf.fewer == {}
