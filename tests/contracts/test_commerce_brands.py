"""A brand leaves a record and comes back as it was, beside another one that stays untouched."""

import dataclasses
import io
import json
import zipfile
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from commerce.catalogue.values import Brand, Estate, Product, Room, SeedStaff, Staff, Stock, Store
from commerce.errors import BadBrandFile, BrandInUse, InvalidField
from commerce.io.audit import audit, audit_gate
from commerce.io.ledger.writes import ORDER_NUMBER
from commerce.io.record.engine import Record
from commerce.io.record.schema import counters
from commerce.io.record.schema_people import consents
from commerce.io.shop.brands.brands import Brands, NewBrand
from commerce.io.shop.brands.tables import brand_tables, owned_by, serial_key
from commerce.io.shop.seed import seed
from commerce.io.shop.stock.receipts import Sent
from commerce.orders.states import OrderState
from commerce.supply.receipts import LineKind, ReceiptLine
from commerce.views import OrderView
from tests.support.commerce_checks import quiet
from tests.support.commerce_shop import NEAR, Shop, running_shop, shop_plan, text, with_dinner

NOTED = ("brand.import",)


def other_plan() -> Any:
    """A brand with nothing but a shop and an order book that is empty."""
    return dataclasses.replace(
        shop_plan(),
        brand=Brand("x", text("other")),
        stores=(Store("x-s1", text("one"), text("street 1"), NEAR),),
        estates=(Estate("x-e1", text("east"), NEAR, "x-s1"),),
        rooms=(Room("x-demo", text("kitchen"), "x-s1"),),
        products=(Product("x-tea", text("tea"), text("box"), "/goods/tea.svg", 990, 1_200),),
        stock=(Stock("x-tea", "x-s1", 9),),
        staff=(
            SeedStaff(Staff("x-u1", "x-clerk", "Clerk", ("store",), "", "x-s1"), "open sesame"),
        ),
    )


async def rows_of(engine: AsyncEngine, brand_id: str) -> dict[str, list[dict[str, Any]]]:
    """All rows of a brand; numbers that the database counts up are left out."""
    found: dict[str, list[dict[str, Any]]] = {}
    async with Record(engine).read() as connection:
        for table in brand_tables():
            rows = await connection.execute(select(table).where(owned_by(table, brand_id)))
            serial = serial_key(table)
            kept = [
                {name: value for name, value in row.items() if name != serial}
                for row in rows.mappings()
                if row.get("action") not in NOTED
            ]
            found[table.name] = sorted(kept, key=repr)
    return found


async def sell(shop: Shop) -> None:
    """Orders of one and of several items, one of them handed over; a till sells, too."""
    commerce = shop.commerce
    guest = (await commerce.people.add_guest("晨光", "e1")).guest
    consent = {"guest_id": guest.id, "purpose": "phone", "version": "1", "given_at_ms": 1}
    async with commerce.record.write() as connection:
        await connection.execute(insert(consents), consent)
    for buyer, product in (("anna", "tea"), ("ben", "dinner"), ("chris", "pear")):
        placed = await commerce.orders.place(shop.tap(buyer, product))
        assert isinstance(placed, OrderView)
        if buyer != "chris":
            for state in (OrderState.PICKING, OrderState.PACKED, OrderState.READY):
                moved = await commerce.fulfilment.move(placed.id, state, "u1")
    [mine] = await commerce.orders.mine("ben")
    assert mine.pickup and moved.id == mine.id
    await commerce.fulfilment.hand_over("s1", mine.pickup.code, "u1")
    made = await commerce.tills.add("s1", "front", "u1")
    till = await commerce.tills.till_of(made.key)
    assert till is not None
    await commerce.barcodes.assign("b", "6901234567892", "tea", None, "u1")
    line = ReceiptLine("r", 1, LineKind.SALE, "", 3, 2_970, 1, "tea")
    await commerce.receipts.book(till, Sent((line,), (), shop.clock()))
    await quiet(shop)


async def test_a_brand_is_exported_deleted_and_imported_as_it_was(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=with_dinner(shop_plan())) as shop:
        await seed(shop.engine, other_plan())
        await sell(shop)
        brands = Brands(shop.engine)
        ours, theirs = await rows_of(shop.engine, "b"), await rows_of(shop.engine, "x")
        assert all(ours[name] for name in ("order_parts", "pos_lines", "consents", "lot_moves"))
        file = io.BytesIO()
        manifest = await brands.export("b", file, secrets=True)
        assert manifest.rows["orders"] == 3
        with pytest.raises(BrandInUse) as in_use:
            await brands.delete("b", force=False)
        assert in_use.value.orders == 2
        with pytest.raises(BadBrandFile, match="already"):
            await brands.load(file)

        await brands.delete("b", force=True)
        assert not any((await rows_of(shop.engine, "b")).values())
        assert await rows_of(shop.engine, "x") == theirs
        assert await audit(shop.engine) == []

        for broken in (b"", file.getvalue()[:-200], without_last_order(file)):
            with pytest.raises(BadBrandFile):
                await brands.load(io.BytesIO(broken))
            assert not any((await rows_of(shop.engine, "b")).values())

        assert await brands.load(file) == (manifest, 0)
        ours["brands"][0]["gate"] = "b:b"  # what comes has a gate of its own
        assert await rows_of(shop.engine, "b") == ours
        assert await rows_of(shop.engine, "x") == theirs
        await quiet(shop)
        await shop.commerce.rebuild.force()
        assert await audit(shop.engine) == []
        assert await audit_gate(shop.engine, shop.redis) == []
        assert isinstance(await shop.commerce.orders.place(shop.tap("dora")), OrderView)
        assert await shop.redis.hexists("{b:b}:available", "tea|s1")

        await brands.delete("b", force=True)
        await quiet(shop)
        await shop.commerce.reconcile.step()
        assert not await shop.redis.keys("{b:b}:*")


def without_last_order(file: io.BytesIO) -> bytes:
    """The same file, with one row less than it says."""
    made = io.BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            rows = data.splitlines(keepends=True)
            new.writestr(name, b"".join(rows[:-1]) if name == "orders.jsonl" else data)
    return made.getvalue()


async def test_an_export_without_secrets_has_none_and_numbers_of_others_are_not_taken(
    sqlite_url: str, valkey_url: str
) -> None:
    async with running_shop(sqlite_url, valkey_url) as shop:
        ours = await shop.commerce.orders.place(shop.tap("anna"))
        assert isinstance(ours, OrderView)
        await quiet(shop)
        brands, file = Brands(shop.engine), io.BytesIO()
        await brands.export("b", file, secrets=False)
        with zipfile.ZipFile(file) as archive:
            assert "guest_devices.jsonl" not in archive.namelist()
            [member, *_] = [json.loads(row) for row in archive.open("staff.jsonl")]
        assert member["password_hash"] == ""
        await brands.delete("b", force=True)

        password = "a good long one"
        await brands.create(NewBrand("y", text("new"), "boss", "Boss", password))
        with pytest.raises(InvalidField, match="boss is taken"):
            await brands.create(NewBrand("z", text("new"), "boss", "Boss", password))
        boss = await shop.commerce.people.login("boss", password)
        assert boss is not None and (boss.roles, boss.brand_id) == (("hq",), "y")

        await seed(shop.engine, other_plan())
        again = update(counters).where(counters.c.name == ORDER_NUMBER)
        async with shop.commerce.record.write() as connection:
            await connection.execute(again.values(value=int(ours.number)))
        await shop.commerce.rebuild.force()
        await shop.commerce._shop.cache.refresh()
        tap = dataclasses.replace(shop.tap("xenia", "x-tea"), room_id="x-demo", estate_id="x-e1")
        theirs = await shop.commerce.orders.place(tap)
        assert isinstance(theirs, OrderView) and theirs.number == ours.number
        await quiet(shop)
        assert (await brands.load(file))[1] == 1
        assert [row.id for row in await brands.list()] == ["b", "x", "y"]
        assert await audit(shop.engine) == []
