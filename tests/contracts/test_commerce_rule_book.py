"""Rules in the record come back as they were written, on both records."""

from sqlalchemy import select

from commerce.catalogue.assortment import AssortmentRule
from commerce.catalogue.offers import RuleBook
from commerce.catalogue.pricing import PriceRule
from commerce.catalogue.rules import Scope, Window
from commerce.io.record.engine import Record, close_engine, open_engine
from commerce.io.record.migrate import upgrade
from commerce.io.record.rule_book import (
    Written,
    delete_rule,
    put_assortment_rules,
    put_price_rules,
    read_rule_book,
)
from commerce.io.record.schema import outbox
from commerce.io.record.schema_rules import price_rules
from commerce.io.shop.seed import seed
from tests.support.commerce_shop import shop_plan

SPRING = PriceRule("r1", "tea", Scope.ESTATE, "e1", 900, Window(5_000, 9_000))
PEARS_OUT = AssortmentRule("r2", "pear", Scope.CITY, "c1", False)


async def test_rules_are_read_as_written_replaced_and_deleted(database_url: str) -> None:
    engine = open_engine(database_url)
    try:
        await upgrade(engine)
        await seed(engine, shop_plan())
        record = Record(engine)
        assert (await _book(record)).prices == {}

        await record.transact(lambda to: put_price_rules(to, "b", [SPRING], 1_000))
        await record.transact(lambda to: put_assortment_rules(to, "b", [PEARS_OUT], 1_000))
        book = await _book(record)
        assert (book.prices, book.assortment) == ({"tea": [SPRING]}, {"pear": [PEARS_OUT]})
        async with record.read() as connection:
            assert await read_rule_book(connection, book) is book
            due = await connection.scalars(
                select(outbox.c.due_at_ms).where(outbox.c.due_at_ms <= 9_000).order_by("id")
            )
            assert list(due) == [1_000, 5_000, 9_000, 1_000]  # now, at both ends, and pears

        cheaper = PriceRule("r3", "tea", Scope.ESTATE, "e1", 800, Window(5_000))
        written = await record.transact(lambda to: put_price_rules(to, "b", [cheaper], 2_000))
        assert written == Written(added=0, changed=1)
        [rule] = (await _book(record)).prices["tea"]
        assert (rule.id, rule.price_fen, rule.window.until_ms) == ("r1", 800, None)

        await record.transact(lambda to: delete_rule(to, price_rules, "r1", "tea", 3_000))
        assert (await _book(record)).prices == {}
    finally:
        await close_engine(engine)


async def _book(record: Record) -> RuleBook:
    async with record.read() as connection:
        return await read_rule_book(connection, RuleBook())
