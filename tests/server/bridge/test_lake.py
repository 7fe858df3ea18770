"""The lake beside a running shop: what it says is what the record says, to the fen."""

from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from commerce.io.record.facts import write_facts
from commerce.io.shop.lake_erasures import LakeErasures, forget_in_the_lake
from insight.facts import LIVES, SpooledFact
from insight.io.lake import Lake
from insight.io.writer import LakeWriter
from insight.tables import FACTS, ORDER_LINES
from server import lake_status
from server.bridge import facts
from server.bridge.facts import FactSpool, RecordSource
from server.bridge.lake import LakeKeeper
from server.bridge.live_topics import LiveTopics
from server.bridge.redis_lease import RedisLeases
from server.lake_status import status
from server.ops.lake import compare
from server.settings import Settings
from tests.support.commerce_shop import open_shop, running, shop_plan


def keeper(shop: Any, folder: Path, owner: str = "a") -> LakeKeeper:
    return LakeKeeper(
        Lake(str(folder)),
        (RecordSource(shop.commerce.facts), FactSpool(shop.redis), FactSpool(shop.redis, LIVES)),
        RedisLeases(shop.redis, kind="insight"),
        shop.commerce.facts,
        LakeErasures(shop.commerce.shop),
        owner=owner,
    )


async def test_orders_cards_and_refunds_reach_the_lake_once_and_to_the_fen(
    sqlite_url: str, valkey_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = tmp_path / "lake"
    settings = Settings(database_url=sqlite_url, data_dir=tmp_path)
    seen = SpooledFact("card.seen", 1, 5, 6, "b", "e1", {"room_id": "demo", "product_id": "tea"})
    async with open_shop(sqlite_url, valkey_url, plan=shop_plan(target=2)) as shop:
        spool = FactSpool(shop.redis)
        async with running(shop.commerce):
            await shop.commerce.groups.pin("demo", "pear", None)
            for guest in ("h1", "h2", "h3"):
                await shop.commerce.orders.place(shop.tap(guest, quantity=2))
            assert await spool.add("sender-1", [(1, seen), (2, seen)]) == 2
            assert await spool.add("sender-1", [(2, seen), (3, seen)]) == 1
            topics = LiveTopics(FactSpool(shop.redis, LIVES), lambda: shop.commerce.catalogue)
            for channel in ("room:demo", "store:s1"):
                for estate, line in (
                    ("e1", "还有菠菜吗?"),
                    ("elsewhere", "来2份"),
                    ("e1", "大家好"),
                ):
                    topics.add(channel, estate, line)
            await topics.send()
            first = keeper(shop, lake)
            await first.step()
            await shop.commerce.orders.place(shop.tap("h4"))
            # Another worker goes on where the first one was, and is asked twice.
            second = keeper(shop, lake, "b")
            for _ in range(2):
                await second.step()
        while await shop.commerce.facts.number():
            pass
        await second.step()
        erased = (await shop.commerce.facts.pseudonyms(["h1"]))["h1"]
        await shop.commerce.record.transact(lambda c: forget_in_the_lake(c, "h1", 1))
        # A writer that was killed before it noted what it had rewritten; then another one.
        assert "order_lines" in Lake(str(lake)).erase([erased])
        for _ in range(2):
            await second.erase()
        result = await compare(settings)
        assert result.ok and result.behind == 0 and result.first == 1 and result.compared > 0
        found = await status(settings.model_copy(update={"redis_url": valkey_url}))
        assert found["behind"] == 0 and found["rejected"] == []
        lags = {each["source"]: each["lag_ms"] for each in found["sources"]}
        assert lags == {"record": 0, "pages": 0, "chats": 0, "lives": 0}
        assert await spool.add("sender-1", [(4, seen)]) == 1
        found = await status(settings.model_copy(update={"redis_url": valkey_url}))
        lags = {each["source"]: each["lag_ms"] for each in found["sources"]}
        # The card was seen when the epoch was six milliseconds old.
        assert lags["pages"] > 1_000_000_000_000 and lags["record"] == 0
        monkeypatch.setattr(lake_status, "REDIS_WAIT_S", 0.05)
        away = await status(settings)
        assert {each["lag_ms"] for each in away["sources"][1:]} == {None}
    here = Lake(str(lake))
    [(fen, orders)] = here.sql(
        "SELECT CAST(sum(gmv_fen) AS BIGINT), sum(orders) FROM sales_hourly"
    )[1]
    assert (fen, orders) == (7 * 990, 4)
    assert here.sql("SELECT count(*) FROM page_events")[1] == [(3,)]
    lines = here.sql("SELECT kind, about, estate, person, room_id FROM chat_events ORDER BY about")
    assert lines[1] == [
        ("live.chatted", "order", "", "", "demo"),
        ("live.chatted", "other", "e1", "", "demo"),
        ("live.asked", "stock", "e1", "", "demo"),
    ]
    words = here.sql("SELECT count(*) FROM facts WHERE payload LIKE '%菠菜%'")
    assert words[1] == [(0,)]
    people = here.sql("SELECT DISTINCT person FROM order_lines")[1]
    names = {name for (name,) in people}
    assert len(names) == 4 and "" in names and not {"h1", "h2", "h3", "h4", erased} & names
    here.vacuum(retention_hours=0)
    for table in (ORDER_LINES, FACTS):
        kept = DeltaTable(here.uri(table)).file_uris()
        assert {str(path) for path in (lake / table.layer / table.name).glob("day=*/*")} == set(
            kept
        )


async def test_a_spool_keeps_its_newest_facts_and_no_more_than_it_may(
    sqlite_url: str, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "SPOOLED_MAX", 300)
    card = {"room_id": "demo", "product_id": "tea"}
    many = [
        (number, SpooledFact("card.seen", 1, 5, 6, "b", "e1", card)) for number in range(1, 501)
    ]
    async with open_shop(sqlite_url, valkey_url) as shop:
        spool = FactSpool(shop.redis)
        for sender in ("sender-1", "sender-2"):
            for first in range(0, 500, 100):
                assert await spool.add(sender, many[first : first + 100]) == 100
        kept = await spool.read(0, 1_000)
        # Redis drops whole nodes of a stream, of a hundred entries each.
        assert 300 <= len(kept) <= 400
        numbers = [fact.sequence for fact in kept]
        assert numbers == sorted(set(numbers))
        assert await spool.read(numbers[-1], 10) == []
        # What a sender sent again, and in the wrong order, counts once.
        assert await spool.add("sender-1", many[::-1]) == 0
        assert await spool.read(numbers[-1], 10) == []


async def test_facts_that_wait_in_many_rows_are_read_until_a_batch_is_full(
    sqlite_url: str, valkey_url: str
) -> None:
    async with open_shop(sqlite_url, valkey_url) as shop:
        source = RecordSource(shop.commerce.facts)
        begun = await source.read(0, 10_000)
        async with shop.commerce.record.write() as connection:
            for number in range(1_200):
                read = {"order_id": f"o{number}", "kind": "charge", "amount_fen": 1}
                row = ("money.moved", 1, number, "e1", "", f"o{number}", read)
                await connection.run_sync(write_facts, [row])
        found = await source.read(begun[-1].sequence, 10_000)
        assert [fact.trace for fact in found] == [f"o{number}" for number in range(1_200)]
        some = await source.read(begun[-1].sequence, 700)
        assert [fact.sequence for fact in some] == [fact.sequence for fact in found[:700]]
        assert await source.read(found[-1].sequence, 10) == []


async def test_a_lake_that_lost_or_doubled_money_is_found_out(
    sqlite_url: str, valkey_url: str, tmp_path: Path
) -> None:
    settings = Settings(database_url=sqlite_url, data_dir=tmp_path)
    async with open_shop(sqlite_url, valkey_url) as shop:
        async with running(shop.commerce):
            for guest in ("h1", "h2"):
                await shop.commerce.orders.place(shop.tap(guest))
        read = await RecordSource(shop.commerce.facts).read(0, 1_000)
        charges = [fact for fact in read if fact.topic == "money.moved"]
        without = [fact for fact in read if fact not in charges[:1]]
        writer = LakeWriter(Lake(str(tmp_path / "lake")))
        writer.position("record")
        writer.write([read[0], *without])
        result = await compare(settings)
        assert not result.ok and result.missing == 1 and result.doubled == 1
