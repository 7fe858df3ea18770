"""A small shop for tests, and a running commerce around it."""

import asyncio
import dataclasses
import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from commerce.catalogue.sets import PartRole, SetPart
from commerce.catalogue.values import (
    Brand,
    Coordinates,
    Estate,
    GroupOffer,
    Product,
    Room,
    SeedPlan,
    SeedStaff,
    Staff,
    Stock,
    Store,
    Text,
)
from commerce.feed import MemoryFeed
from commerce.flash.sale import FlashSale, FlashTerms
from commerce.groups.group import Group, GroupState
from commerce.io.commerce import Commerce
from commerce.io.ledger.consumer import Probe
from commerce.io.record.engine import close_engine, open_engine, wall_clock
from commerce.io.record.migrate import upgrade
from commerce.io.shop.orders import OrderRequest
from commerce.io.shop.sealing import Sealer
from commerce.io.shop.seed import seed
from commerce.money.payments import Payments
from commerce.money.providers import PaymentProvider
from commerce.notices.push import Push
from commerce.notices.sms import SmsMessages
from commerce.notices.wechat import WechatMessages
from commerce.orders.states import OrderState
from commerce.spans import Spans, no_spans
from commerce.views import OrderView
from server.redis_client import open_redis
from tests.support.order_views import order_view
from tests.support.waiting import WAIT_S

NOTHING_YET = order_view(id="", state=OrderState.WAITING_GROUP, refunded_fen=-1)
NO_GROUP_YET = Group("", "", "", -1, 0, 0, GroupState.CANCELLED, 0)
FAR, NEAR = Coordinates(30.30, 120.20), Coordinates(30.27, 120.15)


def text(words: str) -> Text:
    """The same words in both languages."""
    return Text(words, words)


def shop_plan(units: int = 100, *, target: int = 3, duration_s: int = 3_600) -> SeedPlan:
    """Two stores, two estates; `tea` is sold singly, `pear` in groups, `rice` lies in s2 only."""
    return SeedPlan(
        brand=Brand("b", text("brand")),
        stores=(
            Store("s1", text("one"), text("street 1"), NEAR),
            Store("s2", text("two"), text("street 2"), FAR),
        ),
        estates=(
            Estate("e1", text("east"), NEAR, "s1"),
            Estate("e2", text("west"), FAR, "s2"),
        ),
        rooms=(Room("demo", text("kitchen"), "s1"), Room("other", text("other"), "s2")),
        products=(
            Product("tea", text("tea"), text("box"), "/goods/tea.svg", 990, 1_200),
            Product(
                "pear",
                text("pear"),
                text("kg"),
                "/goods/pear.svg",
                800,
                1_000,
                GroupOffer(600, target, duration_s),
            ),
            Product("rice", text("rice"), text("bag"), "/goods/rice.svg", 3_000, 3_000),
            Product("gone", text("gone"), text("bag"), "/goods/rice.svg", 10, 10, on_sale=False),
        ),
        stock=(
            Stock("tea", "s1", units),
            Stock("pear", "s1", units),
            Stock("rice", "s2", units),
            Stock("gone", "s1", units),
        ),
        staff=(
            SeedStaff(
                Staff("u1", "clerk", "Clerk", ("host", "store"), "demo", "s1"), "open sesame"
            ),
        ),
    )


DINNER_PARTS = (SetPart("tea", 2, 7_000, PartRole.MAIN), SetPart("pear", 1, 3_000, PartRole.SIDE))


def with_dinner(
    plan: SeedPlan, parts: tuple[SetPart, ...] = DINNER_PARTS, *, group_target: int = 0
) -> SeedPlan:
    """The shop with `dinner`, a set of two teas and a pear; with a target, also sold in groups."""
    dinner = Product(
        "dinner",
        text("dinner"),
        text("set"),
        "/goods/set.svg",
        2_000,
        2_780,
        GroupOffer(1_700, group_target, 600) if group_target else None,
        parts=parts,
        recipe=text("boil"),
        cooking_minutes=30,
    )
    return dataclasses.replace(plan, products=(*plan.products, dinner))


@dataclass(slots=True)
class TestClock:
    """Real time plus what a test added; never before real time, as Redis keys expire in it."""

    __test__ = False
    ahead_ms: int = 0

    def __call__(self) -> int:
        return wall_clock() + self.ahead_ms


@dataclass(slots=True)
class Shop:
    """A commerce on real services, and the feed that it publishes to."""

    commerce: Commerce
    feed: MemoryFeed
    redis: Redis
    engine: AsyncEngine
    clock: TestClock

    def seen(self, order_id: str) -> OrderView:
        """The newest view that the buyer got; an empty one before that."""
        return self.feed.last_orders.get(order_id, NOTHING_YET)

    def seen_group(self, group_id: str) -> Group:
        """The newest state that rooms got."""
        return self.feed.groups.get(group_id, NO_GROUP_YET)

    def tap(
        self,
        guest: str,
        product: str = "tea",
        *,
        quantity: int = 1,
        key: str = "",
        estate: str = "e1",
        group: str | None = None,
        price: int | None = None,
        household: str = "",
    ) -> OrderRequest:
        """A request; without a key, one tap per guest and product."""
        return OrderRequest(
            guest_id=guest,
            estate_id=estate,
            room_id="demo",
            product_id=product,
            quantity=quantity,
            key=key or f"key-{guest}-{product}",
            group_id=group,
            expected_price_fen=price,
            household_id=household,
        )


@asynccontextmanager
async def open_shop(
    database_url: str,
    redis_url: str,
    *,
    plan: SeedPlan | None = None,
    payments: Payments | None = None,
    provider: PaymentProvider | None = None,
    push: Push | None = None,
    wechat: WechatMessages | None = None,
    sms: SmsMessages | None = None,
    probe: Probe = lambda step: None,
    clock: TestClock | None = None,
    spans: Spans = no_spans,
    started: bool = True,
    sealer: Sealer | None = None,
) -> AsyncIterator[Shop]:
    """A seeded shop; with `started`, the gate is open (nothing runs yet)."""
    engine = open_engine(database_url)
    redis = open_redis(redis_url)
    clock = clock or TestClock()
    feed = MemoryFeed()
    try:
        await upgrade(engine)
        await seed(engine, plan or shop_plan())
        commerce = Commerce(
            engine,
            redis,
            feed,
            payments=payments,
            provider=provider,
            push=push,
            wechat=wechat,
            sms=sms,
            clock=clock,
            probe=probe,
            spans=spans,
            sealer=sealer,
        )
        # On a busy machine, too, a tap is answered before it is taken for pending.
        place = functools.partial(commerce.orders.place, wait_s=WAIT_S)
        commerce.orders.place = place  # type: ignore[method-assign]
        if started:
            await commerce.start()
        yield Shop(commerce, feed, redis, engine, clock)
    finally:
        await redis.aclose()
        await close_engine(engine)


@asynccontextmanager
async def running(commerce: Commerce) -> AsyncIterator[None]:
    """Run a commerce in the background; errors of its tasks fail the test."""
    task = asyncio.create_task(commerce.run())
    try:
        yield
    finally:
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            pass


@asynccontextmanager
async def running_shop(database_url: str, redis_url: str, **options: object) -> AsyncIterator[Shop]:
    """A shop that is open."""
    async with open_shop(database_url, redis_url, **options) as shop:  # type: ignore[arg-type]  # passed on
        async with running(shop.commerce):
            yield shop


async def open_flash(
    shop: Shop,
    product: str = "tea",
    *,
    price_fen: int = 700,
    units: int = 10,
    household_limit: int = 1,
    starts_in_s: int = 0,
    duration_s: int = 600,
) -> FlashSale:
    """Announce a flash sale in the room."""
    terms = FlashTerms(price_fen, units, household_limit, starts_in_s, duration_s)
    return await shop.commerce.activities.flash.open("demo", product, terms, actor="u1")


def flash_tap(shop: Shop, sale: FlashSale, guest: str, key: str = "") -> OrderRequest:
    """A tap in a flash sale; without a key, one per guest."""
    tap = shop.tap(guest, sale.product_id, key=key or f"flash-{guest}")
    return dataclasses.replace(tap, flash_id=sale.id)
