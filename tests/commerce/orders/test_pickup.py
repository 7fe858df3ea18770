"""Pickup codes: read however they are typed, and too many to guess."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.orders.pickup import ALPHABET, CODE_BITS, CODE_CHARS, code_of, read, shown

VECTORS = Path(__file__).parents[2] / "vectors" / "pickup_codes.json"
CASES = json.loads(VECTORS.read_text("utf-8"))["cases"]

bits_of = st.integers(0, (1 << CODE_BITS) - 1)
LOOKALIKES = {"0": "0Oo", "1": "1IiLl"}


@given(bits_of, st.data())
def test_a_code_is_read_however_it_is_typed(bits: int, data: st.DataObject) -> None:
    code = code_of(bits)
    typed = "".join(
        data.draw(st.sampled_from(LOOKALIKES.get(symbol, symbol + symbol.lower())))
        for symbol in shown(code)
    )
    assert read(f" {typed}\t") == code
    assert len(code) == CODE_CHARS


@given(bits_of, bits_of)
def test_different_bits_are_different_codes(one: int, other: int) -> None:
    assert (code_of(one) == code_of(other)) == (one == other)


@given(st.text(max_size=20))
def test_any_text_is_a_code_or_none(typed: str) -> None:
    code = read(typed)
    assert code is None or (len(code) == CODE_CHARS and set(code) <= set(ALPHABET))


def test_a_code_has_at_least_40_random_bits_and_is_shown_in_fours() -> None:
    assert CODE_BITS >= 40
    assert shown(code_of(1)) == "0000-0000-1"


def test_a_wrong_symbol_or_length_is_no_code() -> None:
    assert read("0000-0000-U") is None
    assert read("0000-0000") is None
    assert read("0000-0000-00") is None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_code_is_read_as_the_page_reads_it(case: dict[str, str | None]) -> None:
    assert read(case["typed"] or "") == case["code"]
