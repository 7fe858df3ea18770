"""Every table that has ids of people is shown to them, or forgotten, or kept for a reason."""

import re
import sqlite3
from typing import Any

import pytest
from sqlalchemy import JSON, Column, String, Table, make_url

from commerce.errors import NotFound
from commerce.io.record.columns import metadata
from commerce.io.record.personal import KEPT, PERSONAL, Personal
from tests.support.commerce_shop import open_shop

IDS = re.compile(r"(guest|household|person|sender|subject)_id|nickname|moved_by|actor")
# What names staff, orders and goods, not guests.
OF_OTHERS = {
    "handovers": "staff",
    "lot_moves": "staff",
    "order_batches": "staff",
    "order_picks": "staff",
    "room_cohosts": "staff",
    "scans": "staff",
}
WORDS = re.compile(r"nickname|text|words|photos|appeal|.*_hash|.*_key|endpoint|auth|building|flat")
PEOPLE = {"guests", "households", "persons"}


def names_people(column: Column[Any]) -> bool:
    """Whether a column says who somebody is."""
    refers = {key.column.table.name for key in column.foreign_keys}
    return bool(refers & PEOPLE or IDS.fullmatch(column.name))


def test_no_table_with_ids_of_people_is_forgotten() -> None:
    found = {table.name for table in metadata.sorted_tables if any(map(names_people, table.c))}
    known = {each.table.name for each in PERSONAL} | KEPT.keys()
    assert found - OF_OTHERS.keys() <= known
    assert known <= metadata.tables.keys()
    assert not known & OF_OTHERS.keys()


def value(table: Table, column: Column[Any]) -> str | int:
    """A mark that is found again, or a number."""
    if column.name == "room_id":
        return "demo"
    if isinstance(column.type, JSON):
        return "[]"
    return f"{table.name}'s {column.name}" if isinstance(column.type, String) else 1


def fill(connection: sqlite3.Connection, each: Personal, guest_id: str) -> None:
    """A row of a guest, whatever else the record has."""
    row = {column.name: value(each.table, column) for column in each.table.c}
    row[each.by] = guest_id
    if "guest_id" in each.table.c:
        row["guest_id"] = guest_id
    names = ", ".join(f'"{name}"' for name in row)
    marks = ", ".join("?" * len(row))
    connection.execute(
        f"INSERT INTO {each.table.name} ({names}) VALUES ({marks})", list(row.values())
    )


async def test_guests_see_what_is_known_of_them_and_erasure_leaves_none_of_their_words(
    sqlite_url: str, valkey_url: str
) -> None:
    async with open_shop(sqlite_url, valkey_url) as shop:
        privacy = shop.commerce.privacy
        guest_id = (await shop.commerce.people.add_guest("晨光", "e1")).guest.id
        other_id = (await shop.commerce.people.add_guest("博", "e1")).guest.id
        with sqlite3.connect(make_url(sqlite_url).database or "") as connection:
            connection.execute("PRAGMA ignore_check_constraints=ON")
            for each in PERSONAL:
                fill(connection, each, guest_id)
            before = "\n".join(connection.iterdump())
        data, others = await privacy.export(guest_id), await privacy.export(other_id)
        for each in PERSONAL:
            name = each.name or each.table.name
            assert (name in data) == bool(each.shown)
            if each.shown:
                own_device = name == "devices"  # each has the browser that it came with
                assert len(data[name]) == 1 + own_device and len(others[name]) == own_device
        assert await privacy.erase(guest_id) == ["claims's order_id"]
        connection = sqlite3.connect(make_url(sqlite_url).database or "")
        after = "\n".join(connection.iterdump())
        connection.close()
        for each in PERSONAL:
            for column in each.table.c:
                mark = str(value(each.table, column)).replace("'", "''")
                if "''" not in mark or column.name == each.by:
                    continue
                gone = each.deleted or WORDS.fullmatch(column.name)
                assert mark in before or column.name == "guest_id"
                assert not (gone and mark in after), mark
        assert "晨光" not in after
        with pytest.raises(NotFound):
            await privacy.export(guest_id)
