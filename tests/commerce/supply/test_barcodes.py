"""Barcodes are read with their check digit, and weights become units and money."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.supply.barcodes import (
    BadBarcode,
    Barcode,
    Scanned,
    check_digit,
    is_key,
    parse,
    scanned,
)

TWELVE = st.text("0123456789", min_size=12, max_size=12)


def test_an_ean_13_is_its_own_key() -> None:
    assert parse("6901234567892") == Barcode("6901234567892")


def test_a_upc_a_is_an_ean_13_that_begins_with_zero() -> None:
    assert parse("036000291452") == Barcode("0036000291452")


def test_a_weight_code_carries_item_and_grams() -> None:
    code = "210012300523"
    assert parse(f"{code}{check_digit(code)}") == Barcode("2100123", 523)


@pytest.mark.parametrize("code", ["", "6901234567890", "690123456789", "69012345678９2", "tea"])
def test_what_is_no_barcode_is_refused(code: str) -> None:
    with pytest.raises(BadBarcode):
        parse(code)


@given(TWELVE, st.integers(0, 11), st.integers(1, 9))
def test_one_wrong_digit_is_always_found(digits: str, at: int, by: int) -> None:
    code = f"{digits}{check_digit(digits)}"
    parse(code)
    wrong = code[:at] + str((int(code[at]) + by) % 10) + code[at + 1 :]
    with pytest.raises(BadBarcode):
        parse(wrong)


@pytest.mark.parametrize(
    ("code", "may"),
    [
        ("6901234567892", True),
        ("2100123", True),
        ("1100123", False),
        ("6901234567890", False),
        ("2100123005238", False),
    ],
)
def test_products_are_known_by_whole_codes_or_items(code: str, may: bool) -> None:
    assert is_key(code) is may


@pytest.mark.parametrize(
    ("grams", "expected"),
    [
        (500, Scanned(1, 800)),
        (749, Scanned(1, 1_198)),
        (750, Scanned(2, 1_200)),
        (1, Scanned(1, 2)),
    ],
)
def test_a_weight_is_priced_to_the_fen_and_counts_whole_units(
    grams: int, expected: Scanned
) -> None:
    assert scanned(Barcode("2100123", grams), 800, 500) == expected


def test_a_scan_without_weight_is_one_unit() -> None:
    assert scanned(Barcode("6901234567892"), 990, None) == Scanned(1, 990)
