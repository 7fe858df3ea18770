"""Facts of the record: written with what they are about, numbered once, read in one order."""

import asyncio

from commerce.io.record.postings import receive_stock
from commerce.io.shop.facts import RecordFact
from commerce.io.shop.lake_erasures import LakeErasures
from insight.facts import Fact, parse
from tests.support.commerce_shop import Shop, open_shop, running, shop_plan


def as_fact(fact: RecordFact) -> Fact:
    """As the bridge hands it to the lake."""
    return Fact(
        source="record",
        sequence=fact.sequence,
        topic=fact.topic,
        version=fact.version,
        occurred_ms=fact.at_ms,
        arrived_ms=fact.at_ms,
        brand="b",
        estate=fact.estate_id,
        person=fact.subject,
        trace=fact.trace,
        payload=fact.payload,
    )


async def all_facts(shop: Shop) -> list[RecordFact]:
    while await shop.commerce.facts.number():
        pass
    return await shop.commerce.facts.read(0, 10_000)


async def test_what_a_shop_does_is_told_in_the_vocabulary_once_and_in_order(
    database_url: str, redis_url: str
) -> None:
    async with open_shop(database_url, redis_url, plan=shop_plan(target=1)) as shop:
        async with running(shop.commerce):
            await shop.commerce.groups.pin("demo", "pear", None)
            for _ in range(2):
                await shop.commerce.orders.place(shop.tap("h1"))
        found = await all_facts(shop)
        parsed = [parse(as_fact(fact)) for fact in found]
        assert [fact.sequence for fact in found] == list(range(1, len(found) + 1))
        placed = [fact for fact in found if fact.topic == "order.placed"]
        assert [fact.subject for fact in placed] == ["h1"]
        assert {"group.changed", "stock.moved", "money.moved"} <= {each.topic for each in parsed}
        facts = shop.commerce.facts
        assert await facts.read(2, 10_000) == found[2:]
        assert await facts.number() == 0
        names = await facts.pseudonyms(["h1", "h2"])
        assert names == await facts.pseudonyms(["h2", "h1"]) and "h1" not in names["h1"]


async def test_who_was_erased_is_nobody_in_the_lake_from_then_on(
    database_url: str, redis_url: str
) -> None:
    async with open_shop(database_url, redis_url) as shop:
        anna, bo = [
            (await shop.commerce.people.add_guest(name, "e1")).guest.id for name in ("anna", "bo")
        ]
        before = await shop.commerce.facts.pseudonyms([anna, bo])
        await shop.commerce.privacy.erase(anna)
        after = await shop.commerce.facts.pseudonyms([anna, bo])
        assert after == {anna: "", bo: before[bo]}
        # Their rows are rewritten once, and the pseudonym is forgotten with the last old version.
        erasures = LakeErasures(shop.commerce.shop)
        assert await erasures.pending() == [before[anna]]
        await erasures.rewritten([before[anna]])
        assert await erasures.pending() == [] and not await erasures.to_vacuum(shop.clock() - 1_000)
        later_ms = shop.clock() + 1_000
        assert await erasures.to_vacuum(later_ms)
        await erasures.vacuumed(later_ms)
        assert not await erasures.to_vacuum(later_ms)


async def test_racing_readers_number_each_fact_once(database_url: str, redis_url: str) -> None:
    async with open_shop(database_url, redis_url) as shop:
        async with shop.commerce.record.write() as connection:
            for _ in range(5):
                await connection.run_sync(receive_stock, "tea", "s1", 1, 1_000)
        numbered = await asyncio.gather(*(shop.commerce.facts.number() for _ in range(3)))
        found = await all_facts(shop)
        assert sum(numbered) == len(found)
        assert [fact.sequence for fact in found] == list(range(1, len(found) + 1))
        first, last = await shop.commerce.facts.ends()
        assert (first, last) == (1, len(found))
        assert await shop.commerce.facts.prune(last - 1, before_ms=10_000) >= 1
        kept = await shop.commerce.facts.read(0, 10_000)
        assert kept and found[-1] in kept
