"""Who belongs to one household: read by each tap, changed by phone numbers and by shops.

Each worker keeps the households of all guests who have one, and reads what changed every
`REFRESH_S`; until then a guest who has just joined may count alone on another worker.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Any

import structlog
from sqlalchemy import CompoundSelect, Connection, Select, func, select, union, update
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.errors import NotFound
from commerce.groups.group import JOINABLE
from commerce.io.gate.gates import Gates
from commerce.io.record.coupon_rows import keep_for_household
from commerce.io.record.order_postings import give_to_household
from commerce.io.record.rows import HOUSEHOLD
from commerce.io.record.schema import buying_groups, group_seats, guests, orders
from commerce.io.record.schema_people import dwelling_claims, dwellings, households, persons
from commerce.io.record.schema_sets import order_lines
from commerce.io.record.shutdown import stopping
from commerce.io.shop.context import ShopContext
from commerce.orders.gate import LIMIT_WINDOW_MS
from commerce.orders.states import UNDONE_VALUES
from commerce.people.households import (
    Dwelling,
    DwellingState,
    Household,
    Moved,
    after_dwelling,
    after_phone,
)
from commerce.views import ClaimView, HouseholdView

REFRESH_S = 2.0
OVERLAP_MS = 10_000  # clocks of workers differ, and transactions end later than they began
CLAIMS_MAX = 500  # that a shop sees

_OPEN = [state.value for state in JOINABLE]

log = structlog.get_logger()


class Households:
    """Moves guests between households; `of` is what the gate counts by."""

    def __init__(self, shop: ShopContext, gates: Gates, new_id: Callable[[], str]) -> None:
        self._shop = shop
        self._gates = gates
        self._new_id = new_id
        self._insert: Any = insert_sqlite if shop.record.is_sqlite else insert_postgresql
        self._known: dict[str, str] = {}
        self.erased: set[str] = set()  # guests whose tokens hold no more
        self._read_until_ms = 0
        self._reread = shop.record.reread()

    def of(self, guest_id: str) -> str:
        """Return the household of a guest, "" for one who has none."""
        return self._known.get(guest_id, "")

    async def refresh(self) -> None:
        """Read what has changed since the last time."""
        at_ms = self._shop.clock()
        columns = (guests.c.id, guests.c.household_id, guests.c.erased_at_ms)
        changed = select(*columns).where(
            guests.c.household_at_ms >= self._read_until_ms - OVERLAP_MS
        )
        async with self._shop.record.read() as connection:
            for guest_id, household_id, erased_at_ms in await connection.execute(changed):
                if household_id is None:
                    self._known.pop(guest_id, None)
                else:
                    self._known[guest_id] = household_id
                if erased_at_ms is not None:
                    self.erased.add(guest_id)
        self._read_until_ms = at_ms

    async def run(self) -> None:
        """Keep the households fresh until cancelled."""
        while not stopping():
            await asyncio.sleep(REFRESH_S)
            try:
                async with self._reread.needed() as needed:
                    if needed:
                        await self.refresh()
            except DBAPIError as error:
                log.warning("the households were not refreshed", error=type(error).__name__)

    def prove_phone(
        self, connection: Connection, guest_id: str, person_id: str, at_ms: int
    ) -> Moved:
        """Move a guest who has proved the number of a person, in the caller's transaction."""
        own = _household_of(connection, guests.c.household_id, guests.c.id == guest_id)
        person = _household_of(connection, persons.c.household_id, persons.c.id == person_id)
        moved = after_phone(guest_id, own, person)
        self._move(connection, guest_id, moved, at_ms)
        connection.execute(
            update(persons).where(persons.c.id == person_id).values(household_id=moved.into)
        )
        return moved

    async def claim(self, guest_id: str, dwelling: Dwelling) -> None:
        """Note where a guest says to live; the shop is asked, also when it had said no.

        Raises:
            NotFound: There is no such guest.
        """
        at_ms = self._shop.clock()
        async with self._shop.record.write() as connection:
            found = select(guests.c.estate_id).where(guests.c.id == guest_id)
            estate_id = await connection.scalar(found)
            if estate_id is None:
                raise NotFound("guest", guest_id)
            row = {
                "estate_id": estate_id,
                "building": dwelling.building,
                "flat": dwelling.flat,
                "state": DwellingState.WAITING.value,
                "asked_at_ms": at_ms,
                "decided_at_ms": None,
                "decided_by": None,
            }
            statement = self._insert(dwelling_claims).values(guest_id=guest_id, **row)
            await connection.execute(
                statement.on_conflict_do_update(index_elements=["guest_id"], set_=row)
            )

    async def show(self, guest_id: str) -> HouseholdView:
        """Return what a guest may know of the own household.

        Raises:
            NotFound: There is no such guest.
        """
        async with self._shop.record.read() as connection:
            found = select(guests.c.id, guests.c.household_id).where(guests.c.id == guest_id)
            guest = (await connection.execute(found)).first()
            if guest is None:
                raise NotFound("guest", guest_id)
            people = await connection.scalar(
                select(func.count()).where(guests.c.household_id == guest.household_id)
            )
            rows = await connection.run_sync(_claims, dwelling_claims.c.guest_id == guest_id)
        return HouseholdView(max(1, people or 0), rows[0] if rows else None)

    async def claims(self, store_id: str) -> list[ClaimView]:
        """Return the flats that neighbours of a shop's estates name: those that wait come first.

        Raises:
            NotFound: There is no such store.
        """
        self._shop.catalogue.store(store_id)
        mine = dwelling_claims.c.estate_id.in_(self._estates_of(store_id))
        async with self._shop.record.read() as connection:
            return await connection.run_sync(_claims, mine)

    async def decide(self, store_id: str, guest_id: str, confirmed: bool, by: str) -> ClaimView:
        """Confirm or refuse where a neighbour lives.

        Who is confirmed joins the household of that flat; a new claim asks again.

        Raises:
            NotFound: No neighbour of this shop's estates names a flat under this id.
        """
        at_ms = self._shop.clock()
        mine = (
            dwelling_claims.c.guest_id == guest_id,
            dwelling_claims.c.estate_id.in_(self._estates_of(store_id)),
        )
        async with self._shop.record.write() as connection:
            locked = select(dwelling_claims).where(*mine).with_for_update()
            claim = (await connection.execute(locked)).first()
            if claim is None:
                raise NotFound("neighbour", guest_id)
            state = DwellingState.CONFIRMED if confirmed else DwellingState.REFUSED
            decided = {"state": state.value, "decided_at_ms": at_ms, "decided_by": by}
            await connection.execute(update(dwelling_claims).where(*mine).values(**decided))
            moved = Moved("")
            if confirmed:
                moved = await connection.run_sync(self._confirm, claim, at_ms)
            [shown] = await connection.run_sync(_claims, dwelling_claims.c.guest_id == guest_id)
            await self._shop.audit(
                connection,
                by,
                "dwelling.decide",
                guest_id,
                None,
                {"state": state.value},
                at_ms,
                brand_id=self._shop.catalogue.brand_id("store", store_id),
            )
        await self.carry(guest_id, moved)
        return shown

    async def carry(self, guest_id: str, moved: Moved) -> None:
        """After the commit: this worker and the gate count the guest in the new household."""
        if not moved.into:
            return
        before = moved.merged or guest_id
        await self.refresh()
        if before == moved.into:
            return
        mine = HOUSEHOLD == moved.into
        async with self._shop.record.read() as connection:
            of_lines = select(orders.c.store_id, order_lines.c.product_id).join(
                orders, orders.c.id == order_lines.c.order_id
            )
            own = select(orders.c.store_id, orders.c.product_id)
            products = await self._by_brand(
                connection, union(own.where(mine), of_lines.where(mine))
            )
            joined = (
                select(orders.c.store_id, orders.c.group_id)
                .join(buying_groups, buying_groups.c.id == orders.c.group_id)
                .where(mine, buying_groups.c.state.in_(_OPEN))
            )
            groups = await self._by_brand(connection, joined.distinct())
        for brand_id in sorted(products):
            gate = self._gates.of(brand_id)
            joined_here = sorted(groups.get(brand_id, ()))
            await gate.carry(before, moved.into, sorted(products[brand_id]), joined_here)

    async def _by_brand(
        self, connection: AsyncConnection, query: Select[Any] | CompoundSelect[Any]
    ) -> dict[str, set[str]]:
        """What is named beside a store, by the store's brand."""
        found: dict[str, set[str]] = {}
        for store_id, id in await connection.execute(query):
            brand_id = self._shop.catalogue.brand_id("store", store_id)
            found.setdefault(brand_id, set()).add(id)
        return found

    def _estates_of(self, store_id: str) -> Collection[str]:
        estates = self._shop.catalogue.estates.values()
        return [estate.id for estate in estates if estate.store_id == store_id]

    def _confirm(self, connection: Connection, claim: Any, at_ms: int) -> Moved:
        own = _household_of(connection, guests.c.household_id, guests.c.id == claim.guest_id)
        place = {name: getattr(claim, name) for name in ("estate_id", "building", "flat")}
        here = [dwellings.c[name] == value for name, value in place.items()]
        known = connection.scalar(select(dwellings.c.household_id).where(*here)) or ""
        moved = after_dwelling(claim.guest_id, own, known, self._new_id())
        self._move(connection, claim.guest_id, moved, at_ms)
        if not known:
            row = {**place, "household_id": moved.into}
            connection.execute(self._insert(dwellings).on_conflict_do_nothing(), row)
        return moved

    def _move(self, connection: Connection, guest_id: str, moved: Moved, at_ms: int) -> None:
        found = select(guests.c.estate_id).where(guests.c.id == guest_id)
        brand_id = self._shop.catalogue.brand_id("estate", connection.scalar(found) or "")
        row = {"id": moved.into, "brand_id": brand_id, "created_at_ms": at_ms}
        connection.execute(self._insert(households).on_conflict_do_nothing(), row)
        who = guests.c.id == guest_id
        if moved.merged:
            who = who | (guests.c.household_id == moved.merged)
            connection.execute(
                update(persons)
                .where(persons.c.household_id == moved.merged)
                .values(household_id=moved.into)
            )
        members = list(connection.scalars(select(guests.c.id).where(who)))
        connection.execute(
            update(guests)
            .where(guests.c.id.in_(members))
            .values(household_id=moved.into, household_at_ms=at_ms)
        )
        _carry_orders(connection, members, moved, at_ms)


def _carry_orders(
    connection: Connection, members: Collection[str], moved: Moved, at_ms: int
) -> None:
    """What the members ordered of late, and their seats, count for the new household.

    Except seats in groups where it has one already: both were counted when they joined.
    """
    seated = select(group_seats.c.group_id).where(group_seats.c.household_id == moved.into)
    found = connection.execute(
        select(orders.c.id, orders.c.group_id)
        .outerjoin(buying_groups, buying_groups.c.id == orders.c.group_id)
        .where(
            orders.c.guest_id.in_(members),
            HOUSEHOLD != moved.into,
            orders.c.state.not_in(UNDONE_VALUES),
            (orders.c.group_id.is_(None) & (orders.c.created_at_ms > at_ms - LIMIT_WINDOW_MS))
            | (buying_groups.c.state.in_(_OPEN) & orders.c.group_id.not_in(seated)),
        )
        .order_by(orders.c.created_at_ms, orders.c.id)
    )
    # One seat for each group, and every order outside of groups.
    carried = list({group_id or id: id for id, group_id in found}.values())
    give_to_household(connection, carried, moved.into)
    keep_for_household(connection, {*members, moved.merged} - {""}, moved.into)


def _household_of(connection: Connection, column: Any, where: Any) -> Household | None:
    household_id = connection.scalar(select(column).where(where))
    if household_id is None:
        return None
    flats = select(func.count()).where(dwellings.c.household_id == household_id)
    return Household(household_id, bool(connection.scalar(flats)))


def _claims(connection: Connection, where: Any) -> list[ClaimView]:
    waits = dwelling_claims.c.state != DwellingState.WAITING.value
    rows = connection.execute(
        select(dwelling_claims, guests.c.nickname, persons.c.last_four)
        .join(guests, guests.c.id == dwelling_claims.c.guest_id)
        .outerjoin(persons, persons.c.id == guests.c.person_id)
        .where(where)
        .order_by(waits, dwelling_claims.c.asked_at_ms.desc(), dwelling_claims.c.guest_id)
        .limit(CLAIMS_MAX)
    )
    return [
        ClaimView(
            row.guest_id,
            row.nickname,
            row.estate_id,
            row.building,
            row.flat,
            row.state,
            row.asked_at_ms,
            row.last_four,
        )
        for row in rows
    ]
