"""Values of the catalogue: they can be shared between tasks and compared, because none changes."""

import dataclasses
import inspect

import pytest

from commerce.catalogue import values
from commerce.catalogue.values import HOUSEHOLD_LIMIT_DEFAULT, Product, Text

CLASSES = [found for _, found in inspect.getmembers(values, dataclasses.is_dataclass)]
WORDS = Text("茶", "tea")


@pytest.mark.parametrize("value", CLASSES)
def test_a_value_is_frozen_and_has_slots(value: type) -> None:
    assert value.__dataclass_params__.frozen  # type: ignore[attr-defined]  # of dataclasses
    assert "__slots__" in vars(value)


def test_a_product_is_sold_singly_on_sale_and_limited_unless_said_otherwise() -> None:
    product = Product("tea", WORDS, WORDS, "/goods/tea.svg", 990, 1_200)
    assert (product.group, product.on_sale) == (None, True)
    assert product.household_limit == HOUSEHOLD_LIMIT_DEFAULT > 0
    assert product == Product("tea", WORDS, WORDS, "/goods/tea.svg", 990, 1_200)
    assert len({product, dataclasses.replace(product, price_fen=980)}) == 2
