"""Orders that are split over two stores: both halves are placed, or none is, for the buyer.

The gate holds both at once or neither. Behind the gate each half is an order of its own, and the
ledger may still refuse one: its payment is declined, or Redis had lost what it held. Then the other
one ends, and what was paid for it goes back; the buyer is given one notice. A row of the record,
written first, says which two orders belong together, so that a chore does the same after whatever
dies.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NoReturn

import structlog
from sqlalchemy import ColumnElement, Connection, FromClause, and_, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.exc import DBAPIError

from commerce.errors import Refused, TryAgain
from commerce.io.gate.gates import Gates
from commerce.io.gate.redis_gate import RedisGate
from commerce.io.ledger.answers import Answer, Answers
from commerce.io.ledger.consumer import Probe
from commerce.io.record.schema import orders as all_orders
from commerce.io.record.schema_splits import split_orders
from commerce.io.shop.context import ShopContext
from commerce.io.shop.ending import end_orders
from commerce.io.shop.notices import notify_buyers
from commerce.io.shop.orders import CONFIRM_S, GATE_RETRY_S, OrderRequest, Orders
from commerce.notices.notices import NoticeKind
from commerce.orders.order import order_id_of
from commerce.orders.presales import CANCELLABLE
from commerce.orders.splitting import Half, check_halves
from commerce.orders.tap import Decision, Status, Tap
from commerce.views import OrderView

REASON = "split"  # why money goes back
MOVED_BY = "split"
MISSING_MS = 10 * 60_000
"""A half that is not in the record by then was lost, with Redis or as no entry of ours."""
KEPT_MS = 2 * 24 * 3_600_000  # as long as a half could still come, and keys are remembered
BATCH = 20

log = structlog.get_logger()

_LIVE = sorted(state.value for state in CANCELLABLE)


@dataclass(frozen=True, slots=True)
class PendingHalves:
    """Both halves were admitted, and an answer is outstanding; a retry with the key gets it."""

    order_ids: tuple[str, str]


class SplitOrders:
    """Places split orders, and ends the halves that are left of them; a chore."""

    def __init__(
        self,
        shop: ShopContext,
        gates: Gates,
        answers: Answers,
        orders: Orders,
        *,
        on_closed: Callable[[RedisGate], None],
        probe: Probe = lambda step: None,
    ) -> None:
        self._shop = shop
        self._gates = gates
        self._answers = answers
        self._orders = orders
        self._on_closed = on_closed
        self._probe = probe

    async def place(
        self, request: OrderRequest, halves: tuple[Half, Half], *, wait_s: float = CONFIRM_S
    ) -> list[OrderView] | PendingHalves:
        """Place an order at each of two stores; both are confirmed when they return.

        The same key with the same body has one effect and the same answer, at any time.

        Raises:
            Refused: A clear no to both.
            InvalidField: The halves are not the lines of the request.
            NotFound: The room or estate does not exist.
            Rehearses: The room sells nothing now.
            TryAgain: Nothing was decided.
        """
        check_halves([line.product_id for line in request.lines], halves)
        wanted = [half_of(request, half, place) for place, half in enumerate(halves)]
        first, second = (self._tap(one, half) for one, half in zip(wanted, halves, strict=True))
        deadline = asyncio.get_running_loop().time() + wait_s
        with (
            self._answers.expect(first.order_id) as one,
            self._answers.expect(second.order_id) as other,
        ):
            await self._note(request.room_id, first.order_id, second.order_id)
            self._probe("split noted")
            decided = await self._decide((first, second), (wanted[0], wanted[1]), halves, deadline)
            if len(decided) < 2:
                await self._refuse(decided[0], request, halves)
            self._probe("split admitted")
            found = await asyncio.gather(
                *(
                    self._orders.wait_for(
                        tap, answer, deadline, replay=decision.status is not Status.ADMITTED
                    )
                    for tap, answer, decision in zip(
                        (first, second), (one, other), decided, strict=True
                    )
                ),
                return_exceptions=True,
            )
        return await self._answer((first.order_id, second.order_id), found)

    async def _answer(
        self, ids: tuple[str, str], found: list[Answer | BaseException | None]
    ) -> list[OrderView] | PendingHalves:
        for one in found:
            if isinstance(one, Refused):
                await self.step()  # the other half ends at once, or with the next look
                raise one
        for one in found:
            if isinstance(one, BaseException):
                raise one
        placed = [one for one in found if isinstance(one, Answer)]
        if len(placed) < len(ids):
            return PendingHalves(ids)
        return [await self._orders.view_of(one) for one in placed]

    def _tap(self, request: OrderRequest, half: Half) -> Tap:
        """The tap of a half: it goes to its store or nowhere, and joins no group.

        Where the brand splits no orders any more, or its goods have come into a presale, it goes
        nowhere; the gate is asked all the same, as the key may be that of one which came in time.
        """
        tap = self._orders.tap_of(request)
        brand = self._shop.catalogue.brand_of("room", request.room_id)
        splits = brand is not None and brand.split_orders and self._orders.from_shelf(request)
        here = [
            (store, slots) for store, slots in tap.candidates if splits and store == half.store_id
        ]
        return replace(
            tap,
            group_id="",
            stores=tuple(store for store, _ in here),
            slots=tuple(slots for _, slots in here) if tap.slots else (),
        )

    async def _note(self, room_id: str, first_id: str, second_id: str) -> None:
        """Write which two orders belong together, before either can be."""
        at_ms = self._shop.clock()
        row = {
            "id": first_id,
            "second_id": second_id,
            "brand_id": self._shop.catalogue.brand_id("room", room_id),
            "made_at_ms": at_ms,
        }

        def write(connection: Connection) -> None:
            old = split_orders.c.made_at_ms < at_ms - KEPT_MS
            connection.execute(delete(split_orders).where(old))
            new = insert_sqlite if connection.dialect.name == "sqlite" else insert_postgresql
            connection.execute(new(split_orders).values(row).on_conflict_do_nothing())

        await self._shop.record.transact(write)

    async def _decide(
        self,
        taps: tuple[Tap, Tap],
        requests: tuple[OrderRequest, OrderRequest],
        halves: tuple[Half, Half],
        deadline: float,
    ) -> list[Decision]:
        """Ask the gate until it decides, while there is time."""
        loop = asyncio.get_running_loop()
        gate = self._gates.of(self._shop.catalogue.brand_id("room", taps[0].room_id))
        first, second = taps
        while True:
            decided = await gate.admit_halves(first, second, self._shop.clock())
            match decided[0].status:
                case Status.NOT_READY:
                    self._on_closed(gate)
                case Status.STALE:
                    await self._shop.cache.refresh()
                    first, second = (
                        self._tap(one, half) for one, half in zip(requests, halves, strict=True)
                    )
                case Status.BUSY:
                    raise TryAgain("the ledger is far behind")
                case _:
                    return decided
            if loop.time() >= deadline:
                raise TryAgain("the gate is closed")
            await asyncio.sleep(GATE_RETRY_S)

    async def _refuse(
        self, decision: Decision, request: OrderRequest, halves: tuple[Half, Half]
    ) -> NoReturn:
        """Raise what the gate refused; what is sold out may still be had from two other stores."""
        if not decision.product_id:
            alone = next((half for half in halves if len(half.product_ids) == 1), halves[0])
            decision = replace(decision, product_id=alone.product_ids[0])
        await self._orders.refuse(decision, self._orders.tap_of(request), request)

    def is_due(self, connection: Connection, at_ms: int) -> bool:
        """See `Chore`."""
        return bool(_left(connection, at_ms, 1))

    async def step(self) -> int:
        """End some of the halves that are left alone; return how many."""
        try:
            ended = await self._shop.record.transact(self._batch)
        except DBAPIError as error:
            log.warning("half of a split order not ended", error=type(error).__name__)
            return 0
        self._probe("split ended")
        if ended:
            self._shop.on_commit()
        return ended

    def _batch(self, connection: Connection) -> int:
        at_ms = self._shop.clock()
        found = _left(connection, at_ms, BATCH)
        for id, order_ids in found:
            ended = end_orders(connection, order_ids, REASON, MOVED_BY, at_ms)
            notify_buyers(connection, ended[:1], NoticeKind.SPLIT, MOVED_BY, at_ms)
            which = split_orders.c.id == id
            connection.execute(update(split_orders).where(which).values(ended_at_ms=at_ms))
        return len(found)


def half_of(request: OrderRequest, half: Half, place: int) -> OrderRequest:
    """Return what one of two stores is asked for; its key follows from that of the whole."""
    first, *further = (line for line in request.lines if line.product_id in half.product_ids)
    return replace(
        request,
        product_id=first.product_id,
        quantity=first.quantity,
        expected_price_fen=first.expected_price_fen,
        further=tuple(further),
        key=f"{request.key}/{place}",
    )


def ids_of(guest_id: str, key: str) -> tuple[str, str]:
    """Return the ids of the two orders of a key."""
    return order_id_of(guest_id, f"{key}/0"), order_id_of(guest_id, f"{key}/1")


def _left(connection: Connection, at_ms: int, limit: int) -> list[tuple[str, list[str]]]:
    """Split orders with a half that is alone: the first one's id, and what is left."""
    first, second = all_orders.alias("first_half"), all_orders.alias("second_half")
    ended = split_orders.c.ended_at_ms.is_not(None)
    lost = split_orders.c.made_at_ms < at_ms - MISSING_MS

    def alone(mine: FromClause, other: FromClause) -> ColumnElement[bool]:
        gone = or_(other.c.refused.is_not(None), and_(other.c.id.is_(None), lost), ended)
        return and_(mine.c.state.in_(_LIVE), gone)

    firsts, seconds = alone(first, second), alone(second, first)
    rows = connection.execute(
        select(split_orders.c.id, split_orders.c.second_id, firsts, seconds)
        .outerjoin(first, first.c.id == split_orders.c.id)
        .outerjoin(second, second.c.id == split_orders.c.second_id)
        .where(or_(firsts, seconds))
        .order_by(split_orders.c.made_at_ms, split_orders.c.id)
        .limit(limit)
    )
    return [
        (id, [half for half, left in ((id, one), (second_id, other)) if left])
        for id, second_id, one, other in rows
    ]
