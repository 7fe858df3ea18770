"""Many orders of a store move in one transaction, once per key; the last moves can be undone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec
from sqlalchemy import Connection, insert, select, update

from commerce.errors import CommerceError, NotFound, Refusal, Refused
from commerce.io.record.audit_trail import record_audit
from commerce.io.record.order_lines import orders_of
from commerce.io.record.rows import GROUPS, ORDERS
from commerce.io.record.schema import buying_groups, orders, stores
from commerce.io.record.schema_packing import order_batches
from commerce.io.shop.advance import advance, reverse
from commerce.io.shop.context import ShopContext
from commerce.io.shop.packing.bags import number_bags, put_bags
from commerce.io.shop.pickup_codes import PickupCodes
from commerce.io.shop.views import store_views
from commerce.orders.batches import (
    UNDO_MS,
    BatchAnswer,
    Outcome,
    back_from,
    batch_hash,
    batch_id,
    batch_outcome,
    may_undo,
    undo_outcome,
)
from commerce.orders.order import OrderRow
from commerce.orders.states import OrderState
from commerce.views import StoreOrder

_DECODER = msgspec.json.Decoder(list[BatchAnswer])


class NotAllMoved(CommerceError):
    """A batch was to move all of its orders or none, and one cannot move."""

    def __init__(self, answers: list[BatchAnswer]) -> None:
        super().__init__("not all orders can move")
        self.answers = answers


class UndoOver(CommerceError):
    """The window in which a batch may be undone has passed."""


@dataclass(frozen=True, slots=True)
class BatchMove:
    """What a clerk asks for; the key of a retry is the same."""

    store_id: str
    order_ids: tuple[str, ...]
    to: OrderState
    staff_id: str
    key: str
    all_or_none: bool = False
    slot: str = ""


@dataclass(frozen=True, slots=True)
class MovedBatch:
    """What became of a batch, each order by itself; `orders` are those of the store as they are."""

    id: str
    to: OrderState
    answers: list[BatchAnswer]
    orders: list[StoreOrder]
    undo_until_ms: int | None


class BatchMoves:
    """Moves of many orders at once. Of two batches with an order in common, one moves it."""

    def __init__(self, shop: ShopContext, codes: PickupCodes) -> None:
        self._shop = shop
        self._codes = codes

    async def move(self, batch: BatchMove) -> MovedBatch:
        """Move orders on; sent again with the same key, the answer is the same.

        Raises:
            NotFound: There is no such store.
            NotAllMoved: `all_or_none`, and one cannot move: none has moved.
            Refused: KEY_REUSED: the key was used with another body.
        """
        self._shop.catalogue.store(batch.store_id)
        at_ms = self._shop.clock()
        moved = await self._shop.record.transact(
            lambda connection: self._move(connection, batch, at_ms)
        )
        self._shop.on_commit()
        return moved

    async def put(self, store_id: str, order_ids: Sequence[str], slot: str) -> list[StoreOrder]:
        """Note where the bags of orders of a store stand; orders of others are left out."""
        at_ms = self._shop.clock()

        def work(connection: Connection) -> list[StoreOrder]:
            found = _locked(connection, store_id, order_ids)
            put_bags(connection, sorted(found), slot, at_ms)
            return store_views(connection, list(found.values()), self._shop.catalogue)

        placed = await self._shop.record.transact(work)
        self._shop.on_commit()
        return placed

    async def undo(self, store_id: str, id: str, staff_id: str) -> MovedBatch:
        """Take a batch back, as far as its orders have not moved since; again the same.

        Raises:
            NotFound: The store has no such batch.
            UndoOver: It is too old.
        """
        at_ms = self._shop.clock()
        undone = await self._shop.record.transact(
            lambda connection: self._undo(connection, store_id, id, staff_id, at_ms)
        )
        self._shop.on_commit()
        return undone

    def _move(self, connection: Connection, batch: BatchMove, at_ms: int) -> MovedBatch:
        id = batch_id(batch.store_id, batch.key)
        body_hash = batch_hash(batch.order_ids, batch.to, batch.all_or_none, batch.slot)
        _one_at_a_time(connection, batch.store_id)
        before = connection.execute(select(order_batches).where(order_batches.c.id == id)).first()
        if before is not None:
            if before.body_hash != body_hash:
                raise Refused(Refusal.KEY_REUSED)
            answers = _DECODER.decode(before.answers)
            return self._answer(connection, batch.store_id, id, batch.to, answers, before.at_ms)
        found = _locked(connection, batch.store_id, batch.order_ids, groups=True)
        answers = []
        for order_id in batch.order_ids:
            order = found.get(order_id)
            outcome = batch_outcome(order.state if order else None, batch.to)
            if order and order.consent_by_ms is not None and outcome is Outcome.MOVED:
                outcome = Outcome.REFUSED  # its buyer may still refuse the store
            state = order.state if order else None
            answers.append(BatchAnswer(order_id, outcome, state))
        fits = {Outcome.MOVED, Outcome.ALREADY}
        if batch.all_or_none and any(answer.outcome not in fits for answer in answers):
            raise NotAllMoved(answers)
        going = [found[answer.order_id] for answer in answers if answer.outcome is Outcome.MOVED]
        if batch.to is OrderState.PICKING:
            number_bags(connection, going)
        for order in going:
            advance(connection, order, batch.to, batch.staff_id, at_ms, self._codes)
        if batch.slot:
            put_bags(connection, sorted(order.id for order in going), batch.slot, at_ms)
        answers = [_moved(answer, found, batch.to) for answer in answers]
        connection.execute(
            insert(order_batches),
            {
                "id": id,
                "store_id": batch.store_id,
                "body_hash": body_hash,
                "to_state": batch.to.value,
                "moved_by": batch.staff_id,
                "at_ms": at_ms,
                "answers": msgspec.json.encode(answers).decode(),
            },
        )
        shown = self._answer(connection, batch.store_id, id, batch.to, answers, at_ms)
        if going:
            after = {"state": batch.to.value, "orders": [order.id for order in going]}
            self._audit(connection, batch, id, "order.move-batch", after, at_ms)
        return shown

    def _undo(
        self, connection: Connection, store_id: str, id: str, staff_id: str, at_ms: int
    ) -> MovedBatch:
        _one_at_a_time(connection, store_id)
        here = (order_batches.c.id == id) & (order_batches.c.store_id == store_id)
        batch = connection.execute(select(order_batches).where(here)).first()
        if batch is None:
            raise NotFound("batch", id)
        if batch.undone_at_ms is None and not may_undo(batch.at_ms, at_ms):
            raise UndoOver
        back_to = back_from(OrderState(batch.to_state))
        moved = [
            answer for answer in _DECODER.decode(batch.answers) if answer.outcome is Outcome.MOVED
        ]
        found = _locked(connection, store_id, [answer.order_id for answer in moved])
        answers = []
        for answer in moved:
            order = found.get(answer.order_id)
            state, version = (order.state, order.version) if order else (None, 0)
            outcome = undo_outcome(state, version, answer, back_to)
            answers.append(BatchAnswer(answer.order_id, outcome, state))
        going = [found[answer.order_id] for answer in answers if answer.outcome is Outcome.MOVED]
        for order in going:
            reverse(connection, order, back_to, staff_id, at_ms)
        connection.execute(update(order_batches).where(here).values(undone_at_ms=at_ms))
        answers = [_moved(answer, found, back_to) for answer in answers]
        shown = self._answer(connection, store_id, id, back_to, answers, None)
        if going:
            asked = BatchMove(store_id, (), back_to, staff_id, "")
            after = {"state": back_to.value, "orders": [order.id for order in going]}
            self._audit(connection, asked, id, "order.undo-batch", after, at_ms)
        return shown

    def _answer(
        self,
        connection: Connection,
        store_id: str,
        id: str,
        to: OrderState,
        answers: list[BatchAnswer],
        at_ms: int | None,
    ) -> MovedBatch:
        ids = [answer.order_id for answer in answers if answer.outcome is not Outcome.UNKNOWN]
        which = orders.c.id.in_(ids) & (orders.c.store_id == store_id)
        rows = orders_of(connection, ORDERS.where(which))
        until_ms = at_ms + UNDO_MS if at_ms is not None else None
        return MovedBatch(
            id, to, answers, store_views(connection, rows, self._shop.catalogue), until_ms
        )

    def _audit(
        self,
        connection: Connection,
        batch: BatchMove,
        id: str,
        action: str,
        after: Mapping[str, object],
        at_ms: int,
    ) -> None:
        brand_id = self._shop.catalogue.brand_id("store", batch.store_id)
        record_audit(connection, brand_id, batch.staff_id, action, id, None, after, at_ms)


def _one_at_a_time(connection: Connection, store_id: str) -> None:
    """Batches of a store follow one another; other rows may still refer to the store."""
    connection.execute(
        select(stores.c.id).where(stores.c.id == store_id).with_for_update(key_share=True)
    )


def _locked(
    connection: Connection, store_id: str, order_ids: Sequence[str], *, groups: bool = False
) -> dict[str, OrderRow]:
    """Orders of the store by id, their groups and they themselves locked, in this order."""
    here = orders.c.id.in_(order_ids) & (orders.c.store_id == store_id)
    if groups:
        of_these = select(orders.c.group_id).where(here)
        connection.execute(
            GROUPS.where(buying_groups.c.id.in_(of_these))
            .order_by(buying_groups.c.id)
            .with_for_update()
        )
    found = orders_of(connection, ORDERS.where(here).order_by(orders.c.id).with_for_update())
    return {order.id: order for order in found}


def _moved(answer: BatchAnswer, found: dict[str, OrderRow], to: OrderState) -> BatchAnswer:
    if answer.outcome is not Outcome.MOVED:
        return answer
    return replace(answer, state=to, version=found[answer.order_id].version + 1)
