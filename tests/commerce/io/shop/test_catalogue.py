"""The catalogue in memory: what it finds, and which estates a room sells to."""

from dataclasses import replace

import pytest

from commerce.catalogue.values import Coordinates, Estate, Product, Room, Store, Text
from commerce.errors import NotFound
from commerce.io.shop.catalogue.catalogue import Catalogue
from commerce.orders.order import Entry

WORDS, HERE = Text("", ""), Coordinates(30.0, 120.0)
CATALOGUE = Catalogue(
    stores={id: Store(id, WORDS, WORDS, HERE) for id in ("s1", "s2")},
    estates={
        "e1": Estate("e1", WORDS, HERE, "s1"),
        "e2": Estate("e2", WORDS, HERE, "s2"),
        "e3": Estate("e3", WORDS, HERE, "s2"),
    },
    rooms={"demo": Room("demo", WORDS, "s2")},
    products={"tea": Product("tea", WORDS, WORDS, "", 990, 990)},
)
ENTRY = Entry("1-0", "o" * 32, "b", "anna", "e1", "demo", "tea", 1, 990, "", "s1", 0, "")


def test_what_does_not_exist_is_named_in_the_error() -> None:
    for find, kind in (
        (CATALOGUE.store, "store"),
        (CATALOGUE.estate, "estate"),
        (CATALOGUE.room, "room"),
        (CATALOGUE.product, "product"),
    ):
        with pytest.raises(NotFound) as missing:
            find("nothing")
        assert (missing.value.kind, missing.value.id) == (kind, "nothing")


def test_a_room_sells_to_all_estates_and_to_those_of_its_store_first() -> None:
    assert [estate.id for estate in CATALOGUE.estates_of("demo")] == ["e2", "e3", "e1"]


@pytest.mark.parametrize("field", ["product_id", "store_id", "estate_id", "room_id"])
def test_an_entry_that_names_something_unknown_is_found(field: str) -> None:
    assert CATALOGUE.names(ENTRY)
    assert not CATALOGUE.names(replace(ENTRY, **{field: "nothing"}))  # type: ignore[arg-type]  # an id
