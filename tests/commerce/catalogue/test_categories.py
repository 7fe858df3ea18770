"""The tree of categories: its order, its paths, and what may hang where."""

import pytest

from commerce.catalogue.categories import Category, fits, path_text, subtree, tree_order
from commerce.catalogue.values import Text

TREE = {
    id: Category(id, Text(id, id), parent_id, rank)
    for id, parent_id, rank in (
        ("leaves", "vegetables", 2),
        ("fruit", "", 2),
        ("roots", "vegetables", 1),
        ("vegetables", "", 1),
        ("cabbages", "leaves", 0),
    )
}


def test_each_category_comes_before_those_below_it_and_siblings_by_rank() -> None:
    order = [category.id for category in tree_order(TREE.values())]
    assert order == ["vegetables", "roots", "leaves", "cabbages", "fruit"]


def test_a_path_begins_at_the_first_level() -> None:
    assert path_text(TREE, "cabbages") == Text(*["vegetables / leaves / cabbages"] * 2)
    assert path_text(TREE, "") is None


def test_a_subtree_has_all_levels_below() -> None:
    assert subtree(TREE.values(), "vegetables") == {"vegetables", "leaves", "roots", "cabbages"}


@pytest.mark.parametrize(
    ("id", "parent_id", "allowed"),
    [
        ("", "leaves", True),
        ("", "cabbages", False),
        ("fruit", "leaves", True),
        ("leaves", "fruit", True),
        ("leaves", "cabbages", False),
        ("leaves", "leaves", False),
        ("vegetables", "fruit", False),
    ],
)
def test_no_circle_and_at_most_three_levels(id: str, parent_id: str, allowed: bool) -> None:
    assert fits(TREE, id, parent_id) is allowed
