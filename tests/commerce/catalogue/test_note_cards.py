"""A card in its estate and for its set."""

import pytest

from commerce.catalogue.note_cards import WHOLE_BRAND, NoteCard, card_for, cards_of_lines
from commerce.catalogue.values import Text

pytestmark = pytest.mark.fast

CARDS = {
    (product, estate): NoteCard(product, estate, Text(f"{product} {estate}", ""), "", 1)
    for product, estate in (
        ("tea", WHOLE_BRAND),
        ("tea", "e1"),
        ("pear", WHOLE_BRAND),
        ("feast", "e2"),
    )
}


def test_the_leaders_card_replaces_the_head_offices_in_the_own_estate_alone() -> None:
    assert card_for(CARDS, "tea", "e1") == CARDS["tea", "e1"]
    assert card_for(CARDS, "tea", "e2") == CARDS["tea", WHOLE_BRAND]
    assert card_for(CARDS, "feast", "e1") is None


def test_a_set_with_a_card_needs_none_of_its_parts_and_each_card_is_there_once() -> None:
    lines = [("feast", ("tea", "pear")), ("tea", ()), ("egg", ()), ("feast", ("pear", "tea"))]
    of_parts = cards_of_lines(CARDS, lines, "e1")
    assert [(card.product_id, card.estate_id) for card in of_parts] == [
        ("tea", "e1"),
        ("pear", WHOLE_BRAND),
    ]
    of_set = cards_of_lines(CARDS, lines, "e2")
    assert [card.product_id for card in of_set] == ["feast", "tea"]


def test_a_variant_without_a_card_has_that_of_its_product() -> None:
    heads = {"tea-large": "tea", "pear-large": "pear"}
    own = {**CARDS, ("pear-large", "e1"): NoteCard("pear-large", "e1", Text("big", ""), "", 1)}
    lines = [("tea-large", ()), ("pear-large", ())]
    found = cards_of_lines(own, lines, "e1", heads)
    assert [(card.product_id, card.estate_id) for card in found] == [
        ("tea", "e1"),
        ("pear-large", "e1"),
    ]
    assert cards_of_lines(own, lines, "e2", heads)[1].product_id == "pear"
