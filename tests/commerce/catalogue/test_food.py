"""The words of food are the same for the head office's files and for buyers."""

from pathlib import Path

from commerce.catalogue.food import ALLERGEN_NAMES, GB_7718, Allergen, in_order

WEB = Path(__file__).parents[3] / "web" / "src" / "lib" / "base" / "food.ts"


def test_the_page_knows_every_allergen_by_the_same_names() -> None:
    page = WEB.read_text("utf-8")
    for allergen, name in ALLERGEN_NAMES.items():
        assert f"{allergen}: {{ zh: '{name.zh}', en: '{name.en}' }}" in page


def test_there_are_fourteen_allergens_and_eight_of_gb_7718() -> None:
    assert (len(Allergen), len(ALLERGEN_NAMES), len(GB_7718)) == (14, 14, 8)


def test_allergens_are_in_the_order_of_the_annex() -> None:
    assert in_order([Allergen.MILK, Allergen.GLUTEN, Allergen.MILK]) == ("gluten", "milk")
