"""Families of products: who may be a variant of whom, and what their names are."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commerce.catalogue.text import Text
from commerce.catalogue.variants import VARIANTS_MAX, Families, Option, with_option

SMALL, LARGE = Text("小份", "Small"), Text("大份", "Large")


def families(**changes: Option) -> Families:
    """Tea in a small and a large pack, nuts without options, and changes."""
    found = Families({"tea": Option(name=SMALL), "tea-l": Option("tea", LARGE), "nuts": Option()})
    found.change(changes)
    return found


@pytest.mark.parametrize(
    ("id", "option", "member"),
    [
        ("new", Option("tea", Text("礼盒", "Gift box")), None),
        ("new", Option("tea"), "option_zh"),
        ("new", Option("tea", Text("大份", "Big")), "option_zh"),
        ("new", Option("tea", Text("特大", "LARGE")), "option_zh"),
        ("new", Option("tea", Text("礼盒", "")), "option_zh"),
        ("new", Option("tea-l", Text("礼盒", "Gift box")), "variant_of"),
        ("new", Option("nuts", Text("礼盒", "Gift box")), "variant_of"),
        ("new", Option("rice", Text("礼盒", "Gift box")), "variant_of"),
        ("new", Option("new", Text("礼盒", "Gift box")), "variant_of"),
        ("tea", Option("nuts", SMALL), "variant_of"),
        ("tea", Option(), "option_zh"),
        ("nuts", Option(name=SMALL), None),
    ],
)
def test_a_product_that_does_not_fit_its_family_is_named(
    id: str, option: Option, member: str | None
) -> None:
    problem = families(**{id: option}).problem(id)
    assert (problem and problem[0]) == member


def test_a_product_has_a_limited_number_of_variants() -> None:
    more = {f"t{n}": Option("tea", Text(f"{n} 克", f"{n} g")) for n in range(VARIANTS_MAX - 1)}
    found = families(**more)
    assert found.problem("t0") is None
    found.change({"one-more": Option("tea", Text("礼盒", "Gift box"))})
    assert found.problem("one-more") == ("variant_of", f"At most {VARIANTS_MAX} variants.")


IDS = st.sampled_from(["tea", "tea-l", "nuts", "new"])
OPTIONS = st.builds(
    Option, st.sampled_from(["", "tea", "nuts"]), st.sampled_from([Text("", ""), SMALL, LARGE])
)


@settings(max_examples=25)
@given(st.lists(st.dictionaries(IDS, OPTIONS, min_size=1), max_size=5))
def test_changes_lead_to_the_families_that_reading_them_again_gives(
    changes: list[dict[str, Option]],
) -> None:
    found = families()
    for change in changes:
        found.change(change)
    again = Families(dict(found.options))
    for id in found.options:
        assert found.problem(id) == again.problem(id)
        assert found.affected([id]) == again.affected([id])


def test_the_name_of_a_variant_says_its_option() -> None:
    tea = Text("茶叶", "Tea")
    assert with_option(tea, LARGE) == Text("茶叶 · 大份", "Tea · Large")
    assert with_option(tea, None) == tea
