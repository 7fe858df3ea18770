"""The gate's scripts agree with their rule in Python for any sequence of steps."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from commerce.catalogue.assortment import AssortmentRule
from commerce.catalogue.offers import rule_book
from commerce.catalogue.pricing import PriceRule
from commerce.catalogue.rules import Scope
from commerce.catalogue.values import Coordinates, Estate, Product, Text
from commerce.errors import Refusal
from commerce.groups.group import Group, GroupState
from commerce.io.audit import keys_without_end
from commerce.io.gate import keys
from commerce.io.gate.codec import (
    ENTRY_FIELDS,
    TAP_FIELDS,
    decode_entry,
    encode_admitted_key,
    encode_hold,
)
from commerce.io.gate.redis_gate import RedisGate
from commerce.io.ledger.consumer import make_group
from commerce.io.record.engine import wall_clock
from commerce.money.payments import PaymentOutcome
from commerce.orders.flash import GateFlash
from commerce.orders.gate import HOLD_MS, Gate, GateGroup, GateProduct
from commerce.orders.late import LateOrder, readmit
from commerce.orders.ledger import Facts, Verdict, plan
from commerce.orders.lines import EntryLine, TapLine
from commerce.orders.order import OrderRow, body_hash_of, order_id_of
from commerce.orders.states import OrderState
from commerce.orders.tap import Decision, Status, Tap
from server.redis_client import open_redis
from tests.support.gate_keys import GATE

SECOND_MS = 1_000
WORDS = Text("", "")
STORES = ("s1", "s2")
ESTATES = [Estate(id, WORDS, Coordinates(0, 0), "s1") for id in ("e1", "e2")]
# What estate e1 is offered that others are not: milk and jam for less, jam least in the live, no
# salt; e2 pays more for tea.
RULES = rule_book(
    1,
    [
        PriceRule("r1", "milk", Scope.ESTATE, "e1", 90),
        PriceRule("r2", "jam", Scope.ESTATE, "e1", 95),
        PriceRule("r3", "jam", Scope.LIVE, "demo", 90),
        PriceRule("r4", "tea", Scope.ESTATE, "e2", 110),
    ],
    [AssortmentRule("r5", "salt", Scope.ESTATE, "e1", False)],
)

# Weighted towards taps that could succeed; `right` is the group that is open for the product.
tap_of = st.tuples(
    st.sampled_from(["anna", "bo", "cai", "dora", "eve"]),
    st.sampled_from(["tea"] * 4 + ["pear"] * 4 + ["milk", "jam"] * 2 + ["salt", "gone", "unknown"]),
    st.sampled_from([1, 1, 1, 2, 2, 3, 5]),
    st.sampled_from([f"k{number}" for number in range(12)]),
    st.sampled_from(["right"] * 6 + ["", "g1", "g2", "g3"]),
    st.sampled_from([False, False, True]),
    st.sampled_from([None] * 6 + [100, 90, 70]),
    st.sampled_from([("s1", "s2"), ("s1", "s2"), ("s2", "s1"), ("s1",), ()]),
    st.sampled_from(["", "", " 7:1 8", " 8 w9", " 6"]),
    st.sampled_from([""] * 5 + ["f1", "f1", "f2", "f3"]),
)
# Products with the recipes of their sets, sometimes an older one, and prices that were seen.
line_of = st.builds(
    TapLine,
    st.sampled_from(["tea", "pear", "milk", "dinner", "dinner", "soup", "jam", "gone"]),
    st.sampled_from([1, 1, 1, 2, 3]),
    st.sampled_from([None] * 5 + [70, 100, 250]),
)
lines_of = st.tuples(
    st.sampled_from(["anna", "bo", "cai", "dora"]),
    st.lists(line_of, min_size=1, max_size=3, unique_by=lambda line: line.product_id),
    st.sampled_from([f"k{number}" for number in range(12)]),
    st.sampled_from(["right"] * 6 + ["", "g1", "g3"]),
    st.sampled_from([False, False, False, True]),
    st.sampled_from([0, 0, 0, 0, 0, 1]),
    st.sampled_from([("s1", "s2"), ("s1", "s2"), ("s2", "s1"), ("s2",), ()]),
    st.sampled_from(["", "", " 7:1 8", " 8 w9"]),
)
# Orders that were paid late: household, product, units, number, group, store, slots, limit,
# whether at the price of the product's flash sale, whether with the coupon.
late_of = st.tuples(
    st.just("late"),
    st.sampled_from(["anna", "bo", "cai", "dora"]),
    st.sampled_from(["tea", "pear", "pear", "dinner"]),
    st.sampled_from([1, 1, 2, 3]),
    st.integers(0, 3),
    st.booleans(),
    st.sampled_from(STORES),
    st.sampled_from(["", " 7:1 8", " 8"]),
    st.sampled_from([2, 6, 6]),
    st.booleans(),
    st.booleans(),
)
# Orders that are split over two stores: household, lines, key, how many lines the first half has.
halves_of = st.tuples(
    st.just("halves"),
    st.tuples(
        st.sampled_from(["anna", "bo", "cai", "dora"]),
        st.lists(line_of, min_size=2, max_size=4, unique_by=lambda line: line.product_id),
        st.sampled_from([f"k{number}" for number in range(12)]),
        st.integers(1, 3),
        st.sampled_from([0, 0, 0, 0, 0, 1]),
        st.permutations(STORES),
        st.sampled_from(["", "", " 7:1 8", " 8 w9"]),
    ),
)
step = st.integers(0, 13).flatmap(
    lambda die: (
        tap_of
        if die < 4
        else lines_of
        if die < 7
        else st.tuples(st.just("settle"), st.booleans())
        if die < 9
        else late_of
        if die < 10
        else st.tuples(st.just("end"), st.integers(0, 3), st.booleans())
        if die < 11
        else halves_of
        if die < 13
        else st.tuples(st.just("wait"), st.integers(1, 8))
    )
)


class Pair:
    """The rule and the script, side by side with the same content."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.script = RedisGate(redis)
        self.late: dict[str, tuple[LateOrder, str]] = {}
        self.ended = 0
        self.now = wall_clock() + SECOND_MS
        self.rule = Gate(
            available={
                ("tea", "s1"): 3,
                ("tea", "s2"): 5,
                ("pear", "s1"): 6,
                ("pear", "s2"): 4,
                ("milk", "s1"): 6,
                ("jam", "s2"): 6,
                ("salt", "s1"): 6,
                ("slot:7", "s1"): 2,
                ("slot:8", "s1"): 1,
                ("slot:8", "s2"): 2,
                ("slot:w9", "s2"): 2,
                ("flash:f1", ""): 3,
                ("flash:f1:eve", ""): 1,
                ("flash:f2", ""): 9,
                ("flash:f3", ""): 1,
            },
            products={
                "tea": GateProduct(100, 6),
                "pear": GateProduct(100, 6),
                "milk": GateProduct(100, 6),
                "jam": GateProduct(100, 6),
                "salt": GateProduct(100, 6),
                "gone": GateProduct(100, 6, on_sale=False),
                "dinner": GateProduct(250, 3, recipe_version=2),
                "soup": GateProduct(250, 20, recipe_version=1),
            },
            offers={
                ("e1", "milk", ""): GateProduct(90, 6),
                ("e1", "jam", ""): GateProduct(95, 6),
                ("e1", "jam", "demo"): GateProduct(90, 6),
                ("e1", "salt", ""): GateProduct(100, 6, on_sale=False),
                ("e2", "tea", ""): GateProduct(110, 6),
            },
            groups={
                "g1": GateGroup("e1", "pear", 90, self.now + 15 * SECOND_MS),
                "g2": GateGroup("e2", "pear", 90, self.now + 600 * SECOND_MS),
                "g3": GateGroup("e1", "dinner", 200, self.now + 25 * SECOND_MS),
            },
            # Of tea from the start, of pear a little later; the set's is over soon.
            flash_sales={
                ("demo", "tea"): self.sale("f1", 0, 20, 2),
                ("demo", "pear"): self.sale("f2", 4, 30, 3),
                ("demo", "soup"): self.sale("f3", 0, 6, 1),
            },
            open_groups={
                ("e1", "pear"): "g1",
                ("e2", "pear"): "g2",
                ("e1", "dinner"): "g3",
            },
        )

    def sale(self, id: str, from_s: int, until_s: int, most: int) -> GateFlash:
        """A flash sale at 70 fen."""
        times = (self.now + from_s * SECOND_MS, self.now + until_s * SECOND_MS)
        return GateFlash(id, *times, 70, most)

    async def fill(self) -> None:
        """Give the script what the rule has."""
        await self.redis.flushall()
        await make_group(self.redis, GATE.orders)
        for (product, store), units in self.rule.available.items():
            await self.redis.hset(GATE.available, keys.row(product, store), str(units))
        await self.script.set_products(
            [
                Product(
                    id,
                    WORDS,
                    WORDS,
                    "",
                    product.price_fen,
                    0,
                    household_limit=product.household_limit,
                    on_sale=product.on_sale,
                    recipe_version=product.recipe_version,
                )
                for id, product in self.rule.products.items()
            ],
            RULES,
            ESTATES,
            0,
        )
        for id, group in self.rule.groups.items():
            await self.script.set_group(
                Group(
                    id,
                    group.product_id,
                    group.estate_id,
                    0,
                    5,
                    group.price_fen,
                    GroupState.OPEN,
                    group.ends_at_ms,
                ),
                self.now,
            )
        for (room, product), sale in self.rule.flash_sales.items():
            await self.script.set_flash(room, product, sale)
        await self.redis.set(GATE.epoch, "e")

    @property
    def _redis(self) -> Redis:
        return self.redis

    async def tap(self, tap: Tap) -> None:
        """Both decide, and agree."""
        expected = self.rule.admit(tap, at_ms=self.now)
        assert await self.script.admit(tap, self.now) == expected
        await self.agree()

    async def halves(self, first: Tap, second: Tap) -> None:
        """Both decide about the two halves of a split order, and agree."""
        expected = self.rule.admit_halves(first, second, at_ms=self.now)
        assert await self.script.admit_halves(first, second, self.now) == expected
        await self.agree()

    async def settle(self, *, sold: bool) -> None:
        """The ledger takes the oldest entry."""
        raw = await self.redis.xrange(GATE.orders, count=1)
        if not raw:
            return
        entry_id, fields = raw[0]
        entry = decode_entry(entry_id, fields)  # type: ignore[arg-type]  # bytes
        self.rule.settle(entry.order_id, sold=sold)
        outcome = PaymentOutcome.PAID if sold else PaymentOutcome.DECLINED
        facts = Facts(
            free={(item, entry.store_id): units for item, units in entry.taken},
            slots={(entry.store_id, entry.slot): 1},
            quotas=dict(entry.quotas),
        )
        decided = plan([replace(entry, group_id="")], {entry.order_id: outcome}, facts, 1)
        [verdict] = decided.verdicts
        verdict = Verdict(entry, verdict.order, sold, None if sold else Refusal.PAYMENT_DECLINED)
        assert await self.script.settle([verdict], (), b"") == 1
        await self.agree()

    async def readmit(self, late: LateOrder) -> None:
        """Both decide about an order that was paid late, and agree."""
        expected = readmit(self.rule, late, at_ms=self.now)
        assert await self.script.readmit(late, self.now) == expected
        if expected.status is Status.ADMITTED:
            self.late.setdefault(late.order_id, (late, expected.slot))
        await self.agree()

    async def end_late(self, nth: int, *, sold: bool) -> None:
        """The record sold the units of a late order again, or did not."""
        if not self.late:
            return
        late, slot = self.late.pop(sorted(self.late)[nth % len(self.late)])
        self.ended += 1
        slots = ((f"slot:{slot}", 1),) if slot else ()
        stocks = [(item, late.store_id, units) for item, units in (*late.needs, *slots)]
        stocks += [(name, "", units) for name, units in late.quotas]
        for item, place, units in stocks if sold else ():
            row = keys.row(item, place)
            await self.script.restock(f"{self.ended}-{item}", row, -units)
        product, quantity, _ = late.counted[0]
        order = replace(
            LATE,
            id=late.order_id,
            household_id=late.household_id,
            product_id=product,
            quantity=quantity,
            group_id=late.group_id,
            quotas=late.quotas,
        )
        for _ in range(2):
            await self.script.end_hold(order, sold=sold)
        self.rule.end_hold(late.order_id, sold=sold)
        await self.agree()

    async def agree(self) -> None:
        """Both have the same units available and held, and the same seats."""
        available = await self.redis.hgetall(GATE.available)
        held = await self.redis.hgetall(GATE.held)
        for (product, store), units in self.rule.available.items():
            field = keys.row(product, store).encode()
            assert int(available[field]) == units >= 0
            assert int(held.get(field, b"0")) == self.rule.held(product, store)
        for entry_id, fields in await self.redis.xrange(GATE.orders) or ():
            entry = decode_entry(entry_id, fields)  # type: ignore[arg-type]  # bytes
            hold = self.rule.holds[entry.order_id]
            assert (entry.held, entry.ruled_out) == (hold.needs, hold.ruled_out)
            assert (entry.quotas, entry.counted) == (hold.quotas, hold.bought)
        for id, group in self.rule.groups.items():
            seats = await self.redis.hgetall(GATE.seats(id))
            assert {guest.decode(): order.decode() for guest, order in seats.items()} == group.seats  # type: ignore[union-attr]  # bytes
        for guest in ("anna", "bo", "cai", "dora", "eve"):
            for product in (*self.rule.products, "flash:f1", "flash:f2", "flash:f3"):
                bought = await self.redis.get(GATE.bought(guest, product))
                assert int(bought or 0) == self.rule.bought(guest, product)
        taken = await self.redis.get(GATE.coupon("c1"))
        assert (taken or b"") == self.rule.coupons.get("c1", ("", 0))[0].encode()
        assert await self.redis.xlen(GATE.orders) == self.rule.backlog


Drawn = tuple[str, str, int, str, str, bool, int | None, tuple[str, ...], str, str]


def tap_from(drawn: Drawn) -> Tap:
    """A tap of a household in estate e1."""
    guest, product, quantity, key, group, explicit, price, stores, slots, flash = drawn
    if group == "right":
        group = "g1" if product == "pear" else ""
    return Tap(
        order_id=order_id_of(guest, key),
        body_hash=body_hash_of("demo", product, group, quantity),
        guest_id=guest,
        estate_id="e1",
        room_id="demo",
        product_id=product,
        quantity=quantity,
        group_id=group,
        explicit=explicit and bool(group),
        expected_price_fen=price,
        stores=stores,
        household_id="" if guest in ("anna", "eve") else "home",
        flash_id=flash,
        ruled_out="s3 closed " if slots else "",
        coupon_id="c1" if key in ("k4", "k5", "k6") else "",
        discounts="10" if key in ("k4", "k5", "k6") else "",
        slots=(slots,) * len(stores),
    )


RECIPES = {"dinner": ({"tea": 2, "pear": 1}, 2), "soup": ({"pear": 3}, 1)}
Lines = tuple[str, list[TapLine], str, str, bool, int, tuple[str, ...], str]


def tap_of_lines(drawn: Lines) -> Tap:
    """A tap of several lines or a set; sets are taken apart by an older recipe if `older`."""
    guest, drawn_lines, key, group, explicit, older, stores, slots = drawn
    lines = tuple(
        replace(line, recipe_version=max(0, RECIPES.get(line.product_id, ({}, 0))[1] - older))
        for line in drawn_lines
    )
    needs: Counter[str] = Counter()
    for line in lines:
        for item, units in RECIPES.get(line.product_id, ({line.product_id: 1}, 0))[0].items():
            needs[item] += units * line.units
    first = lines[0]
    if group == "right":
        group = {"pear": "g1", "dinner": "g3"}.get(first.product_id, "") if len(lines) < 2 else ""
    return Tap(
        order_id=order_id_of(guest, key),
        body_hash=body_hash_of("demo", repr(lines), group, first.units),
        guest_id=guest,
        estate_id="e1",
        room_id="demo",
        product_id=first.product_id,
        quantity=first.units,
        group_id=group,
        explicit=explicit and bool(group),
        expected_price_fen=first.expected_price_fen,
        stores=stores,
        slots=(slots,) * len(stores),
        lines=lines,
        needs=tuple(needs.items()),
    )


Halves = tuple[str, list[TapLine], str, int, int, list[str], str]


def halves_from(drawn: Halves) -> tuple[Tap, Tap]:
    """Two taps of one key; a half of one item is as plain as any tap of one."""
    guest, lines, key, cut, older, stores, slots = drawn
    cut = min(cut, len(lines) - 1)
    first, second = (
        tap_of_lines((guest, own, f"{key}{place}", "", False, older, (stores[place],), slots))
        for place, own in enumerate((lines[:cut], lines[cut:]))
    )
    plain = [len(tap.lines) == 1 and tap.product_id not in RECIPES for tap in (first, second)]
    one, other = (
        replace(tap, lines=(), needs=()) if alone else tap
        for tap, alone in zip((first, second), plain, strict=True)
    )
    return one, other


Late = tuple[str, str, str, int, int, bool, str, str, int, bool, bool]
SALES = {"tea": ("flash:f1", 2), "pear": ("flash:f2", 3)}  # with what a household may take


def late_from(drawn: Late) -> LateOrder:
    """An order that was paid late, alone or in the group of its product."""
    _, household, product, units, number, grouped, store, slots, limit, flash, coupon = drawn
    group = {"pear": "g1", "dinner": "g3"}.get(product, "") if grouped else ""
    sale = SALES.get(product) if flash and not group else None
    recipe = RECIPES.get(product, ({product: 1}, 0))[0]
    return LateOrder(
        f"late-{household}-{number}",
        household,
        store,
        tuple((item, each * units) for item, each in recipe.items()),
        ((product, units, limit), *([(sale[0], units, sale[1])] if sale else [])),
        "" if group else slots,
        group,
        ((sale[0], units),) if sale else (),
        "c1" if coupon else "",
    )


LATE = OrderRow(
    id="",
    number="1",
    guest_id="",
    estate_id="e1",
    room_id="demo",
    store_id="s1",
    product_id="tea",
    group_id="",
    quantity=1,
    total_fen=100,
    paid_fen=100,
    refunded_fen=0,
    state=OrderState.NEW,
    refused=None,
    version=1,
    created_at_ms=0,
    due_at_ms=None,
    handed_over_at_ms=None,
    body_hash="",
    entry_id="",
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(step, min_size=4, max_size=40))
def test_the_script_agrees_with_the_rule(redis_url: str, steps: list[tuple[object, ...]]) -> None:
    async def main() -> None:
        async with open_redis(redis_url) as redis:
            pair = Pair(redis)
            await pair.fill()
            running = asyncio.create_task(pair.script.run())
            try:
                for drawn in steps:
                    if drawn[0] == "settle":
                        await pair.settle(sold=bool(drawn[1]))
                    elif drawn[0] == "wait":
                        pair.now += int(str(drawn[1])) * SECOND_MS
                    elif drawn[0] == "late":
                        await pair.readmit(late_from(drawn))  # type: ignore[arg-type]  # as drawn
                    elif drawn[0] == "end":
                        await pair.end_late(int(str(drawn[1])), sold=bool(drawn[2]))
                    elif drawn[0] == "halves":
                        await pair.halves(*halves_from(drawn[1]))  # type: ignore[arg-type]  # as drawn
                    elif isinstance(drawn[1], list):
                        await pair.tap(tap_of_lines(drawn))  # type: ignore[arg-type]  # as drawn
                    else:
                        await pair.tap(tap_from(drawn))  # type: ignore[arg-type]  # as drawn
                assert await keys_without_end(redis, GATE) == []
            finally:
                running.cancel()
                await asyncio.wait([running])

    asyncio.run(main())


@pytest.fixture
async def pair(redis_url: str):  # type: ignore[no-untyped-def]  # a fixture that yields
    """A rule and a script, filled alike."""
    async with open_redis(redis_url) as redis:
        filled = Pair(redis)
        await filled.fill()
        running = asyncio.create_task(filled.script.run())
        yield filled
        running.cancel()
        await asyncio.wait([running])


TEA: Drawn = (
    "anna",
    "tea",
    2,
    "k1",
    "",
    False,
    None,
    STORES,
    "",
    "",
)


async def test_a_closed_gate_decides_nothing(pair: Pair) -> None:
    await pair.redis.delete(GATE.epoch)
    assert await pair.script.admit(tap_from(TEA), pair.now) == Decision(Status.NOT_READY)
    await pair.redis.set(GATE.epoch, "e")
    assert (await pair.script.admit(tap_from(TEA), pair.now)).status is Status.ADMITTED


async def test_scripts_are_reloaded_when_redis_lost_them(pair: Pair) -> None:
    await pair.redis.script_flush()
    assert (await pair.script.admit(tap_from(TEA), pair.now)).status is Status.ADMITTED


async def test_an_overdue_hold_is_returned_only_if_its_entry_is_lost(
    pair: Pair,
) -> None:
    await pair.script.admit(tap_from(TEA), pair.now)
    assert await pair.script.sweep(pair.now + HOLD_MS - 1) == 0
    assert await pair.script.sweep(pair.now + HOLD_MS) == 0
    await pair.redis.xtrim(GATE.orders, maxlen=0)
    assert await pair.script.sweep(pair.now + HOLD_MS) == 0
    assert await pair.script.sweep(pair.now + 2 * HOLD_MS) == 1
    assert await pair.redis.hget(GATE.available, "tea|s1") == b"3"
    assert await pair.redis.hget(GATE.held, "tea|s1") == b"0"


async def test_a_hold_of_a_late_order_that_nobody_ends_is_returned(pair: Pair) -> None:
    await pair.readmit(late_from(("late", "anna", "pear", 2, 0, False, "s1", " 8", 6, True, True)))
    assert await pair.script.sweep(pair.now + HOLD_MS) == 1
    assert await pair.redis.hgetall(GATE.hold) == {}
    assert await pair.script.free(["pear|s1", "slot:8|s1"]) == [6, 1]


async def test_entry_and_hold_carry_the_fields_of_the_tap(pair: Pair) -> None:
    tap = replace(
        tap_from(("anna", "pear", 2, "k1", "right", False, 90, STORES, "", "")),
        origin="w",
        household_id="home",
    )
    decision = await pair.script.admit(tap, pair.now)
    [(entry_id, fields)] = await pair.redis.xrange(GATE.orders)  # type: ignore[misc]  # redis-py: maybe None
    entry = decode_entry(entry_id, fields)  # type: ignore[arg-type]  # bytes
    for name in set(ENTRY_FIELDS) & set(TAP_FIELDS):
        assert getattr(entry, name) == getattr(tap, name)
    assert (entry.store_id, entry.price_fen, entry.at_ms) == (decision.store_id, 90, pair.now)
    assert await pair.redis.hget(GATE.hold, tap.order_id) == encode_hold(entry).encode()
    assert await pair.redis.get(GATE.idem(tap.order_id)) == (
        encode_admitted_key(tap.body_hash).encode()
    )


DINNER: Lines = ("anna", [TapLine("dinner", 1)], "k1", "right", False, 0, STORES, "")
BAG: Lines = (
    "anna",
    [TapLine("dinner", 1, 250), TapLine("tea", 1, 100), TapLine("pear", 2)],
    "k1",
    "right",
    False,
    0,
    STORES,
    "",
)


async def test_lines_are_held_together_and_carry_their_prices(pair: Pair) -> None:
    """Tea is in a flash sale; its buyer saw more."""
    await pair.tap(tap_of_lines(BAG))
    [(entry_id, fields)] = await pair.redis.xrange(GATE.orders)  # type: ignore[misc]  # redis-py: maybe None
    entry = decode_entry(entry_id, fields)  # type: ignore[arg-type]  # bytes
    assert entry.lines == (
        EntryLine("dinner", 1, 250, 2),
        EntryLine("tea", 1, 70),
        EntryLine("pear", 2, 100),
    )
    assert entry.quotas == (("flash:f1", 1),)
    assert (dict(entry.needs), entry.store_id) == ({"tea": 3, "pear": 3}, "s1")
    assert entry.total_fen == 520
    hold = await pair.redis.hget(GATE.hold, entry.order_id)
    assert hold == encode_hold(entry).encode()


async def test_a_sold_out_item_is_named_with_what_is_left_of_it(pair: Pair) -> None:
    pair.rule.available["tea", "s1"] = 2
    await pair.redis.hset(GATE.available, "tea|s1", "2")
    refused = await pair.script.admit(tap_of_lines(BAG[:-2] + (("s1",), "")), pair.now)
    assert refused == Decision(Status.REFUSED, Refusal.SOLD_OUT, 2, product_id="tea")
    again = await pair.script.admit(tap_of_lines(BAG[:-2] + (("s1",), "")), pair.now)
    assert again == refused


async def test_of_a_set_as_many_are_left_as_its_scarcest_part_makes(pair: Pair) -> None:
    dinners = tap_of_lines(("bo", [TapLine("dinner", 3)], "k1", "right", False, 0, STORES, ""))
    await pair.tap(dinners)
    refused = await pair.script.admit(dinners, pair.now)
    assert refused == Decision(Status.REFUSED, Refusal.SOLD_OUT, 2)  # of 5 tea in s2


async def test_a_set_in_a_group_costs_what_the_group_does(pair: Pair) -> None:
    decision = await pair.script.admit(tap_of_lines(DINNER), pair.now)
    assert (decision.status, decision.group_id) == (Status.ADMITTED, "g3")
    [(entry_id, fields)] = await pair.redis.xrange(GATE.orders)  # type: ignore[misc]  # redis-py: maybe None
    assert decode_entry(entry_id, fields).lines == (EntryLine("dinner", 1, 200, 2),)  # type: ignore[arg-type]  # bytes


async def test_another_recipe_than_the_buyers_decides_nothing(pair: Pair) -> None:
    older = tap_of_lines(DINNER[:5] + (1, STORES, ""))
    assert await pair.script.admit(older, pair.now) == Decision(Status.STALE)
    as_an_item = replace(tap_from(TEA), product_id="dinner", group_id="g3")
    assert await pair.script.admit(as_an_item, pair.now) == Decision(Status.STALE)
    assert (await pair.script.admit(tap_of_lines(DINNER), pair.now)).status is Status.ADMITTED


async def test_an_overdue_hold_of_several_items_returns_all_of_them(pair: Pair) -> None:
    await pair.script.admit(tap_of_lines(BAG), pair.now)
    await pair.redis.xtrim(GATE.orders, maxlen=0)
    assert await pair.script.sweep(pair.now + HOLD_MS) == 1
    assert await pair.redis.hmget(GATE.available, "tea|s1", "pear|s1") == [b"3", b"6"]
    assert await pair.redis.hmget(GATE.held, "tea|s1", "pear|s1") == [b"0", b"0"]


async def test_a_coupon_is_taken_by_one_order_until_it_is_given_back(pair: Pair) -> None:
    first, second, third = [
        replace(tap_from(("bo", "tea", 1, f"k{n}", *TEA[4:])), coupon_id="c9") for n in (1, 2, 3)
    ]
    assert (await pair.script.admit(first, pair.now)).status is Status.ADMITTED
    taken = Decision(Status.REFUSED, Refusal.COUPON_TAKEN)
    assert await pair.script.admit(second, pair.now) == taken
    await pair.script.free_coupons([("c9", second.order_id)])
    assert await pair.script.admit(second, pair.now) == taken
    await pair.redis.xtrim(GATE.orders, maxlen=0)
    assert await pair.script.sweep(pair.now + HOLD_MS) == 1
    assert (await pair.script.admit(third, pair.now)).status is Status.ADMITTED
    await pair.script.free_coupons([("c9", third.order_id)])
    assert await pair.redis.exists(GATE.coupon("c9")) == 0


async def test_a_slot_is_held_and_returned_with_the_units(pair: Pair) -> None:
    tap = tap_from((*TEA[:-3], ("s1",), " 7:1 8", ""))
    assert (await pair.script.admit(tap, pair.now)).slot == "7"
    # One more must stay free in that window, and the next one has a single slot.
    second = tap_from(("bo", "tea", 1, "k2", "", False, None, ("s1",), " 7:1 8", ""))
    assert (await pair.script.admit(second, pair.now)).slot == "8"
    third = tap_from(("cai", "pear", 1, "k3", "", False, None, ("s1",), " 7:1 8", ""))
    third = replace(third, estate_id="e3")
    refused = await pair.script.admit(third, pair.now)
    assert refused == Decision(Status.REFUSED, Refusal.NO_SLOT)
    assert await pair.redis.hget(GATE.held, "slot:7|s1") == b"1"
    await pair.redis.xtrim(GATE.orders, maxlen=0)
    assert await pair.script.sweep(pair.now + HOLD_MS) == 2
    assert await pair.redis.hmget(GATE.available, "slot:7|s1", "slot:8|s1") == [b"2", b"1"]
    assert await pair.redis.hmget(GATE.held, "slot:7|s1", "slot:8|s1") == [b"0", b"0"]


async def test_a_hold_of_an_older_version_is_returned(pair: Pair) -> None:
    await pair.redis.hset(GATE.hold, "old", "tea|s1|2||anna|1-1")
    await pair.redis.zadd(GATE.holds, {"old": pair.now})
    assert await pair.script.sweep(pair.now) == 1
    assert await pair.redis.hget(GATE.available, "tea|s1") == b"5"


async def test_a_restock_is_applied_once(pair: Pair) -> None:
    for _ in range(3):
        await pair.script.restock("change", "tea|s1", 7)
    assert await pair.redis.hget(GATE.available, "tea|s1") == b"10"


async def test_a_group_ends_in_the_millisecond_of_its_deadline(pair: Pair) -> None:
    pair.now = pair.rule.groups["g1"].ends_at_ms - 1
    await pair.tap(tap_from(("anna", "pear", 1, "k1", "g1", True, None, STORES, "", "")))
    pair.now += 1
    await pair.tap(tap_from(("bo", "pear", 1, "k1", "g1", True, None, STORES, "", "")))
    assert list(pair.rule.groups["g1"].seats) == ["anna"]


async def test_of_two_halves_both_are_held_or_none(pair: Pair) -> None:
    lines = [TapLine("tea", 2), TapLine("jam", 6)]
    whole = halves_from(("anna", lines, "k1", 1, 0, ["s1", "s2"], ""))
    wanting = halves_from(("bo", lines, "k1", 1, 0, ["s1", "s2"], ""))
    less = [TapLine("tea", 1), TapLine("jam", 1)]
    one_less = halves_from(("cai", less, "k1", 1, 0, ["s1", "s2"], ""))
    answers = await pair.script.admit_halves(*whole, pair.now)
    assert [(one.status, one.store_id) for one in answers] == [
        (Status.ADMITTED, "s1"),
        (Status.ADMITTED, "s2"),
    ]
    assert await pair.redis.hmget(GATE.available, "tea|s1", "jam|s2") == [b"1", b"0"]
    again = await pair.script.admit_halves(*whole, pair.now)
    assert again == [Decision(Status.REPLAYED)] * 2
    # There is tea left for another one, and no jam: nothing of it is held, and it stays so.
    for _ in range(2):
        [refused] = await pair.script.admit_halves(*one_less, pair.now)
        assert (refused.status, refused.refusal) == (Status.REFUSED, Refusal.SOLD_OUT)
    [refused] = await pair.script.admit_halves(*wanting, pair.now)
    assert refused.refusal is Refusal.SOLD_OUT
    assert await pair.redis.hmget(GATE.available, "tea|s1", "jam|s2") == [b"1", b"0"]
    assert await pair.redis.xlen(GATE.orders) == 2
