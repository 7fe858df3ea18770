"""Every table of the record has an owner, and every secret column is known as one."""

import re

from commerce.io.record.columns import metadata
from commerce.io.shop.brands.tables import (
    HARMLESS_HASHES,
    SECRET_COLUMNS,
    SECRET_TABLES,
    SHARED,
    brand_tables,
    owned_by,
)


def test_every_table_is_a_brands_or_the_installations() -> None:
    tables = brand_tables()
    assert {table.name for table in tables} | SHARED == set(metadata.tables)
    for table in tables:
        assert "brand" in str(owned_by(table, "b")), table.name


def test_parents_come_before_their_children() -> None:
    place = {table.name: at for at, table in enumerate(brand_tables())}
    for table in brand_tables():
        for key in table.foreign_keys:
            assert place[key.column.table.name] < place[table.name]
    assert place["orders"] < place["sandbox_charges"] and place["guests"] < place["consents"]


def test_hashes_and_secrets_are_left_out_or_known_to_be_harmless() -> None:
    for table in brand_tables():
        for column in table.c:
            if table.name in SECRET_TABLES or not re.search("hash|secret|sealed", column.name):
                continue
            known = column.name in SECRET_COLUMNS.get(table.name, ())
            assert known or column.name in HARMLESS_HASHES, column
