"""Commerce put together: one object per worker, which the server builds, runs and calls."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Collection

import structlog
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from commerce.feed import Feed
from commerce.groups.group import EXPIRY_GRACE_MS
from commerce.io.gate.gates import Gates
from commerce.io.gate.rebuild import Rebuild
from commerce.io.gate.reconcile import Reconcile
from commerce.io.ledger.answers import Answers
from commerce.io.ledger.consumer import Ledger, Probe
from commerce.io.messages.log import LoggedCodes
from commerce.io.metrics import CommerceMetrics
from commerce.io.outbox.handlers import Outlets
from commerce.io.outbox.relay import OutboxRelay
from commerce.io.payments.sandbox import SandboxPayments
from commerce.io.record.engine import Clock, Record, wall_clock
from commerce.io.record.shutdown import stopping
from commerce.io.shop.activities.activities import Activities
from commerce.io.shop.after_sales.claims import Claims
from commerce.io.shop.after_sales.orders import AfterSales
from commerce.io.shop.after_sales.ratings import Ratings
from commerce.io.shop.audit_trail import AuditTrail
from commerce.io.shop.books.bills import Bills
from commerce.io.shop.books.books import Books
from commerce.io.shop.books.payouts import Payouts
from commerce.io.shop.catalogue.cache import CatalogueCache
from commerce.io.shop.catalogue.catalogue import Catalogue
from commerce.io.shop.catalogue.news import CatalogueNews
from commerce.io.shop.chores import LOOK_EVERY_S, UNAVAILABLE, Chores
from commerce.io.shop.closing import Closing
from commerce.io.shop.context import ShopContext
from commerce.io.shop.coupons.coupons import AllCoupons
from commerce.io.shop.facts import FactLog
from commerce.io.shop.fulfilment import Fulfilment
from commerce.io.shop.goods.goods import AllGoods
from commerce.io.shop.groups import Groups
from commerce.io.shop.households import Households
from commerce.io.shop.invites import Invites
from commerce.io.shop.kpi_plan import KpiPlans
from commerce.io.shop.leaders.leaders import Leaders
from commerce.io.shop.lists.lists import Lists
from commerce.io.shop.lives import LiveRecord
from commerce.io.shop.moderation.moderation import Moderation
from commerce.io.shop.notice_preferences import NoticePreferences
from commerce.io.shop.notices import Notices
from commerce.io.shop.office_orders import OfficeOrders
from commerce.io.shop.orders import Orders
from commerce.io.shop.overview import Overview
from commerce.io.shop.packing.moves import BatchMoves
from commerce.io.shop.packing.picks import Picks
from commerce.io.shop.packing.search import OrderSearch
from commerce.io.shop.packing.wave_plans import WavePlans
from commerce.io.shop.packing.waves import Waves
from commerce.io.shop.payments.intents import Intents, ProviderLinks
from commerce.io.shop.payments.late import LatePayments
from commerce.io.shop.payments.notices import UnpaidNotices
from commerce.io.shop.payments.payers import Payers
from commerce.io.shop.payments.refunds import ProviderRefunds
from commerce.io.shop.people import People
from commerce.io.shop.phones import Phones
from commerce.io.shop.pickup_codes import PickupCodes
from commerce.io.shop.pins import Pins
from commerce.io.shop.places.places import AllPlaces
from commerce.io.shop.presale_cancels import PresaleCancels
from commerce.io.shop.presales import Presales
from commerce.io.shop.price_drops import PriceDrops
from commerce.io.shop.privacy import Privacy
from commerce.io.shop.promises import PromiseBoard
from commerce.io.shop.push import PushMessages
from commerce.io.shop.recordings import Recordings
from commerce.io.shop.rerouting import Rerouting
from commerce.io.shop.restreams import Restreams
from commerce.io.shop.routes import Routes
from commerce.io.shop.schedule.next_rooms import NextRooms
from commerce.io.shop.schedule.rehearsals import Rehearsals
from commerce.io.shop.schedule.reminders import LiveReminders
from commerce.io.shop.schedule.runs import LiveRuns
from commerce.io.shop.schedule.schedule import Schedule
from commerce.io.shop.sealing import Sealer
from commerce.io.shop.slots import SlotKeeping
from commerce.io.shop.sms_numbers import SmsNumbers
from commerce.io.shop.split_orders import SplitOrders
from commerce.io.shop.staff_links import StaffLinks
from commerce.io.shop.staff_office import StaffOffice
from commerce.io.shop.staff_totp import StaffTotp
from commerce.io.shop.stock.barcodes import Barcodes
from commerce.io.shop.stock.cabinets import Cabinets
from commerce.io.shop.stock.expiry import Expiry
from commerce.io.shop.stock.keeping import StockKeeping
from commerce.io.shop.stock.prices import StorePrices
from commerce.io.shop.stock.receipts import Receipts
from commerce.io.shop.stock.tills import Tills
from commerce.io.shop.stock.transfers import Transfers
from commerce.io.shop.stock.warehouses import WarehouseStock
from commerce.io.shop.stream_keys import StreamKeys
from commerce.io.shop.wechat_grants import WechatGrants
from commerce.money.intents import PaymentAccount
from commerce.money.payments import Payments
from commerce.money.providers import PaymentProvider
from commerce.notices.push import Push
from commerce.notices.sms import SmsMessages
from commerce.notices.wechat import WechatMessages
from commerce.people.phones import CodeSender, PhoneKeys
from commerce.spans import Spans, no_spans
from commerce.views import ProductDetail, ProductView

NO_LINKS = ProviderLinks("", "")
SLOTS_EVERY_S = 5.0
ID_BYTES = 10

assert EXPIRY_GRACE_MS >= LOOK_EVERY_S * 1_000

log = structlog.get_logger()


def new_id() -> str:
    """An id for a guest or a group: 80 random bits."""
    return secrets.token_hex(ID_BYTES)


class Commerce:
    """Everything that sells. `start` once, `run` beside the requests, cancel `run` to stop.

    With a `provider`, orders wait until they are paid there.
    Without `phone_keys` and `sealer`, phone numbers, authenticators and seeds of draws are known
    again only here.
    Without `phone_keys`, phone numbers are known again by this object only; without
    `pickup_secret`, only this object's pickup codes can be checked offline.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        redis: Redis,
        feed: Feed,
        *,
        payments: Payments | None = None,
        provider: PaymentProvider | None = None,
        links: ProviderLinks = NO_LINKS,
        codes: CodeSender | None = None,
        push: Push | None = None,
        push_services: Collection[str] = (),
        wechat: WechatMessages | None = None,
        sms: SmsMessages | None = None,
        phone_keys: PhoneKeys | None = None,
        sealer: Sealer | None = None,
        pickup_secret: str = "",
        clock: Clock = wall_clock,
        make_id: Callable[[], str] = new_id,
        random_bits: Callable[[int], int] = secrets.randbits,
        probe: Probe = lambda step: None,
        spans: Spans = no_spans,
    ) -> None:
        worker = secrets.token_hex(8)
        wake = asyncio.Event()
        record = Record(engine)
        shop = ShopContext(record, CatalogueCache(record), clock, wake.set)
        sealer = sealer or Sealer(secrets.token_hex(32), "totp")
        self._redis = redis
        self._shop = shop
        self.record = record
        self.payments = payments or SandboxPayments(record, clock=clock)
        if provider:
            self.payments = ProviderRefunds(record, provider, self.payments)
        self.gates = Gates(redis, lambda: shop.catalogue.gates)
        self.answers = Answers()
        self.rebuild = Rebuild(record, redis, self.gates, clock)
        self.reconcile = Reconcile(record, self.gates, self.rebuild, clock)
        self.metrics = CommerceMetrics(record, redis, self.gates, self.reconcile, clock)
        self.people = People(shop, redis, make_id)
        self.households = Households(shop, self.gates, make_id)
        self.sms_numbers = SmsNumbers(shop, sms, sealer)
        self.phones = Phones(
            shop,
            self.households,
            codes or LoggedCodes(),
            phone_keys or PhoneKeys(secrets.token_hex(ID_BYTES)),
            self.sms_numbers,
            make_id,
        )
        self.privacy = Privacy(shop, self.households)
        self.activities = Activities(shop, self.gates, self.households, sealer, make_id)
        self.coupons = AllCoupons(shop, redis, self.households, make_id)
        self.moderation = Moderation(shop, self.households, make_id)
        self.stream_keys = StreamKeys(shop, redis)
        self.catalogue_news = CatalogueNews(shop.cache, redis, record.reread())
        outlets = Outlets(
            shop,
            self.gates,
            self.payments,
            feed,
            self.people.versions,
            self.stream_keys,
            self.catalogue_news,
        )
        self.relay = OutboxRelay(redis, outlets, wake, spans=spans)
        self.ledger = Ledger(
            record,
            redis,
            self.gates,
            self.payments,
            self.answers,
            account=PaymentAccount(provider.name, provider.account) if provider else None,
            worker=worker,
            knows=shop.cache.knows,
            on_commit=self._on_orders,
            probe=probe,
            spans=spans,
        )
        self.routes = Routes(shop)
        late = LatePayments(shop, self.gates, self.routes, probe)
        self.intents = Intents(shop, provider, links, late, probe)
        self.payers = Payers(shop, provider, links.return_url, self.intents.wake)
        self.slots = SlotKeeping(shop, self.gates)
        self.rerouting = Rerouting(shop, self.routes)
        self.closing = Closing(shop, self.slots, self.rerouting)
        self.promises = PromiseBoard(shop, self.gates, self.routes)
        self.office_orders = OfficeOrders(shop, self.gates)
        self.orders = Orders(
            shop,
            self.gates,
            self.answers,
            self.routes,
            worker=worker,
            on_closed=self.reconcile.closed,
            spans=spans,
        )
        self.split_orders = SplitOrders(
            shop,
            self.gates,
            self.answers,
            self.orders,
            on_closed=self.reconcile.closed,
            probe=probe,
        )
        self.groups = Groups(shop, self.gates, make_id)
        self.invites = Invites(shop, make_id, probe)
        self.price_drops = PriceDrops(shop, probe)
        codes_of_pickup = PickupCodes(pickup_secret or secrets.token_hex(ID_BYTES), random_bits)
        self.fulfilment = Fulfilment(shop, codes_of_pickup)
        self.batches = BatchMoves(shop, codes_of_pickup)
        self.waves = Waves(shop)
        self.wave_plans = WavePlans(shop)
        self.presales = Presales(shop, make_id)
        self.presale_cancels = PresaleCancels(shop, probe)
        self.picks = Picks(shop)
        self.order_search = OrderSearch(shop)
        self.stock = StockKeeping(shop)
        self.expiry = Expiry(shop)
        self.transfers = Transfers(shop)
        self.warehouse_stock = WarehouseStock(shop)
        self.tills = Tills(shop)
        self.cabinets = Cabinets(shop)
        self.barcodes = Barcodes(shop)
        self.store_prices = StorePrices(shop)
        self.receipts = Receipts(shop)
        self.pins = Pins(shop)
        self.audit_trail = AuditTrail(shop)
        self.restreams = Restreams(shop)
        self.lives = LiveRecord(shop)
        self.schedule = Schedule(shop, make_id)
        self.live_runs = LiveRuns(shop)
        self.rehearsals = Rehearsals(shop)
        self.next_rooms = NextRooms(shop)
        self.recordings = Recordings(shop)
        self.places = AllPlaces(shop)
        self.goods = AllGoods(shop)
        self.staff = StaffOffice(shop)
        self.staff_links = StaffLinks(shop, self.people.passwords)
        self.staff_totp = StaffTotp(shop, sealer)
        self.lists = Lists(shop)
        self.kpi_plans = KpiPlans(shop)
        self.books = Books(shop)
        self.payouts = Payouts(shop)
        self.bills = Bills(shop)
        self.claims = Claims(shop, make_id)
        self.ratings = Ratings(shop)
        self.after_sales = AfterSales(shop)
        self.facts = FactLog(shop)
        self.notices = Notices(shop)
        self.notice_preferences = NoticePreferences(shop, sms.kinds if sms else ())
        self.unpaid_notices = UnpaidNotices(shop)
        self.push = PushMessages(shop, push, push_services, wechat, self.sms_numbers)
        self.wechat_grants = WechatGrants(shop, wechat)
        self.live_reminders = LiveReminders(shop)
        self.overview = Overview(shop)
        self.leaders = Leaders(shop, codes_of_pickup)

    def _on_orders(self) -> None:
        self._shop.on_commit()
        self.intents.wake()

    @property
    def shop(self) -> ShopContext:
        """What use cases of other parts of the program work with, too."""
        return self._shop

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue as this worker knows it now."""
        return self._shop.catalogue

    async def products(self, room_id: str, estate_id: str = "") -> list[ProductView]:
        """What a room sells, with what is left of it; see `CatalogueCache.products`."""
        return await self._shop.cache.products(room_id, estate_id, self._shop.clock())

    async def product(self, room_id: str, product_id: str, estate_id: str = "") -> ProductDetail:
        """One product as a room sells it; see `CatalogueCache.detail`."""
        return await self._shop.cache.detail(room_id, product_id, estate_id, self._shop.clock())

    async def start(self) -> None:
        """Read the catalogue and open the gate; the record must be upgraded."""
        await self._shop.cache.refresh()
        await self.people.versions.refresh()
        await self.households.refresh()
        await self.ledger.make_groups()
        await self.slots.open_windows()
        await self.rebuild.ensure()

    async def run(self) -> None:
        """Do all work behind the requests, until cancelled. Several workers may run at once."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.gates.run(), name="commerce gate")
            tasks.create_task(self.answers.run(self._redis), name="commerce answers")
            tasks.create_task(self.ledger.run(), name="commerce ledger")
            tasks.create_task(self.relay.run(), name="commerce relay")
            tasks.create_task(self.intents.run(), name="commerce payments")
            tasks.create_task(self.reconcile.run(), name="commerce reconcile")
            tasks.create_task(self.catalogue_news.run(), name="commerce catalogue")
            tasks.create_task(self.people.versions.run(), name="commerce staff")
            tasks.create_task(self.households.run(), name="commerce households")
            tasks.create_task(self.stream_keys.run(), name="commerce stream keys")
            slots = every(SLOTS_EVERY_S, self.slots.step)
            tasks.create_task(slots, name="commerce slots")
            # What waits for Redis or for others' servers does not hold up groups and draws.
            for chores in self._chores():
                looks = every(LOOK_EVERY_S, chores.step)
                tasks.create_task(looks, name="commerce chores")

    def _chores(self) -> list[Chores]:
        """What falls due by itself, each with the looks between two tries."""
        quick = (self.groups, self.invites, self.price_drops, self.activities.draws)
        slow = (self.picks, self.rerouting, self.coupons.wallets, self.rehearsals)
        rare = (self.claims, self.expiry)
        looks = (
            [(1, chore) for chore in quick],
            [
                (2, self.activities.flash),
                (2, self.presale_cancels),
                (2, self.split_orders),
                *((5, each) for each in slow),
                *((10, each) for each in rare),
            ],
            [(2, self.live_reminders), (2, self.unpaid_notices), (2, self.push)],
        )
        return [Chores(self.record, self._shop.clock, *chores) for chores in looks]


async def every(
    seconds: float, *steps: Callable[[], Awaitable[object]], at_once: bool = False
) -> None:
    """Take the steps again and again until cancelled; what fails while others are away waits."""
    if not at_once:
        await asyncio.sleep(seconds)
    while not stopping():
        for step in steps:
            try:
                await step()
            except UNAVAILABLE as error:
                work = getattr(step, "__qualname__", repr(step))
                log.warning("housekeeping waits", work=work, error=type(error).__name__)
        await asyncio.sleep(seconds)
