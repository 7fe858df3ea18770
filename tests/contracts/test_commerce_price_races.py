"""No order is made at a price that its estate was not offered, while rules change beside taps."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from commerce.catalogue.assortment import AssortmentRule
from commerce.catalogue.offers import RuleBook, place_of
from commerce.catalogue.pricing import PriceRule
from commerce.catalogue.rules import Scope
from commerce.errors import Refusal, Refused
from commerce.io.gate.codec import encode_offers
from commerce.io.record.rule_book import put_assortment_rules, put_price_rules
from commerce.views import OrderView
from tests.support.commerce_checks import quiet, sound
from tests.support.commerce_shop import Shop, running_shop, shop_plan
from tests.support.gate_keys import GATE

CHANGES = 25
BUYERS = 60
PLACES = ((Scope.BRAND, ""), (Scope.ESTATE, "e1"), (Scope.ESTATE, "e2"), (Scope.LIVE, "demo"))


async def test_orders_are_made_at_prices_that_were_offered(
    sqlite_url: str, valkey_url: str
) -> None:
    dice = random.Random(7)
    async with running_shop(sqlite_url, valkey_url, plan=shop_plan(1_000)) as shop:
        offered = {estate: {990} for estate in ("e1", "e2")}
        prices: dict[tuple[Scope, str], int] = {}

        def remember() -> None:
            """Note what estates are offered by the rules as they will be."""
            rules = [
                PriceRule(f"r{n}", "tea", scope, to, fen)
                for n, ((scope, to), fen) in enumerate(prices.items())
            ]
            book = RuleBook(1, {"tea": rules})
            for estate in shop.commerce.catalogue.estates.values():
                tea = shop.commerce.catalogue.products["tea"]
                offer = book.offer(tea, place_of(estate, "demo"), at_ms=shop.clock())
                offered[estate.id].add(offer.price_fen)

        async def change() -> None:
            for number in range(CHANGES):
                scope, to = dice.choice(PLACES)
                prices[scope, to] = dice.randint(500, 1_500)
                remember()
                rule = PriceRule(f"r{number}", "tea", scope, to, prices[scope, to])
                await shop.commerce.record.transact(_put(rule, shop.clock()))
                shop.commerce._shop.on_commit()
                await asyncio.sleep(0)

        async def buy(number: int) -> tuple[str, int | None, OrderView | Refused]:
            estate = dice.choice(("e1", "e2"))
            seen = dice.choice([None, *offered[estate]])
            tap = shop.tap(f"g{number}", estate=estate, price=seen)
            try:
                order = await shop.commerce.orders.place(tap)
            except Refused as refused:
                return estate, seen, refused
            assert isinstance(order, OrderView)
            return estate, seen, order

        async def buy_all() -> list[tuple[str, int | None, OrderView | Refused]]:
            return [await buy(number) for number in range(BUYERS)]

        answers, _ = await asyncio.gather(buy_all(), change())
        for estate, seen, answer in answers:
            if isinstance(answer, Refused):
                assert answer.refusal is Refusal.PRICE_CHANGED
                assert answer.left in offered[estate]
            else:
                assert answer.total_fen in offered[estate]
                assert seen in (None, answer.total_fen)
        await sound(shop)
        await equal(shop)

        out = AssortmentRule("a1", "pear", Scope.ESTATE, "e2", False)
        await shop.commerce.record.transact(
            lambda to: put_assortment_rules(to, "b", [out], shop.clock())
        )
        await quiet(shop)
        await equal(shop)


def _put(rule: PriceRule, at_ms: int) -> Callable[[Connection], object]:
    return lambda to: put_price_rules(to, "b", [rule], at_ms)


async def equal(shop: Shop) -> None:
    """The gate has exactly the offers that the rules of the record give."""
    await shop.commerce._shop.cache.refresh()
    catalogue = shop.commerce.catalogue
    wanted: dict[str, str] = {}
    for product in catalogue.products.values():
        wanted |= encode_offers(product, catalogue.rules, catalogue.estates.values(), shop.clock())
    raw: dict[Any, Any] = await shop.redis.hgetall(GATE.products)
    found = {name.decode(): facts.decode() for name, facts in raw.items()}
    assert {name: facts for name, facts in found.items() if name[:1] != "|"} == wanted
