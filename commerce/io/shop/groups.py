"""Group buys in the record: opened by a pin, expired at the deadline, done when handed over."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import structlog
from sqlalchemy import Connection, and_, bindparam, exists, insert, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.catalogue.offers import RuleBook, place_of
from commerce.catalogue.rules import Place
from commerce.catalogue.values import Estate, Pin, Product
from commerce.errors import InvalidField, NotFound
from commerce.groups.group import EXPIRY_GRACE_MS, JOINABLE, Group, GroupState
from commerce.groups.terms import AskedTerms, GroupTerms, encode_steps, terms_of
from commerce.io.gate.gates import Gates
from commerce.io.record.audit_trail import OPERATOR
from commerce.io.record.invites import forget_marks
from commerce.io.record.locks import lock_taken
from commerce.io.record.order_lines import orders_of
from commerce.io.record.order_postings import cancel_orders
from commerce.io.record.postings import Topic, enqueue
from commerce.io.record.rows import GROUPS, ORDERS, group_of
from commerce.io.record.schema import buying_groups, orders, pins, products
from commerce.io.shop.context import ShopContext
from commerce.io.shop.pins import cards_of, delete_pin, put_pin
from commerce.orders.states import ENDED_VALUES, OrderState
from commerce.views import Card

ROOM_GROUPS_MAX = 200

log = structlog.get_logger()


_ENDED = buying_groups.c.ends_at_ms <= bindparam("ended")
_OVERDUE = (
    select(buying_groups.c.id)
    .where(buying_groups.c.state == GroupState.OPEN.value, _ENDED)
    .order_by(buying_groups.c.id)
)
_FINISHED = and_(
    buying_groups.c.state.in_([GroupState.REACHED.value, GroupState.FULFILLING.value]),
    _ENDED,
    ~exists().where(
        orders.c.group_id == buying_groups.c.id,
        orders.c.state.not_in(ENDED_VALUES),
    ),
)
_ANY_FINISHED = select(buying_groups.c.id).where(_FINISHED).limit(1)
_FINISH = (
    update(buying_groups)
    .where(_FINISHED)
    .values(state=GroupState.DONE.value)
    .returning(buying_groups.c.id)
)


class Groups:
    """Opens, finds and ends group buys; pins and unpins cards."""

    def __init__(self, shop: ShopContext, gates: Gates, new_id: Callable[[], str]) -> None:
        self._shop = shop
        self._gates = gates
        self._new_id = new_id

    async def pin(
        self,
        room_id: str,
        product_id: str,
        media_time: int | None,
        *,
        terms: AskedTerms | None = None,
        actor: str = OPERATOR,
    ) -> Card:
        """Pin a product; open each estate's group if it or a variant has an offer.

        Pinned again, the card moves to the front; a group that may be joined goes on as it is,
        whatever `terms` ask for.

        Raises:
            NotFound: No such room, or the product is not on sale.
            InvalidField: The terms cannot be, or the product is sold in no groups.
        """
        self._shop.catalogue.room(room_id)
        product = await self._shop.cache.product(product_id)
        catalogue = self._shop.catalogue
        estates = catalogue.estates_of(room_id)
        catalogue.require_one_brand(room_id, ("product", product_id))
        if not product.on_sale:
            raise NotFound("product", product_id)
        if terms and not product.group:
            raise InvalidField("group", "The product is sold in no groups.")
        opens = _terms_of(product, terms or AskedTerms())
        at_ms = self._shop.clock()
        pin = Pin(room_id, product_id, at_ms, media_time)
        async with self._shop.record.write() as connection:
            await put_pin(connection, pin)
            opened, shown = [], []
            for id in catalogue.with_variants([product_id]):
                if id != product_id:  # what was asked for is a step or an award of the product
                    opens = _terms_of(catalogue.product(id), AskedTerms())
                going_on = await _going_on(connection, id, at_ms)
                new = await self._open_missing(
                    connection, replace(pin, product_id=id), opens, estates, going_on
                )
                opened += new
                # A group that another room opened is sold in this one, too: the room must show it.
                shown += [*going_on.values(), *(group.id for group in new)]
            await connection.run_sync(enqueue, Topic.GROUP, shown, at_ms)
            await connection.run_sync(enqueue, Topic.PIN, [f"{room_id}|{product_id}"], at_ms)
            [card] = await cards_of(connection, catalogue, [pin], at_ms)
            after = {"product_id": product_id, "media_time": media_time}
            await self._shop.audit(
                connection,
                actor,
                "pin.put",
                room_id,
                None,
                after,
                at_ms,
                brand_id=self._shop.catalogue.brand_id("room", room_id),
            )
        # The outbox updates the gate as well; so the first tap already finds the group.
        gate = self._gates.of(self._shop.catalogue.brand_id("room", room_id))
        for group in opened:
            await gate.set_group(group, at_ms)
        self._shop.on_commit()
        return card

    async def unpin(self, room_id: str, product_id: str, *, actor: str = OPERATOR) -> None:
        """Unpin a product; its groups go on. Idempotent."""
        self._shop.catalogue.room(room_id)
        async with self._shop.record.write() as connection:
            if await delete_pin(connection, room_id, product_id):
                subjects = [f"{room_id}|{product_id}"]
                at_ms = self._shop.clock()
                await connection.run_sync(enqueue, Topic.PIN, subjects, at_ms)
                before = {"product_id": product_id}
                await self._shop.audit(
                    connection,
                    actor,
                    "pin.delete",
                    room_id,
                    before,
                    None,
                    at_ms,
                    brand_id=self._shop.catalogue.brand_id("room", room_id),
                )
        self._shop.on_commit()

    async def _open_missing(
        self,
        connection: AsyncConnection,
        pin: Pin,
        terms: GroupTerms | None,
        estates: Sequence[Estate],
        going_on: Collection[str],
    ) -> list[Group]:
        """Open the groups of a product in estates where none goes on and one would pay less."""
        if terms is None:
            return []
        rules, at_ms = self._shop.catalogue.rules, pin.pinned_at_ms
        product = self._shop.catalogue.product(pin.product_id)
        missing = [
            estate.id
            for estate in estates
            if estate.id not in going_on
            and _gains(rules, product, terms, place_of(estate, pin.room_id), at_ms)
        ]
        return await self._open(connection, pin, terms, missing)

    async def _open(
        self, connection: AsyncConnection, pin: Pin, terms: GroupTerms, estate_ids: Sequence[str]
    ) -> list[Group]:
        opened = [
            Group(
                id=self._new_id(),
                product_id=pin.product_id,
                estate_id=estate_id,
                joined=0,
                target=terms.target,
                price_fen=terms.price_fen,
                state=GroupState.OPEN,
                ends_at_ms=pin.pinned_at_ms + terms.duration_s * 1_000,
                steps=terms.steps,
                award=terms.award,
            )
            for estate_id in estate_ids
        ]
        if opened:
            await connection.execute(
                insert(buying_groups),
                [
                    {
                        "id": group.id,
                        "room_id": pin.room_id,
                        "estate_id": group.estate_id,
                        "product_id": pin.product_id,
                        "price_fen": group.price_fen,
                        "target": group.target,
                        "joined": 0,
                        "state": group.state.value,
                        "opened_at_ms": pin.pinned_at_ms,
                        "ends_at_ms": group.ends_at_ms,
                        "steps": encode_steps(group.steps),
                        "award_invites": group.award.invites if group.award else 0,
                        "award_fen": group.award.off_fen if group.award else 0,
                        "first_price_fen": group.price_fen,
                    }
                    for group in opened
                ],
            )
        return opened

    async def of_room(self, room_id: str) -> list[Group]:
        """Groups that a room shows: of products on its cards, not ended, newest last."""
        self._shop.catalogue.room(room_id)
        pinned = select(pins.c.product_id).where(pins.c.room_id == room_id)
        variants = select(products.c.id).where(products.c.variant_of.in_(pinned))
        async with self._shop.record.read() as connection:
            rows = await connection.execute(
                GROUPS.where(
                    buying_groups.c.state.in_([state.value for state in JOINABLE]),
                    buying_groups.c.product_id.in_(pinned)
                    | buying_groups.c.product_id.in_(variants)
                    | (buying_groups.c.room_id == room_id),
                )
                .order_by(buying_groups.c.opened_at_ms.desc())
                .limit(ROOM_GROUPS_MAX)
            )
            return [group_of(row) for row in reversed(rows.mappings().all())]

    def is_due(self, connection: Connection, at_ms: int) -> bool:
        """See `Chore`."""
        ended = {"ended": at_ms - EXPIRY_GRACE_MS}
        looked = (connection.scalar(which, ended) for which in (_OVERDUE.limit(1), _ANY_FINISHED))
        return any(found is not None for found in looked)

    async def step(self) -> None:
        """Expire and finish what is due; an unavailable record is retried next time."""
        try:
            await self.expire_overdue()
            await self.finish_done()
        except DBAPIError as error:
            log.warning("groups not ended", error=type(error).__name__)

    async def expire_overdue(self) -> int:
        """Expire groups whose deadline passed without enough neighbours; how many.

        Their orders are cancelled, stock released, payments sent back: all in one transaction each.
        """
        at_ms = self._shop.clock()
        async with self._shop.record.read() as connection:
            overdue = list(await connection.scalars(_OVERDUE, {"ended": at_ms - EXPIRY_GRACE_MS}))
        expired = 0
        for group_id in overdue:
            expired += await self._expire(group_id, at_ms)
        if expired:
            self._shop.on_commit()
        return expired

    async def _expire(self, group_id: str, at_ms: int) -> bool:
        async with self._shop.record.write() as connection:
            won = await connection.execute(
                update(buying_groups)
                .where(
                    buying_groups.c.id == group_id,
                    buying_groups.c.state == GroupState.OPEN.value,
                )
                .values(state=GroupState.EXPIRED.value)
            )
            if won.rowcount == 0:
                return False
            which = ORDERS.where(
                orders.c.group_id == group_id,
                orders.c.state == OrderState.WAITING_GROUP.value,
            )
            waiting = await connection.run_sync(orders_of, which)
            await connection.run_sync(lock_taken, waiting)
            await connection.run_sync(cancel_orders, waiting, "group-expired", "group", at_ms)
            await connection.run_sync(enqueue, Topic.GROUP, [group_id], at_ms)
            await connection.run_sync(forget_marks, [group_id])
        return True

    async def finish_done(self) -> int:
        """Close groups whose time is over and whose goods are all out; how many."""
        at_ms = self._shop.clock()
        ended = {"ended": at_ms - EXPIRY_GRACE_MS}
        async with self._shop.record.read() as connection:
            if not await connection.scalar(_ANY_FINISHED, ended):
                return 0
        async with self._shop.record.write() as connection:
            done = await connection.execute(_FINISH, ended)
            ids = [row.id for row in done]
            await connection.run_sync(enqueue, Topic.GROUP, ids, at_ms)
            await connection.run_sync(forget_marks, ids)
        self._shop.on_commit()
        return len(ids)


def _terms_of(product: Product, asked: AskedTerms) -> GroupTerms | None:
    """The terms of a group of a product, None where it is sold in no groups."""
    return terms_of(product.group, product.own_price, asked) if product.group else None


def _gains(rules: RuleBook, product: Product, terms: GroupTerms, place: Place, at_ms: int) -> bool:
    """Whether an estate is offered the product, and a group would pay less there."""
    offer = rules.offer(product, place, at_ms=at_ms)
    return offer.offered and terms.price_fen < offer.price_fen


async def _going_on(connection: AsyncConnection, product_id: str, at_ms: int) -> dict[str, str]:
    """Groups of a product that run, by estate; each takes the place of a new one."""
    rows = await connection.execute(
        select(buying_groups.c.estate_id, buying_groups.c.id)
        .where(
            buying_groups.c.product_id == product_id,
            buying_groups.c.state.in_([state.value for state in JOINABLE]),
            # One that is overdue and not expired yet still takes the estate's place.
            (buying_groups.c.ends_at_ms > at_ms) | (buying_groups.c.state == GroupState.OPEN.value),
        )
        .order_by(buying_groups.c.opened_at_ms)
    )
    return {estate_id: group_id for estate_id, group_id in rows}
