"""A flash sale sells at its price while it runs, to who may have it, and to nobody else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.errors import Refusal
from commerce.orders.flash import FlashAnswer, GateFlash, flash_answer
from commerce.orders.quotas import counted_as, flash_quota, is_quota, right_quota, sale_of

SALE = GateFlash("f", 1_000, 2_000, 70, 2)

taps = st.fixed_dictionaries(
    {
        "asked": st.booleans(),
        "seen_fen": st.sampled_from([None, 70, 100]),
        "units": st.integers(1, 3),
        "right": st.integers(-1, 2),
        "free": st.integers(-1, 4),
        "bought": st.integers(0, 3),
        "at_ms": st.sampled_from([0, 999, 1_000, 1_500, 1_999, 2_000, 9_000]),
    }
)


@given(taps)
def test_a_tap_is_sold_from_one_quota_that_has_it_or_not_at_all(tap: dict[str, int]) -> None:
    answer = flash_answer(SALE, **tap)  # type: ignore[arg-type]  # as drawn
    sold = answer.from_right + answer.from_all
    assert sold + (answer.refusal is not None) <= 1
    if not sold:
        assert answer.refusal is None or answer.refusal is Refusal.NOT_YET or tap["at_ms"] >= 1_000
        return
    assert tap["units"] <= (tap["right"] if answer.from_right else tap["free"])
    assert tap["bought"] + tap["units"] <= SALE.household_limit
    assert tap["at_ms"] >= SALE.starts_at_ms
    assert answer.from_right or tap["at_ms"] < SALE.ends_at_ms


@given(taps)
def test_who_did_not_ask_for_it_and_saw_another_price_is_never_refused(
    tap: dict[str, int],
) -> None:
    plain = {**tap, "asked": False, "seen_fen": 100}
    assert flash_answer(SALE, **plain).refusal is None  # type: ignore[arg-type]  # as drawn


@pytest.mark.parametrize(
    ("at_ms", "right", "free", "bought", "expected"),
    [
        (999, 0, 5, 0, FlashAnswer(refusal=Refusal.NOT_YET, left=1_000)),
        (1_000, 0, 5, 0, FlashAnswer(from_all=True)),
        (1_000, 1, 5, 0, FlashAnswer(from_right=True)),
        (1_999, 0, 0, 0, FlashAnswer(refusal=Refusal.FLASH_SOLD_OUT)),
        (1_999, 0, 5, 2, FlashAnswer(refusal=Refusal.LIMIT_REACHED)),
        (2_000, 0, 5, 0, FlashAnswer(refusal=Refusal.FLASH_OVER)),
        (2_000, 1, 5, 0, FlashAnswer(from_right=True)),
    ],
)
def test_who_asks_for_the_sale_gets_a_clear_answer(
    at_ms: int, right: int, free: int, bought: int, expected: FlashAnswer
) -> None:
    answer = flash_answer(
        SALE,
        asked=True,
        seen_fen=None,
        units=1,
        right=right,
        free=free,
        bought=bought,
        at_ms=at_ms,
    )
    assert answer == expected


def test_a_right_counts_for_the_limit_of_its_sale() -> None:
    for name in (flash_quota("f"), right_quota("f", "home")):
        assert is_quota(name) and sale_of(name) == "f"
        assert counted_as(((name, 2),)) == ((flash_quota("f"), 2),)
    assert not is_quota("slot:7") and sale_of("tea") == ""
