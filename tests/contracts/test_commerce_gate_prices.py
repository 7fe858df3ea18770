"""Members' prices and the price before a dearer one: the scripts agree with their rule."""

import asyncio
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from commerce.catalogue.offers import RuleBook, place_of, rule_book
from commerce.catalogue.pricing import PriceRule
from commerce.catalogue.rules import Scope
from commerce.catalogue.values import Coordinates, Estate, Product, Text
from commerce.errors import Refusal
from commerce.io.gate import keys
from commerce.io.gate.codec import encode_offers
from commerce.io.gate.redis_gate import RedisGate
from commerce.io.ledger.consumer import make_group
from commerce.io.record.engine import wall_clock
from commerce.orders.gate import GRACE_MS, Gate, GateProduct, Offered
from commerce.orders.lines import TapLine
from commerce.orders.tap import Decision, Status, Tap
from server.redis_client import open_redis
from tests.support.gate_keys import GATE

WORDS = Text("", "")
TEA = Product("tea", WORDS, WORDS, "", 100, 100, household_limit=1_000)
ESTATES = [Estate(id, WORDS, Coordinates(0, 0), "s1") for id in ("e1", "e2")]
PRICES = (80, 90, 100, 110)
SCOPES = (
    (Scope.BRAND, ""),
    (Scope.ESTATE, "e1"),
    (Scope.MEMBER, ""),
    (Scope.LIVE, "demo"),
)
rules_of = st.lists(
    st.tuples(st.sampled_from(SCOPES), st.sampled_from(PRICES)),
    max_size=4,
    unique_by=lambda rule: rule[0],
)
tap_of = st.tuples(
    st.sampled_from(["e1", "e2"]),
    st.booleans(),  # a member
    st.booleans(),  # in the live
    st.booleans(),  # several lines
    st.sampled_from(PRICES),
)
step = st.one_of(rules_of, tap_of, tap_of, st.sampled_from([10_000, GRACE_MS]))


def offered(product: Product, book: RuleBook) -> dict[Offered, GateProduct]:
    """What `encode_offers` says, as the rule keeps it."""
    found: dict[Offered, GateProduct] = {}
    for field, facts in encode_offers(product, book, ESTATES, 0).items():
        *mark, last = field.removeprefix("+|").split("|")
        estate, room = (mark[0], last) if len(mark) == 2 else (mark[0] if mark else "", "")
        price, limit, on_sale = facts.split(" ")
        offer = GateProduct(int(price), int(limit), on_sale == "1")
        found[field.startswith("+|"), estate, product.id, room] = offer
    return found


class Pair:
    """The rule and the script."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.rule = Gate(available={("tea", "s1"): 10_000, ("rice", "s1"): 10_000})
        self.script = RedisGate(redis)
        self.now = wall_clock()
        self.version = 0
        self.book = RuleBook()
        self.taps = 0

    async def fill(self) -> None:
        """Both have tea and rice, and the gate is open."""
        await self._redis.flushall()
        await make_group(self._redis, GATE.orders)
        for (product, store), units in self.rule.available.items():
            await self._redis.hset(GATE.available, keys.row(product, store), str(units))
        await self.reprice([])
        await self._redis.set(GATE.epoch, "e")

    async def reprice(self, drawn: list[tuple[tuple[Scope, str], int]]) -> None:
        """Other rules hold for tea."""
        self.version += 1
        rules = [
            PriceRule(f"r{at}", "tea", scope, id, price)
            for at, ((scope, id), price) in enumerate(drawn)
        ]
        self.book = rule_book(self.version, rules, [])
        goods = [TEA, replace(TEA, id="rice")]
        await self.script.set_products(goods, self.book, ESTATES, self.now)
        for product in goods:
            self.rule.replace_offers(product.id, offered(product, self.book), self.now)

    async def tap(
        self, estate: str, member: bool, live: bool, several: bool, price: int
    ) -> Decision:
        """Both decide, and agree."""
        self.taps += 1
        lines = (TapLine("tea", 1, price, 0), TapLine("rice", 1, None, 0)) if several else ()
        tap = Tap(
            order_id=f"{self.taps:032}",
            body_hash="body",
            guest_id="anna",
            estate_id=estate,
            room_id="demo" if live else "other",
            product_id="tea",
            quantity=1,
            group_id="",
            explicit=False,
            expected_price_fen=price,
            stores=("s1",),
            member=member,
            lines=lines,
            needs=(("tea", 1), ("rice", 1)) if several else (),
        )
        decision = await self.script.admit(tap, self.now)
        assert decision == self.rule.admit(tap, at_ms=self.now)
        return decision

    def price(self, estate: str, member: bool, live: bool) -> int:
        """What the rules say that it costs."""
        [home] = [each for each in ESTATES if each.id == estate]
        place = replace(place_of(home, "demo" if live else "other"), member=member)
        return self.book.offer(TEA, place, at_ms=0).price_fen


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(step, min_size=6, max_size=24))
def test_the_scripts_agree_with_the_rule_at_changing_prices(
    redis_url: str, steps: list[object]
) -> None:
    async def main() -> None:
        async with open_redis(redis_url) as redis:
            pair = Pair(redis)
            await pair.fill()
            running = asyncio.create_task(pair.script.run())
            try:
                for drawn in steps:
                    if isinstance(drawn, int):
                        pair.now += drawn
                    elif isinstance(drawn, list):
                        await pair.reprice(drawn)
                    else:
                        assert isinstance(drawn, tuple)
                        estate, member, live, _, price = drawn
                        decision = await pair.tap(*drawn)
                        now_fen = pair.price(estate, member, live)
                        # Never dearer than what was seen, never cheaper than what held just now.
                        if decision.status is Status.ADMITTED:
                            assert decision.price_fen == price <= now_fen
                        else:
                            assert decision.refusal is Refusal.PRICE_CHANGED
                            assert decision.left == now_fen != price
            finally:
                running.cancel()

    asyncio.run(main())


def test_the_price_before_a_dearer_one_holds_for_thirty_seconds(redis_url: str) -> None:
    async def main() -> None:
        async with open_redis(redis_url) as redis:
            pair = Pair(redis)
            await pair.fill()
            running = asyncio.create_task(pair.script.run())
            try:
                await pair.reprice([((Scope.ESTATE, "e1"), 80)])
                await pair.reprice([])  # the estate's own offer ends
                pair.now += GRACE_MS - 1
                assert (await pair.tap("e1", False, False, False, 80)).price_fen == 80
                # Nobody else was shown that price, and a cheaper one waits for another tap.
                assert (await pair.tap("e2", False, False, False, 80)).left == 100
                pair.now += 1
                assert (await pair.tap("e1", False, False, False, 80)).left == 100
                await pair.reprice([((Scope.BRAND, ""), 90)])
                assert (await pair.tap("e1", False, False, False, 100)).left == 90
                assert await redis.ttl(GATE.previous) > 0
            finally:
                running.cancel()

    asyncio.run(main())
