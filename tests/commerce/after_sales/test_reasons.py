"""Every reason by which money goes back is a code that the head office's page has words for."""

import inspect
import re
from pathlib import Path

import pytest

from commerce.after_sales import price_drops
from commerce.after_sales.reasons import RefundReason
from commerce.errors import Refusal
from commerce.io.record import payment_postings
from commerce.io.shop import presale_cancels, rerouting
from commerce.io.shop.stock import receipts
from commerce.orders import ledger, picks
from commerce.orders.rerouting import RerouteReason

WORDS = Path(__file__).parents[3] / "web/src/pages/hq/refunds"
COMMERCE = Path(__file__).parents[3] / "commerce"
NAMED = {
    price_drops.REASON,
    payment_postings.NO_SEAT,
    payment_postings.PAID_LATE,
    presale_cancels.REASON,
    rerouting.REFUSED,
    receipts.SOLD_AT_TILL,
    picks.SHORT,
    picks.CHEAPER,
    *RerouteReason,
}
# A literal as reason of a refund: refund_of_units(…, "claim", …), cancel_orders, [order], "buyer".
LITERAL = re.compile(r'(?:cancel_orders|undo_orders), \[?\w+\]?, "([a-z-]+)"|units"\], "([a-z-]+)"')


def test_reasons_of_the_code_are_known() -> None:
    assert {str(each) for each in NAMED} <= {each.value for each in RefundReason}


def test_refusals_of_a_paid_order_are_known() -> None:
    """The ledger gives back at once what was paid for an order that it then refuses."""
    source = inspect.getsource(ledger._refusal)
    given = {Refusal[name].value for name in re.findall(r"Refusal\.([A-Z_]+)", source)}
    assert {"sold-out", "group-closed"} < given
    unpaid = {Refusal.PAYMENT_DECLINED.value}
    assert given - unpaid <= {each.value for each in RefundReason}


def test_reasons_written_where_they_arise_are_known() -> None:
    sources = [file.read_text("utf-8") for file in sorted(COMMERCE.rglob("*.py"))]
    written = {
        reason
        for source in sources
        for found in LITERAL.finditer(source)
        for reason in found.groups()
        if reason
    }
    assert {"buyer", "group-expired", "claim"} <= written <= {each.value for each in RefundReason}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_reason_has_words(language: str) -> None:
    source = (WORDS / f"words.{language}.ts").read_text("utf-8").partition("refund_reasons: {")[2]
    worded = re.findall(r"^    '?([a-z-]+)'?: '", source, re.MULTILINE)
    assert sorted(worded) == sorted(each.value for each in RefundReason)
