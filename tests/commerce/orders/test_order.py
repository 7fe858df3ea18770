"""Order ids and body hashes: one key is one order, and another body is seen."""

from hypothesis import given
from hypothesis import strategies as st

from commerce.orders.order import ID_CHARS, Entry, body_hash_of, order_id_of

words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
prices = st.none() | st.integers(1, 3)
bodies = st.tuples(words, words, words, st.integers(1, 20), prices)


@given(words, words, words, words)
def test_an_order_id_stands_for_one_key_of_one_household(
    guest: str, key: str, other_guest: str, other_key: str
) -> None:
    same = (guest, key) == (other_guest, other_key)
    assert (order_id_of(guest, key) == order_id_of(other_guest, other_key)) == same
    assert len(order_id_of(guest, key)) == ID_CHARS


@given(bodies, bodies)
def test_bodies_have_the_same_hash_only_if_they_are_the_same(
    one: tuple[str, str, str, int, int | None], other: tuple[str, str, str, int, int | None]
) -> None:
    assert (body_hash_of(*one) == body_hash_of(*other)) == (one == other)


def test_another_price_is_another_body() -> None:
    assert len({body_hash_of("r", "p", "", 1, price) for price in (None, 600, 700)}) == 3


def test_an_entry_costs_the_price_of_each_unit() -> None:
    entry = Entry("1-0", "o", "b", "g", "e", "r", "p", 3, 990, "", "s", 0, "")
    assert entry.total_fen == 2_970
