"""What is found of each part: what is less or lighter is paid back, something else is offered."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from commerce.after_sales.refunds import PaidPart, PartRefund, paid_parts
from commerce.catalogue.food import NetUnit
from commerce.errors import InvalidField, NotEnoughUnits, NotFound
from commerce.io.record.food import read_food
from commerce.io.record.lots import units_in
from commerce.io.record.order_lines import orders_of
from commerce.io.record.pick_rows import offers_over, picks_of, put_pick
from commerce.io.record.postings import Topic, enqueue, lock_stock, move_lots
from commerce.io.record.refund_postings import request_part_refunds
from commerce.io.record.refund_rows import refunded_parts
from commerce.io.record.rows import ORDERS
from commerce.io.record.schema import orders
from commerce.io.shop.context import ShopContext
from commerce.io.shop.notices import notify_buyers
from commerce.io.shop.views import order_views, store_views
from commerce.notices.notices import NoticeKind
from commerce.orders.order import OrderRow
from commerce.orders.picks import (
    ANSWER_MS,
    CHEAPER,
    PICKED_IN,
    SHORT,
    UNDER_WEIGHT,
    Pick,
    PickClosed,
    PickState,
    cheaper_by_fen,
    check_pick,
    under_weight_fen,
    units_fen,
)
from commerce.supply.lots import LocationKind, LotMove, LotMoveKind, location_id, take
from commerce.views import OrderView, StoreOrder

OFFERS_MAX = 100  # closed per pass
SOURCE = "pick"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Found:
    """What a packer says of a part: so many units are there; instead of the rest, a substitute."""

    store_id: str
    order_id: str
    line: int
    part: int
    units: int
    staff_id: str
    substitute_id: str = ""
    grams: int | None = None


class Picks:
    """Notes what is found. The order is locked, so of two answers at once one counts."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def note(self, found: Found) -> StoreOrder:
        """Note what was found; idempotent.

        Raises:
            NotFound: The store has no such order, or the order no such part.
            InvalidField: More units than the part has, or a weight of what is not weighed.
            NotEnoughUnits: The substitute is not there.
            PickClosed: It is settled already.
        """
        at_ms = self._shop.clock()

        def work(connection: Connection) -> StoreOrder:
            order = _locked(connection, found.order_id)
            if order.store_id != found.store_id:
                raise NotFound("order", found.order_id)
            self._note(connection, order, found, at_ms)
            [shown] = store_views(connection, [order], self._shop.catalogue)
            return shown

        shown = await self._shop.record.transact(work)
        self._shop.on_commit()
        return shown

    async def answer(
        self, order_id: str, guest_id: str, line: int, part: int, accepted: bool
    ) -> OrderView:
        """Take the buyer's answer to an offer.

        Raises:
            NotFound: The buyer has no such order, or nothing is offered there.
            PickClosed: The offer has ended.
        """
        at_ms = self._shop.clock()

        def work(connection: Connection) -> OrderView:
            order = _locked(connection, order_id)
            if order.guest_id != guest_id:
                raise NotFound("order", order_id)
            pick = _known(connection, order_id, line, part)
            if pick is None:
                raise NotFound("offer", order_id)
            wanted = PickState.SUBSTITUTED if accepted else PickState.SHORT
            if pick.state is not wanted:
                if pick.state is PickState.OFFERED and at_ms >= (pick.answer_by_ms or 0):
                    raise PickClosed
                check_pick(pick.state, wanted)
                self._close(connection, order, pick, accepted, guest_id, at_ms)
            [shown] = order_views(connection, [order], self._shop.catalogue)
            return shown

        shown = await self._shop.record.transact(work)
        self._shop.on_commit()
        return shown

    def is_due(self, connection: Connection, at_ms: int) -> bool:
        """See `Chore`."""
        return bool(offers_over(connection, at_ms, 1))

    async def step(self) -> int:
        """Pay back what nobody has answered in time; how many offers."""
        at_ms = self._shop.clock()
        try:
            due = await self._shop.record.query(
                lambda connection: offers_over(connection, at_ms, OFFERS_MAX)
            )
            for offer in due:
                await self._shop.record.transact(
                    lambda connection, offer=offer: self._end(connection, offer, at_ms)  # type: ignore[misc]
                )
        except DBAPIError as error:
            log.warning("offers not closed", error=type(error).__name__)
            return 0
        if due:
            self._shop.on_commit()
        return len(due)

    def _note(self, connection: Connection, order: OrderRow, found: Found, at_ms: int) -> None:
        paid = _part(order, found.line, found.part)
        if found.units > paid.units:
            raise InvalidField("found_units", f"At most {paid.units}.")
        missing = paid.units - found.units
        before = _known(connection, order.id, found.line, found.part)
        state = PickState.FOUND
        if missing:
            state = PickState.OFFERED if found.substitute_id else PickState.SHORT
        wanted = Pick(order.id, paid.line, paid.part, state, missing, found.substitute_id)
        wanted = replace(wanted, grams=found.grams)
        if before and replace(before, answer_by_ms=None) == wanted:
            return
        weighed = before is not None and before.grams is not None
        if order.state not in PICKED_IN or (weighed and found.grams != before.grams):  # type: ignore[union-attr]
            raise PickClosed
        if not (before and before.state is state is PickState.FOUND):
            check_pick(before.state if before else None, state)
        if state is PickState.OFFERED:
            self._check_substitute(connection, order, wanted)
            wanted = replace(wanted, answer_by_ms=at_ms + ANSWER_MS)
        refunds = []
        if state is PickState.SHORT:
            refunds.append((SHORT, units_fen(paid.amount_fen, paid.units, missing)))
        if found.grams is not None and not weighed and found.units:
            due_g = found.units * _net_grams(connection, paid.item_id)
            share = units_fen(paid.amount_fen, paid.units, found.units)
            refunds.append((UNDER_WEIGHT, under_weight_fen(share, found.grams, due_g)))
        put_pick(connection, wanted, found.staff_id, at_ms)
        if state is PickState.OFFERED:
            kind = NoticeKind.SUBSTITUTION
            notify_buyers(connection, [order], kind, found.staff_id, at_ms)
        self._refund(connection, order, paid, refunds, at_ms)

    def _check_substitute(self, connection: Connection, order: OrderRow, pick: Pick) -> None:
        catalogue = self._shop.catalogue
        brand_id = catalogue.brand_id("store", order.store_id)
        catalogue.require_brand(brand_id, ("product", pick.substitute_id))
        if catalogue.product(pick.substitute_id).parts:
            raise InvalidField("substitute_id", "A set has no stock of its own.")
        shop = location_id(LocationKind.SHOP, order.store_id)
        key = shop, pick.substitute_id
        there = units_in(connection, [shop], [pick.substitute_id]).get(key, [])
        left = sum(lot.units for lot in there)
        if left < pick.missing_units:
            raise NotEnoughUnits(left)

    def _close(
        self,
        connection: Connection,
        order: OrderRow,
        pick: Pick,
        accepted: bool,
        by: str,
        at_ms: int,
    ) -> None:
        """Settle an offer; one that cannot be kept any more is paid back."""
        paid = _part(order, pick.line, pick.part)
        missing_fen = units_fen(paid.amount_fen, paid.units, pick.missing_units)
        taken = accepted and order.state in PICKED_IN and _take(connection, order, pick, by, at_ms)
        if taken:
            price_fen = self._shop.catalogue.product(pick.substitute_id).price_fen
            back_fen = cheaper_by_fen(missing_fen, price_fen * pick.missing_units)
            closed, refunds = PickState.SUBSTITUTED, [(CHEAPER, back_fen)]
        else:
            closed, refunds = PickState.SHORT, [(SHORT, missing_fen)]
        put_pick(connection, replace(pick, state=closed, answer_by_ms=None), by, at_ms)
        self._refund(connection, order, paid, refunds, at_ms)

    def _end(self, connection: Connection, offer: Pick, at_ms: int) -> None:
        order = _locked(connection, offer.order_id)
        now = _known(connection, offer.order_id, offer.line, offer.part)
        if now is not None and now.state is PickState.OFFERED:
            self._close(connection, order, now, False, SOURCE, at_ms)

    def _refund(
        self,
        connection: Connection,
        order: OrderRow,
        paid: PaidPart,
        wanted: Sequence[tuple[str, int]],
        at_ms: int,
    ) -> None:
        """Give amounts of a part back, never more than is left of it, and show the order."""
        left = paid.amount_fen if order.paid_fen else 0
        left -= refunded_parts(connection, [order.id])[order.id].get(paid.key, 0)
        refunds = []
        for reason, fen in wanted:
            fen = min(fen, left)
            if fen > 0:
                left -= fen
                refunds.append(PartRefund(order.id, paid.line, paid.part, reason, SOURCE, fen))
        request_part_refunds(connection, [order], refunds, at_ms)
        enqueue(connection, Topic.ORDER, [order.id], at_ms)


def _locked(connection: Connection, order_id: str) -> OrderRow:
    found = orders_of(connection, ORDERS.where(orders.c.id == order_id).with_for_update())
    if not found:
        raise NotFound("order", order_id)
    return found[0]


def _known(connection: Connection, order_id: str, line: int, part: int) -> Pick | None:
    picks = picks_of(connection, [order_id]).get(order_id, [])
    return next((pick for pick in picks if (pick.line, pick.part) == (line, part)), None)


def _part(order: OrderRow, line: int, part: int) -> PaidPart:
    for paid in paid_parts(order):
        if paid.key == (line, part):
            return paid
    raise NotFound("part", f"{line}.{part}")


def _net_grams(connection: Connection, item_id: str) -> int:
    net = read_food(connection, [item_id])[item_id].net
    if net is None or net.unit is not NetUnit.GRAM:
        raise InvalidField("grams", "It is not sold by weight.")
    return net.amount


def _take(connection: Connection, order: OrderRow, pick: Pick, by: str, at_ms: int) -> bool:
    """Take the substitute from the shelf, what expires first; False if it is not there."""
    lock_stock(connection, [(pick.substitute_id, order.store_id)])
    shop = location_id(LocationKind.SHOP, order.store_id)
    there = units_in(connection, [shop], [pick.substitute_id]).get((shop, pick.substitute_id), [])
    chosen = take(there, pick.missing_units)
    if sum(units for _, units in chosen) < pick.missing_units:
        return False
    moves = [
        LotMove(
            pick.substitute_id,
            lot_id,
            shop,
            LocationKind.SOLD.value,
            units,
            LotMoveKind.SUBSTITUTE,
            f"{SOURCE}:{order.id}",
            f"{pick.line}.{pick.part}",
            at_ms,
            by,
        )
        for lot_id, units in chosen
    ]
    move_lots(connection, moves, at_ms)
    enqueue(connection, Topic.STOCK, [pick.substitute_id], at_ms)
    return True
