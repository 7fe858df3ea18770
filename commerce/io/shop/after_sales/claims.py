"""Claims: made by buyers, decided by the rule, a leader, a store or the head office."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from commerce.after_sales.claims import (
    GOODS,
    PHOTOS_MAX,
    WAITING,
    WORDS_MAX,
    ClaimOpen,
    ClaimState,
    Desk,
    Fault,
    GoodsGo,
    Why,
    check_decision,
    check_time,
    decide,
)
from commerce.after_sales.refunds import refund_of_units
from commerce.errors import InvalidField, NotFound, RefundTooLarge
from commerce.io.record.locks import lock_order
from commerce.io.record.order_postings import settle_goods
from commerce.io.record.postings import Topic, enqueue
from commerce.io.record.refund_postings import request_part_refunds
from commerce.io.record.refund_rows import refunded_parts
from commerce.io.record.schema_after_sales import claims
from commerce.io.shop.after_sales.claim_rows import (
    claim_values,
    desk_claims,
    faulty,
    goods_claim,
    is_led,
    standing_of,
)
from commerce.io.shop.after_sales.values import DeskClaim, FaultCount, GoodsClaim, NewClaim, Verdict
from commerce.io.shop.context import ShopContext
from commerce.orders.order import OrderRow

LISTED_MAX = 200
ESCALATE_MAX = 200  # per pass
_WAITING = [state.value for state in WAITING]


class Claims:
    """The use cases around claims."""

    def __init__(self, shop: ShopContext, new_id: Callable[[], str]) -> None:
        self._shop = shop
        self._new_id = new_id

    async def make(self, guest_id: str, new: NewClaim) -> GoodsClaim:
        """Take a claim; a small one of a household in good standing is approved at once.

        Raises:
            NotFound: The guest has no such order.
            InvalidField, RefundTooLarge: It names no such units, or nothing is left of them.
            ClaimTooLate, ClaimOpen, TooManyClaims: It may not be made.
        """
        _check_words(new)
        at_ms = self._shop.clock()
        made = self._new_id()

        def write(connection: Connection) -> GoodsClaim:
            order = _locked_order(connection, new.order_id, guest_id)
            check_time(order.handed_over_at_ms, at_ms)
            self._serialize(connection, order.household)
            earlier = refunded_parts(connection, [order.id])[order.id]
            refunds = refund_of_units(
                order, (new.line, new.part), new.units, "claim", made, earlier
            )
            if not refunds:
                raise RefundTooLarge(0)
            standing = standing_of(connection, order.household, at_ms)
            has_leader = is_led(connection, order.estate_id)
            decision = decide(refunds[0].amount_fen, standing, has_leader=has_leader)
            values = {
                **claim_values(made, order, new, refunds[0].amount_fen, at_ms),
                "brand_id": self._shop.catalogue.brand_id("store", order.store_id),
                "state": decision.state.value,
                "desk": decision.desk.value,
                "why": decision.why.value,
            }
            if decision.state is ClaimState.APPROVED:
                goods = GOODS[new.fault]
                values |= {"decided_at_ms": at_ms, "decided_by": "rule", "goods": goods.value}
                request_part_refunds(connection, [order], refunds, at_ms)
                _settle(connection, order, values, goods, "rule", at_ms)
            connection.execute(insert(claims), values)
            enqueue(connection, Topic.ORDER, [order.id], at_ms)
            row = connection.execute(select(claims).where(claims.c.id == made)).mappings().one()
            return goods_claim(row, self._shop.catalogue)

        try:
            shown = await self._shop.record.transact(write)
        except IntegrityError as error:
            if "claims" in str(error.orig):
                raise ClaimOpen from None
            raise
        self._shop.on_commit()
        return shown

    def _serialize(self, connection: Connection, household_id: str) -> None:
        """Claims of a household are judged one after the other, also those of several orders."""
        if not self._shop.record.is_sqlite:
            key = f"claims:{household_id}"
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:key))"), {"key": key})

    async def queue(
        self,
        *,
        brand_id: str = "",
        store_id: str = "",
        estate_id: str = "",
        waiting: bool = True,
    ) -> list[DeskClaim]:
        """Claims that wait, the most urgent first; or those decided lately, newest first.

        A leader sees those at their desk in an estate, a store also those of its leaders, head
        office all of its brand.
        """
        if estate_id:
            which: list[ColumnElement[bool]] = [
                claims.c.estate_id == estate_id,
                claims.c.desk == Desk.LEADER.value,
            ]
        elif store_id:
            self._shop.catalogue.store(store_id)
            which = [claims.c.store_id == store_id]
            if waiting:
                which.append(claims.c.desk.in_([Desk.LEADER.value, Desk.STORE.value]))
        else:
            which = [claims.c.brand_id == brand_id]
        which.append(claims.c.state.in_(_WAITING) if waiting else claims.c.state.not_in(_WAITING))
        order = claims.c.due_at_ms.asc() if waiting else claims.c.decided_at_ms.desc()
        at_ms = self._shop.clock()
        return await self._shop.record.query(
            lambda connection: desk_claims(
                connection,
                self._shop.catalogue,
                connection.execute(
                    select(claims).where(*which).order_by(order, claims.c.id).limit(LISTED_MAX)
                )
                .mappings()
                .all(),
                at_ms,
            )
        )

    async def decide(
        self,
        claim_id: str,
        verdict: Verdict,
        decided_by: str,
        *,
        brand_id: str = "",
        store_id: str = "",
        estate_id: str = "",
    ) -> DeskClaim:
        """Approve or refuse a claim of this brand, store or estate; a refusal needs an answer.

        Raises:
            NotFound: There is no such claim at this desk.
            IllegalMove: It is decided.
            InvalidField: A refusal without an answer, or an answer that is too long.
            RefundTooLarge: Nothing is left of the part.
        """
        if not verdict.approved and not verdict.answer.strip():
            raise InvalidField("answer", "A refusal needs a reason for the buyer.")
        if len(verdict.answer) > WORDS_MAX:
            raise InvalidField("answer", f"At most {WORDS_MAX} characters.")
        at_ms = self._shop.clock()
        catalogue = self._shop.catalogue
        to = ClaimState.APPROVED if verdict.approved else ClaimState.REFUSED

        def write(connection: Connection) -> DeskClaim:
            found = claims.c.id == claim_id
            row = connection.execute(select(claims).where(found)).mappings().one_or_none()
            if row is None or not _in_scope(row, brand_id, store_id, estate_id):
                raise NotFound("claim", claim_id)
            order = _locked_order(connection, row["order_id"], row["guest_id"], stock=True)
            # Read again, now that the order is locked: of two at once, one decides.
            row = connection.execute(select(claims).where(found)).mappings().one()
            check_decision(ClaimState(row["state"]), to)
            goods = GoodsGo.NOWHERE
            if verdict.approved:
                goods = verdict.goods or GOODS[Fault(row["fault"])]
                earlier = refunded_parts(connection, [order.id])[order.id]
                key = row["line"], row["part"]
                refunds = refund_of_units(order, key, row["units"], "claim", claim_id, earlier)
                if not refunds:
                    raise RefundTooLarge(0)
                request_part_refunds(connection, [order], refunds, at_ms)
                _settle(connection, order, row, goods, decided_by, at_ms)
            connection.execute(
                update(claims)
                .where(found)
                .values(
                    state=to.value,
                    decided_at_ms=at_ms,
                    decided_by=decided_by,
                    answer=verdict.answer.strip(),
                    goods=goods.value,
                )
            )
            enqueue(connection, Topic.ORDER, [order.id], at_ms)
            rows = connection.execute(select(claims).where(found)).mappings().all()
            return desk_claims(connection, catalogue, rows, at_ms)[0]

        async with self._shop.record.write() as connection:
            shown = await connection.run_sync(write)
            await self._shop.audit(
                connection,
                decided_by,
                "claim.decide",
                claim_id,
                {},
                {"state": to.value, "amount_fen": shown.claim.amount_fen},
                at_ms,
                brand_id=catalogue.brand_id("store", shown.store_id),
            )
        self._shop.on_commit()
        return shown

    async def faults(self, brand_id: str, since_ms: int) -> list[FaultCount]:
        """What was claimed of each product and supplier since a time, most often first."""
        one = faulty(brand_id, since_ms).subquery()
        approved = one.c.state == ClaimState.APPROVED.value
        what = (one.c.product_id, one.c.supplier, one.c.fault)
        query = (
            select(
                *what,
                func.count().label("claims"),
                func.count().filter(approved).label("approved"),
                func.sum(one.c.units).label("units"),
                func.sum(one.c.amount_fen).filter(approved).label("fen"),
            )
            .group_by(*what)
            .order_by(func.count().desc(), *what)
            .limit(LISTED_MAX)
        )
        catalogue = self._shop.catalogue
        async with self._shop.record.read() as connection:
            rows = await connection.execute(query)
            return [
                FaultCount(
                    row.product_id,
                    catalogue.product(row.product_id).name,
                    row.supplier,
                    Fault(row.fault),
                    row.claims,
                    row.approved,
                    int(row.units),
                    int(row.fen or 0),
                )
                for row in rows
            ]

    def is_due(self, connection: Connection, at_ms: int) -> bool:
        """See `Chore`."""
        return connection.scalar(select(claims.c.id).where(_late(at_ms)).limit(1)) is not None

    async def step(self) -> int:
        """Give what nobody decided in time to the head office; return how many these were."""
        at_ms = self._shop.clock()
        late = _late(at_ms)
        some = select(claims.c.id).where(late).limit(ESCALATE_MAX)
        ids = await self._shop.record.query(lambda connection: connection.scalars(some).all())
        if not ids:
            return 0
        async with self._shop.record.write() as connection:
            moved = await connection.execute(
                update(claims)
                .where(late, claims.c.id.in_(ids))
                .values(state=ClaimState.ESCALATED.value, desk=Desk.HQ.value, why=Why.SLOW.value)
                .returning(claims.c.order_id)
            )
            order_ids = sorted(set(moved.scalars()))
            await connection.run_sync(enqueue, Topic.ORDER, order_ids, at_ms)
        self._shop.on_commit()
        return len(ids)


def _late(at_ms: int) -> ColumnElement[bool]:
    return (claims.c.state == ClaimState.OPEN.value) & (claims.c.due_at_ms <= at_ms)


def _check_words(new: NewClaim) -> None:
    if len(new.words) > WORDS_MAX:
        raise InvalidField("words", f"At most {WORDS_MAX} characters.")
    if len(new.photos) > PHOTOS_MAX:
        raise InvalidField("photos", f"At most {PHOTOS_MAX} photos.")
    if any(not photo.startswith(photo_prefix(new.order_id)) for photo in new.photos):
        raise InvalidField("photos", "Photos that were sent for this order.")


def photo_prefix(order_id: str) -> str:
    """Return how the paths of photos begin that were sent for an order."""
    return f"/pictures/claim-{order_id}/"


def _locked_order(
    connection: Connection, order_id: str, guest_id: str, *, stock: bool = False
) -> OrderRow:
    order = lock_order(connection, order_id, stock=stock)
    if order.guest_id != guest_id:
        raise NotFound("order", order_id)
    return order


def _settle(
    connection: Connection, order: OrderRow, claim: Any, goods: GoodsGo, by: str, at_ms: int
) -> None:
    product_id, units = claim["product_id"], claim["units"]
    settle_goods(connection, order, claim["id"], product_id, units, goods, by, at_ms)


def _in_scope(row: Any, brand_id: str, store_id: str, estate_id: str) -> bool:
    if estate_id:
        return bool(row["estate_id"] == estate_id and row["desk"] == Desk.LEADER)
    if store_id:
        return bool(row["store_id"] == store_id and row["desk"] in (Desk.LEADER, Desk.STORE))
    return bool(row["brand_id"] == brand_id)
