"""Invites to a group: a household's link, who follows it, whose join counts, what was refused."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.exc import DBAPIError

from commerce.errors import NoAward, NoSeat, NotFound
from commerce.groups.group import Group
from commerce.groups.invites import FOLLOW_GRACE_MS, JoinRefusal, JoinState
from commerce.io.record.invites import HOUSEHOLD_OF_GUEST, groups_to_judge, judge_group
from commerce.io.record.rows import GROUPS, group_of
from commerce.io.record.schema import buying_groups, estates, group_seats, guests, orders
from commerce.io.record.schema_group_terms import invite_joins, invites
from commerce.io.record.schema_people import dwelling_claims, dwellings
from commerce.io.shop.context import ShopContext
from commerce.leaders.names import initial
from commerce.people.households import DwellingState

JUDGED_MAX = 200  # joins that head office sees
HASH_CHARS = 32

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A neighbour as others of the estate may see them: 李*, 3 栋."""

    name: str
    building: str


@dataclass(frozen=True, slots=True)
class InviteView:
    """An invite as its household sees it; `counted` are those whose join counts, in their order."""

    code: str
    room_id: str
    group: Group
    counted: tuple[Neighbour, ...]
    refused: int


@dataclass(frozen=True, slots=True)
class InvitedView:
    """An invite as somebody sees it who has the link."""

    code: str
    room_id: str
    group: Group
    inviter: Neighbour


@dataclass(frozen=True, slots=True)
class RefusedJoin:
    """A join that did not count, for head office; an order like any other."""

    group_id: str
    product_id: str
    estate_id: str
    reason: str
    inviter_id: str
    inviter: Neighbour
    invited_id: str
    invited: Neighbour
    order_number: str | None
    at_ms: int


class Invites:
    """Makes links and judges who follows them."""

    def __init__(
        self,
        shop: ShopContext,
        new_id: Callable[[], str],
        probe: Callable[[str], None] = lambda step: None,
    ) -> None:
        self._shop = shop
        self._probe = probe
        self._new_id = new_id
        self._insert: Any = insert_sqlite if shop.record.is_sqlite else insert_postgresql

    async def make(self, group_id: str, guest_id: str, device: str) -> InviteView:
        """Return the invite of a guest's household to a group, made if there is none.

        Raises:
            NotFound: There is no such group.
            NoAward: The group has no award, or may not be joined any more.
            NoSeat: The household has not joined it.
        """
        at_ms = self._shop.clock()
        async with self._shop.record.write() as connection:
            group, _ = await connection.run_sync(_group, group_id)
            if group.award is None or not group.joinable(at_ms):
                raise NoAward
            household = await connection.run_sync(_household, guest_id)
            if not await connection.run_sync(_has_seat, group_id, household):
                raise NoSeat
            row = {
                "id": self._new_id(),
                "group_id": group_id,
                "household_id": household,
                "guest_id": guest_id,
                "device_hash": _mark(group_id, device),
                "made_at_ms": at_ms,
            }
            await connection.execute(self._insert(invites).values(**row).on_conflict_do_nothing())
            view = await connection.run_sync(_view, group_id, guest_id)
        return view

    async def mine(self, group_id: str, guest_id: str) -> InviteView:
        """Return the invite of a guest's household.

        Raises:
            NotFound: There is no such group, or no invite.
        """
        async with self._shop.record.read() as connection:
            return await connection.run_sync(_view, group_id, guest_id)

    async def get(self, code: str) -> InvitedView:
        """Return what a link opens.

        Raises:
            NotFound: There is no such invite.
        """
        async with self._shop.record.read() as connection:
            return await connection.run_sync(_invited, code)

    async def follow(self, code: str, guest_id: str, device: str, address: str) -> JoinState:
        """Note that a guest came by a link; the first one of a group stands.

        What cannot count any more is refused at once, the rest once it is paid.

        Raises:
            NotFound: There is no such invite, or guest.
        """
        at_ms = self._shop.clock()
        async with self._shop.record.write() as connection:
            invited = await connection.run_sync(_invited, code)
            group_id = invited.group.id
            refusal = await connection.run_sync(_refusal_now, code, group_id, guest_id, at_ms)
            row = {
                "group_id": group_id,
                "guest_id": guest_id,
                "invite_id": code,
                "state": (JoinState.REFUSED if refusal else JoinState.FOLLOWED).value,
                "refused": refusal.value if refusal else "",
                "device_hash": _mark(group_id, device),
                "address_hash": _mark(group_id, address),
                "followed_at_ms": at_ms,
                "judged_at_ms": at_ms if refusal else None,
            }
            statement = self._insert(invite_joins).values(**row).on_conflict_do_nothing()
            await connection.execute(statement)
            state = await connection.scalar(
                select(invite_joins.c.state).where(
                    invite_joins.c.group_id == group_id, invite_joins.c.guest_id == guest_id
                )
            )
        return JoinState(str(state))

    def is_due(self, connection: Connection, at_ms: int) -> bool:
        """See `Chore`."""
        return bool(groups_to_judge(connection))

    async def step(self) -> None:
        """Judge what was paid; an unavailable record is retried next time."""
        try:
            await self.judge()
        except DBAPIError as error:
            log.warning("invites not judged", error=type(error).__name__)

    async def judge(self) -> None:
        """Judge the paid joins of all groups, each group in a transaction."""
        async with self._shop.record.read() as connection:
            waiting = await connection.run_sync(groups_to_judge)
        for group_id in waiting:
            async with self._shop.record.write() as connection:
                await connection.run_sync(judge_group, group_id, self._shop.clock())
            self._probe("joins-judged")
            self._shop.on_commit()

    async def refused(self, brand_id: str) -> list[RefusedJoin]:
        """Return the newest joins of a brand that did not count, with the reasons."""
        async with self._shop.record.read() as connection:
            return await connection.run_sync(_refused, brand_id)


def _mark(group_id: str, what: str) -> str | None:
    """A hash that distinguishes two devices or addresses of one group, and nothing else."""
    if not what:
        return None
    return hashlib.sha256(f"{group_id}|{what}".encode()).hexdigest()[:HASH_CHARS]


def _group(connection: Connection, group_id: str) -> tuple[Group, str]:
    query = GROUPS.add_columns(buying_groups.c.room_id).where(buying_groups.c.id == group_id)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise NotFound("group", group_id)
    return group_of(row), row["room_id"]


def _household(connection: Connection, guest_id: str) -> str:
    found = connection.scalar(select(HOUSEHOLD_OF_GUEST).where(guests.c.id == guest_id))
    if found is None:
        raise NotFound("guest", guest_id)
    return str(found)


def _has_seat(connection: Connection, group_id: str, household_id: str) -> bool:
    seat = select(group_seats.c.order_id).where(
        group_seats.c.group_id == group_id, group_seats.c.household_id == household_id
    )
    return connection.scalar(seat) is not None


def _view(connection: Connection, group_id: str, guest_id: str) -> InviteView:
    group, room_id = _group(connection, group_id)
    household = _household(connection, guest_id)
    mine = (invites.c.household_id == household) | (invites.c.guest_id == guest_id)
    code = connection.scalar(
        select(invites.c.id)
        .where(invites.c.group_id == group_id, mine)
        .order_by(invites.c.made_at_ms, invites.c.id)
        .limit(1)
    )
    if code is None:
        raise NotFound("invite", group_id)
    joins = connection.execute(
        select(invite_joins.c.guest_id, invite_joins.c.state)
        .outerjoin(orders, orders.c.id == invite_joins.c.order_id)
        .where(invite_joins.c.invite_id == code)
        .order_by(orders.c.created_at_ms, invite_joins.c.guest_id)
    ).all()
    counted = [row.guest_id for row in joins if row.state == JoinState.COUNTED.value]
    refused = sum(row.state == JoinState.REFUSED.value for row in joins)
    known = _neighbours(connection, counted)
    return InviteView(code, room_id, group, tuple(known[id] for id in counted), refused)


def _invited(connection: Connection, code: str) -> InvitedView:
    row = connection.execute(select(invites).where(invites.c.id == code)).first()
    if row is None:
        raise NotFound("invite", code)
    group, room_id = _group(connection, row.group_id)
    inviter = _neighbours(connection, [row.guest_id])[row.guest_id]
    return InvitedView(code, room_id, group, inviter)


def _refusal_now(
    connection: Connection, code: str, group_id: str, guest_id: str, at_ms: int
) -> JoinRefusal | None:
    """What is known at once: the inviter's own household, or one that had its seat before."""
    household = _household(connection, guest_id)
    inviter = connection.scalar(
        select(HOUSEHOLD_OF_GUEST)
        .join(invites, invites.c.guest_id == guests.c.id)
        .where(invites.c.id == code)
    )
    if household == inviter:
        return JoinRefusal.OWN_HOUSEHOLD
    had = select(orders.c.id).join(group_seats, group_seats.c.order_id == orders.c.id)
    before = connection.scalar(
        had.where(
            group_seats.c.group_id == group_id,
            group_seats.c.household_id == household,
            orders.c.created_at_ms < at_ms - FOLLOW_GRACE_MS,
        )
    )
    return JoinRefusal.JOINED_BEFORE if before else None


def _neighbours(connection: Connection, guest_ids: list[str]) -> dict[str, Neighbour]:
    """Return guests with the first character of their names, and their buildings if known."""
    claimed = (dwelling_claims.c.guest_id == guests.c.id) & (
        dwelling_claims.c.state != DwellingState.REFUSED.value
    )
    rows = connection.execute(
        select(
            guests.c.id,
            guests.c.nickname,
            func.coalesce(func.max(dwellings.c.building), func.max(dwelling_claims.c.building)),
        )
        .outerjoin(dwellings, dwellings.c.household_id == guests.c.household_id)
        .outerjoin(dwelling_claims, claimed)
        .where(guests.c.id.in_(guest_ids))
        .group_by(guests.c.id, guests.c.nickname)
    )
    return {id: Neighbour(initial(nickname), building or "") for id, nickname, building in rows}


def _refused(connection: Connection, brand_id: str) -> list[RefusedJoin]:
    rows = connection.execute(
        select(
            invite_joins.c.group_id,
            buying_groups.c.product_id,
            buying_groups.c.estate_id,
            invite_joins.c.refused,
            invites.c.guest_id.label("inviter_id"),
            invite_joins.c.guest_id.label("invited_id"),
            orders.c.number,
            invite_joins.c.judged_at_ms,
        )
        .join(invites, invites.c.id == invite_joins.c.invite_id)
        .join(buying_groups, buying_groups.c.id == invite_joins.c.group_id)
        .join(estates, estates.c.id == buying_groups.c.estate_id)
        .outerjoin(orders, orders.c.id == invite_joins.c.order_id)
        .where(invite_joins.c.state == JoinState.REFUSED.value, estates.c.brand_id == brand_id)
        .order_by(invite_joins.c.judged_at_ms.desc(), invite_joins.c.guest_id)
        .limit(JUDGED_MAX)
    ).all()
    people = [id for row in rows for id in (row.inviter_id, row.invited_id)]
    known = _neighbours(connection, sorted(set(people)))
    return [
        RefusedJoin(
            row.group_id,
            row.product_id,
            row.estate_id,
            row.refused,
            row.inviter_id,
            known[row.inviter_id],
            row.invited_id,
            known[row.invited_id],
            row.number,
            row.judged_at_ms,
        )
        for row in rows
    ]
