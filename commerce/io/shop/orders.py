"""One tap: through the gate, into the stream, and back when the record has it."""

import asyncio
from collections.abc import Callable
from dataclasses import astuple, dataclass, replace
from typing import NoReturn

from commerce.catalogue.sets import explode, sum_units
from commerce.errors import NotFound, Refusal, Refused, Rehearses, TryAgain
from commerce.io.gate.flash_rows import open_sale
from commerce.io.gate.gates import Gates
from commerce.io.gate.redis_gate import RedisGate
from commerce.io.ledger.answers import Answer, Answers
from commerce.io.record.order_lines import orders_of
from commerce.io.record.rows import ORDERS
from commerce.io.record.schema import orders
from commerce.io.shop.context import ShopContext
from commerce.io.shop.coupons.wallet import AppliedCoupon
from commerce.io.shop.routes import NOWHERE, EstateRoute, Routes
from commerce.io.shop.splitting import halves_of
from commerce.io.shop.views import order_view, order_views
from commerce.orders.lines import Needs, TapLine
from commerce.orders.order import OrderRow, body_hash_of, order_id_of
from commerce.orders.presales import Presale
from commerce.orders.promise import Fulfilment
from commerce.orders.splitting import HeldApart
from commerce.orders.states import OrderState
from commerce.orders.tap import Decision, Status, Tap
from commerce.spans import Spans, no_spans
from commerce.views import OrderView

CONFIRM_S = 5.0  # how long a tap waits for the commit
GATE_RETRY_S = 0.05  # between tries while the gate is being rebuilt
REPLAY_POLL_S = 0.1
ADMITTED_POLL_S = 1.0  # doubled from look to look: a busy record is not asked more
MINE_MAX = 100  # orders that a buyer sees


@dataclass(frozen=True, slots=True)
class RequestedLine:
    """Units of a product. `expected_price_fen` is the price of a unit that the buyer saw."""

    product_id: str
    quantity: int
    expected_price_fen: int | None = None


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """What a buyer asks for: one line, and maybe `further` ones of other products.

    `expected_price_fen` is the price of a unit that they saw; with `flash_id` they buy in that
    flash sale or not at all, and with a coupon they saw all prices.
    """

    guest_id: str
    estate_id: str
    room_id: str
    product_id: str
    quantity: int
    key: str
    group_id: str | None = None
    expected_price_fen: int | None = None
    household_id: str = ""
    member: bool = False
    further: tuple[RequestedLine, ...] = ()
    fulfilment: Fulfilment = Fulfilment.PICKUP
    flash_id: str = ""
    coupon: AppliedCoupon | None = None

    @property
    def lines(self) -> tuple[RequestedLine, ...]:
        """All that is asked for."""
        first = RequestedLine(self.product_id, self.quantity, self.expected_price_fen)
        return (first, *self.further)

    @property
    def bought(self) -> Needs:
        """Units of products that limits count."""
        return tuple((line.product_id, line.quantity) for line in self.lines)


@dataclass(frozen=True, slots=True)
class Pending:
    """The tap was admitted, and its answer is outstanding; a retry with the key gets it."""

    order_id: str


class Orders:
    """Places and finds orders."""

    def __init__(
        self,
        shop: ShopContext,
        gates: Gates,
        answers: Answers,
        routes: Routes,
        *,
        worker: str,
        on_closed: Callable[[RedisGate], None],
        spans: Spans = no_spans,
    ) -> None:
        self._shop = shop
        self._gates = gates
        self._answers = answers
        self._routes = routes
        self._worker = worker
        self._on_closed = on_closed
        self._spans = spans
        self._open_groups: dict[tuple[str, str], str] = {}

    async def place(
        self, request: OrderRequest, *, wait_s: float = CONFIRM_S
    ) -> OrderView | Pending:
        """Place an order; it is confirmed (committed in the record) when an OrderView returns.

        The same key with the same body has one effect and the same answer, at any time.

        Raises:
            Refused: A clear no.
            NotFound: The room or estate does not exist.
            Rehearses: The room sells nothing now.
            TryAgain: Nothing was decided.
        """
        tap = self.tap_of(request)
        deadline = asyncio.get_running_loop().time() + wait_s
        with self._answers.expect(tap.order_id) as answer:
            with self._spans("order.admit", (tap.order_id,)):
                decision = await self._decide(tap, request, deadline)
            if decision.status is Status.REFUSED:
                if decision.refusal is Refusal.NOT_YET and not decision.left:
                    raise await self._of_unknown_sale(tap)
                await self.refuse(decision, tap, request)
            replay = decision.status is not Status.ADMITTED
            with self._spans("order.confirm", (tap.order_id,)):
                found = await self.wait_for(tap, answer, deadline, replay=replay)
        if found is None:
            return Pending(tap.order_id)
        return await self.view_of(found)

    def tap_of(self, request: OrderRequest) -> Tap:
        """Return what the gate is asked.

        Raises:
            NotFound: The room or estate does not exist.
            Rehearses: The room sells nothing now.
        """
        catalogue = self._shop.catalogue
        catalogue.room(request.room_id)
        if request.room_id in catalogue.rehearsals:
            raise Rehearses(request.room_id)
        catalogue.estate(request.estate_id)
        asked = [("product", line.product_id) for line in request.lines]
        catalogue.require_one_brand(request.room_id, ("estate", request.estate_id), *asked)
        group_id = request.group_id or ""
        place = (request.estate_id, request.product_id)
        open_id = "" if request.further else self._open_groups.get(place, "")
        route = self._route(request)
        tap = Tap(
            order_id=order_id_of(request.guest_id, request.key),
            body_hash=body_hash_of(
                request.room_id,
                request.product_id,
                group_id,
                request.quantity,
                request.expected_price_fen,
                [astuple(line) for line in request.further],
                request.fulfilment,
                request.flash_id,
                coupon_id=request.coupon.id if request.coupon else "",
            ),
            guest_id=request.guest_id,
            estate_id=request.estate_id,
            room_id=request.room_id,
            product_id=request.product_id,
            quantity=request.quantity,
            group_id=group_id or open_id,
            explicit=bool(group_id),
            expected_price_fen=request.expected_price_fen,
            stores=route.stores,
            origin=self._worker,
            household_id=request.household_id,
            member=request.member,
            fulfilment="" if request.fulfilment is Fulfilment.PICKUP else request.fulfilment,
            ruled_out=route.ruled_out,
            slots=route.slots,
            flash_id=request.flash_id,
            coupon_id=request.coupon.id if request.coupon else "",
            discounts=request.coupon.discounts if request.coupon else "",
        )
        return self._explode(tap, request)

    def _presale(self, request: OrderRequest) -> Presale | None:
        """The presale that a request orders from; which one depends on the time."""
        ids = [line.product_id for line in request.lines]
        now_ms = self._shop.clock()
        return self._shop.catalogue.presale_of_order(request.room_id, ids, now_ms=now_ms)

    def from_shelf(self, request: OrderRequest) -> bool:
        """Whether the goods of a request are in no presale now."""
        try:
            return self._presale(request) is None
        except Refused:
            return False

    def _route(self, request: OrderRequest) -> EstateRoute:
        """Where a tap may go: nowhere after the cut-off, or with goods that are not sold together.

        The gate is asked all the same, as the key may be that of an order which came in time.
        """
        try:
            presale = self._presale(request)
        except Refused:
            return NOWHERE
        if presale is None:
            return self._routes.of(request.estate_id, request.fulfilment)
        return self._routes.of_presale(presale, request.estate_id, request.fulfilment)

    async def refuse(self, decision: Decision, tap: Tap, request: OrderRequest) -> NoReturn:
        """Raise what the gate refused; of a tap without stores it says only that none has it."""
        assert decision.refusal
        if decision.refusal is Refusal.SOLD_OUT:
            presale = self._presale(request)
            if not tap.stores and presale and not presale.is_open(self._shop.clock()):
                raise Refused(Refusal.CUT_OFF, presale.cut_off_ms)
            halves = None if presale else await halves_of(self._shop, tap)
            if halves:
                raise HeldApart(decision.left, decision.product_id, halves)
        raise Refused(decision.refusal, decision.left, decision.product_id)

    async def _of_unknown_sale(self, tap: Tap) -> Refused:
        """Why a tap of a flash sale that the gate does not know is refused.

        One that is open in the record is on its way to the gate: the key may be used again.
        """
        async with self._shop.record.read() as connection:
            sale = await connection.run_sync(open_sale, tap.room_id, tap.product_id)
        if sale and sale.id == tap.flash_id:
            return Refused(Refusal.NOT_YET, sale.starts_at_ms)
        return Refused(Refusal.FLASH_OVER)

    def _explode(self, tap: Tap, request: OrderRequest) -> Tap:
        """Name the lines of a tap and the items that they take, unless it is one item."""
        products = self._shop.catalogue.products
        first = products.get(request.product_id)
        if not request.further and not (first and first.parts):
            return replace(tap, lines=(), needs=()) if tap.lines else tap
        lines: list[TapLine] = []
        taken: list[tuple[str, int]] = []
        for line in request.lines:
            product = products.get(line.product_id)
            version, parts = (product.recipe_version, product.parts) if product else (0, ())
            lines.append(TapLine(line.product_id, line.quantity, line.expected_price_fen, version))
            taken += explode(line.product_id, line.quantity, parts).items()
        return replace(tap, lines=tuple(lines), needs=tuple(sum_units(taken).items()))

    async def _decide(self, tap: Tap, request: OrderRequest, deadline: float) -> Decision:
        """Ask the gate until it decides, while there is time."""
        loop = asyncio.get_running_loop()
        gate = self._gates.of(self._shop.catalogue.brand_id("room", tap.room_id))
        while True:
            decision = await gate.admit(tap, self._shop.clock())
            match decision.status:
                case Status.OTHER_GROUP:
                    self._open_groups[tap.estate_id, tap.product_id] = decision.group_id
                    tap = replace(tap, group_id=decision.group_id)
                case Status.NOT_READY:
                    self._on_closed(gate)
                    await asyncio.sleep(GATE_RETRY_S)
                case Status.STALE:
                    await self._shop.cache.refresh()
                    tap = self._explode(tap, request)
                    await asyncio.sleep(GATE_RETRY_S)
                case Status.BUSY:
                    raise TryAgain("the ledger is far behind")
                case _:
                    return decision
            if loop.time() >= deadline:
                raise TryAgain("the gate is closed")

    async def wait_for(
        self, tap: Tap, answer: asyncio.Future[Answer], deadline: float, *, replay: bool
    ) -> Answer | None:
        """Wait for the answer, looking into the record now and then, and once at the end.

        The answer of another worker is lost while this one is not subscribed to them.
        """
        loop = asyncio.get_running_loop()
        looks, poll_s = replay, REPLAY_POLL_S if replay else ADMITTED_POLL_S
        while True:
            if looks and (row := await self._row(tap.order_id)):
                return Answer(_checked(row, tap.body_hash), None)
            left_s = deadline - loop.time()
            done, _ = await asyncio.wait((answer,), timeout=max(0.0, min(poll_s, left_s)))
            if done:
                arrived = answer.result()
                if arrived.refusal:
                    raise Refused(arrived.refusal)
                return arrived
            if left_s <= poll_s:
                row = await self._row(tap.order_id)
                return Answer(_checked(row, tap.body_hash), None) if row else None
            looks, poll_s = True, poll_s if replay else 2 * poll_s

    async def _row(self, order_id: str) -> OrderRow | None:
        async with self._shop.record.read() as connection:
            found = await connection.run_sync(orders_of, ORDERS.where(orders.c.id == order_id))
        return found[0] if found else None

    async def view_of(self, found: Answer) -> OrderView:
        """Return an order as its buyer sees it."""
        row, group = found.order, found.group
        for product_id, _ in (*row.bought, *row.taken):
            await self._shop.cache.product(product_id)  # another worker may have sold a new one
        looks = row.state in (OrderState.READY, OrderState.WAITING_PAYMENT)
        if not looks and (group or not row.group_id):
            return order_view(row, self._shop.catalogue, None, group)
        async with self._shop.record.read() as connection:
            return (await connection.run_sync(order_views, [row], self._shop.catalogue))[0]

    async def get(self, order_id: str) -> OrderRow:
        """The order as the record has it, or `NotFound`."""
        row = await self._row(order_id)
        if row is None:
            raise NotFound("order", order_id)
        return row

    async def mine(self, guest_id: str) -> list[OrderView]:
        """A buyer's orders, newest first; taps that cost nothing and gave nothing are left out."""
        async with self._shop.record.read() as connection:
            which = (
                ORDERS.where(
                    orders.c.guest_id == guest_id,
                    orders.c.refused.is_(None) | (orders.c.paid_fen > 0),
                )
                .order_by(orders.c.created_at_ms.desc(), orders.c.number.desc())
                .limit(MINE_MAX)
            )
            found = await connection.run_sync(orders_of, which)
            return await connection.run_sync(order_views, found, self._shop.catalogue)


def _checked(row: OrderRow, body_hash: str) -> OrderRow:
    """The answer that a key got the first time."""
    if row.body_hash != body_hash:
        raise Refused(Refusal.KEY_REUSED)
    if row.refused:
        raise Refused(row.refused)
    return row
