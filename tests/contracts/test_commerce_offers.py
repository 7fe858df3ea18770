"""An estate's own offers, from the record to the gate, the cards and the order."""

import asyncio
import dataclasses
from typing import Any

import pytest
from sqlalchemy import Connection, update

from commerce.catalogue.assortment import AssortmentRule
from commerce.catalogue.offers import EstateOffer
from commerce.catalogue.pricing import PriceRule
from commerce.catalogue.rules import ALWAYS, Scope, Window
from commerce.errors import Refusal, Refused
from commerce.io.record.rule_book import (
    delete_rule,
    put_assortment_rules,
    put_price_rules,
    read_version,
)
from commerce.io.record.schema import brands
from commerce.io.record.schema_rules import assortment_rules, price_rules
from commerce.views import OrderView
from tests.support.commerce_checks import quiet
from tests.support.commerce_shop import Shop, open_shop, running, running_shop
from tests.support.gate_keys import GATE
from tests.support.waiting import wait_until

HOUR_MS = 3_600_000


async def put(shop: Shop, *rules: PriceRule | AssortmentRule) -> None:
    """Write rules as the head office does, and wait until the gate has them."""
    at_ms = shop.clock()
    prices = [rule for rule in rules if isinstance(rule, PriceRule)]
    assortment = [rule for rule in rules if isinstance(rule, AssortmentRule)]

    def write(connection: Connection) -> None:
        put_price_rules(connection, "b", prices, at_ms)
        put_assortment_rules(connection, "b", assortment, at_ms)

    await shop.commerce.record.transact(write)
    async with shop.commerce.record.read() as connection:
        version = await read_version(connection)

    async def arrived() -> bool:
        indexes = [f"|{rule.product_id}" for rule in rules]
        found: list[Any] = await shop.redis.hmget(GATE.products, indexes)
        return all(int(index.split(b" ")[0]) >= version for index in found)

    await wait_until(arrived)


def estate_price(fen: int, window: Window = ALWAYS, id: str = "r1") -> PriceRule:
    """What tea costs in estate e1."""
    return PriceRule(id, "tea", Scope.ESTATE, "e1", fen, window)


async def total(shop: Shop, guest: str, estate: str = "e1", price: int | None = None) -> int:
    """What a box of tea costs somebody who orders it."""
    order = await shop.commerce.orders.place(shop.tap(guest, estate=estate, price=price))
    assert isinstance(order, OrderView)
    return order.total_fen


async def test_an_estate_pays_its_own_price_and_sees_it_on_the_card(
    database_url: str, redis_url: str
) -> None:
    async with running_shop(database_url, redis_url) as shop:
        await shop.commerce.groups.pin("demo", "tea", None)
        await put(shop, estate_price(880))
        assert await total(shop, "anna") == 880
        assert await total(shop, "bo", "e2") == 990
        with pytest.raises(Refused) as refused:
            await total(shop, "cai", price=990)
        assert (refused.value.refusal, refused.value.left) == (Refusal.PRICE_CHANGED, 880)

        offers = (EstateOffer("e1", 880, True),)
        await wait_until(lambda: shop.feed.cards["demo", "tea"].product.offers == offers)
        assert shop.feed.cards["demo", "tea"].product.price_fen == 990
        [own] = [one for one in await shop.commerce.products("demo", "e1") if one.id == "tea"]
        assert (own.price_fen, own.offers) == (880, ())


async def test_what_an_estate_is_not_offered_it_cannot_order(
    sqlite_url: str, valkey_url: str
) -> None:
    async with running_shop(sqlite_url, valkey_url) as shop:
        out = AssortmentRule("r1", "pear", Scope.ESTATE, "e1", False)
        await put(shop, out)
        with pytest.raises(Refused) as refused:
            await shop.commerce.orders.place(shop.tap("anna", "pear"))
        assert refused.value.refusal is Refusal.NOT_ON_SALE
        assert await shop.commerce.orders.place(shop.tap("bo", "pear", estate="e2"))
        shown = {one.id for one in await shop.commerce.products("demo", "e1")}
        assert shown == {"tea", "rice"}

        await shop.commerce.groups.pin("demo", "pear", None)
        groups = await shop.commerce.groups.of_room("demo")
        assert [group.estate_id for group in groups] == ["e2"]

        await shop.commerce.record.transact(
            lambda to: delete_rule(to, assortment_rules, "r1", "pear", shop.clock())
        )
        await wait_until(lambda: _absent(shop, "e1|pear"))
        assert await shop.commerce.orders.place(shop.tap("anna", "pear", key="key-again"))


async def _absent(shop: Shop, field: str) -> bool:
    return not await shop.redis.hexists(GATE.products, field)


async def test_a_live_price_holds_in_its_room_and_goes_with_its_rule(
    sqlite_url: str, valkey_url: str
) -> None:
    async with running_shop(sqlite_url, valkey_url) as shop:
        await put(shop, PriceRule("r1", "tea", Scope.LIVE, "demo", 700))
        assert await total(shop, "anna") == 700
        [elsewhere] = [one for one in await shop.commerce.products("other") if one.id == "tea"]
        assert elsewhere.price_fen == 990
        await shop.commerce.record.transact(
            lambda to: delete_rule(to, price_rules, "r1", "tea", shop.clock())
        )
        await wait_until(lambda: _absent(shop, "e1|tea|demo"))
        assert await total(shop, "bo") == 990


async def test_a_window_opens_and_closes_without_anybody_writing(
    sqlite_url: str, valkey_url: str
) -> None:
    async with running_shop(sqlite_url, valkey_url) as shop:
        start_ms = shop.clock() + HOUR_MS
        await put(shop, estate_price(800, Window(start_ms, start_ms + HOUR_MS)))
        assert await total(shop, "anna") == 990
        shop.clock.ahead_ms += HOUR_MS
        await wait_until(lambda: _present(shop, "e1|tea"))
        assert await total(shop, "bo") == 800
        shop.clock.ahead_ms += HOUR_MS
        await wait_until(lambda: _absent(shop, "e1|tea"))
        assert await total(shop, "cai") == 990


async def _present(shop: Shop, field: str) -> bool:
    return not await _absent(shop, field)


async def test_a_rebuilt_gate_has_the_same_offers(sqlite_url: str, valkey_url: str) -> None:
    async with open_shop(sqlite_url, valkey_url) as shop:
        async with running(shop.commerce):
            live = PriceRule("r2", "tea", Scope.LIVE, "demo", 700)
            await put(shop, estate_price(880), live)
            await quiet(shop)
        before = await _offers(shop)
        assert len(before) > 4
        await shop.redis.delete(GATE.products)
        await shop.commerce.rebuild.force()
        assert await _offers(shop) == before


async def _offers(shop: Shop) -> dict[bytes, bytes]:
    """What the gate sells, without how new it is."""
    found: dict[Any, Any] = await shop.redis.hgetall(GATE.products)
    return {name: facts for name, facts in found.items() if not name.startswith(b"|")}


async def test_an_older_reading_does_not_replace_a_newer_one(
    sqlite_url: str, valkey_url: str
) -> None:
    async with running_shop(sqlite_url, valkey_url) as shop:
        catalogue = shop.commerce.catalogue
        old, at_ms = catalogue.rules, shop.clock()
        await put(shop, estate_price(880))
        tea, estates = catalogue.products["tea"], list(catalogue.estates.values())
        await asyncio.gather(
            *(
                shop.commerce.gates.of("b").set_products([tea], old, estates, at_ms + late)
                for late in (0, 9)
            )
        )
        assert await total(shop, "anna") == 880


async def test_a_member_pays_the_price_of_members(database_url: str, valkey_url: str) -> None:
    async with running_shop(database_url, valkey_url) as shop:
        async with shop.commerce.record.write() as connection:
            await connection.execute(update(brands).values(member_prices=True))
        await shop.commerce._shop.cache.refresh()
        await shop.commerce.groups.pin("demo", "tea", None)
        await put(shop, PriceRule("r1", "tea", Scope.MEMBER, "", 900), estate_price(880, id="r2"))

        def shown() -> bool:
            card = shop.feed.cards.get(("demo", "tea"))
            return card is not None and card.product.member_fen == 900

        await wait_until(shown, what="the card")
        [own] = [one for one in await shop.commerce.products("demo", "e1") if one.id == "tea"]
        assert (own.price_fen, own.member_fen) == (880, None)  # no member pays more

        async def paid(guest: str, estate: str, *, member: bool) -> int:
            tap = dataclasses.replace(shop.tap(guest, estate=estate), member=member)
            order = await shop.commerce.orders.place(tap)
            assert isinstance(order, OrderView)
            return order.total_fen

        assert await paid("anna", "e2", member=True) == 900
        assert await paid("bo", "e2", member=False) == 990
        assert await paid("cai", "e1", member=True) == 880
