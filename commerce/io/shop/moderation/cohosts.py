"""Co-hosts of a room in the record: invited by its host with a link, until the live ends.

The secret of a link is kept as a hash. Every worker reads who is a co-host with the room's rules.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from commerce.activities.moderation import COHOSTS_MAX, Cohost
from commerce.errors import UnknownLink
from commerce.io.record.audit_trail import record_audit
from commerce.io.record.schema_moderation import room_cohosts
from commerce.io.shop.activities.errors import TooManyCohosts
from commerce.io.shop.context import ShopContext
from commerce.io.shop.moderation.rules import bump

TOKEN_BYTES = 32
SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation as it is handed out, once: its secret is in the link."""

    id: str
    token: str
    invited_at_ms: int


class Cohosts:
    """Invites and dismisses co-hosts; each change has an audit entry."""

    def __init__(self, shop: ShopContext, new_id: Callable[[], str]) -> None:
        self._shop = shop
        self._new_id = new_id

    async def subjects(self, room_id: str) -> frozenset[str]:
        """Who is a co-host of the room now, by the record."""
        found = select(room_cohosts.c.staff_id).where(
            room_cohosts.c.room_id == room_id, room_cohosts.c.staff_id.is_not(None)
        )
        return await self._shop.record.query(
            lambda connection: frozenset(filter(None, connection.scalars(found)))
        )

    async def listed(self, room_id: str) -> list[Cohost]:
        """Co-hosts of the room and invitations that wait, the first one first.

        Raises:
            NotFound: There is no such room.
        """
        self._shop.catalogue.room(room_id)
        now_ms = self._shop.clock()
        found = await self._shop.record.query(lambda connection: _of(connection, room_id))
        return [cohost for cohost in found if cohost.holds(now_ms)]

    async def invite(self, room_id: str, *, actor: str) -> Invitation:
        """Make an invitation for whoever of the brand's staff has its link first.

        Raises:
            NotFound: There is no such room.
            TooManyCohosts: One is dismissed first.
        """
        made = Invitation(self._new_id(), secrets.token_urlsafe(TOKEN_BYTES), self._shop.clock())

        def write(connection: Connection) -> None:
            # The row's lock comes first: two invitations at once are counted one after the other.
            bump(connection, room_id, made.invited_at_ms)
            before = _of(connection, room_id)
            ended = [cohost.id for cohost in before if not cohost.holds(made.invited_at_ms)]
            connection.execute(delete(room_cohosts).where(room_cohosts.c.id.in_(ended)))
            if len(before) - len(ended) >= COHOSTS_MAX:
                raise TooManyCohosts
            row = {
                "id": made.id,
                "room_id": room_id,
                "token_hash": _hash(made.token),
                "invited_at_ms": made.invited_at_ms,
            }
            connection.execute(insert(room_cohosts), row)
            self._audit(connection, room_id, actor, "invite", made.id, made.invited_at_ms)

        await self._written(room_id, write)
        return made

    async def accept(self, room_id: str, token: str, staff_id: str, nickname: str) -> None:
        """Somebody of the brand's staff opens a link; idempotent for a co-host of the room.

        Raises:
            NotFound: There is no such room.
            UnknownLink: Another one has accepted, it was withdrawn, has ended, or never was.
        """
        at_ms = self._shop.clock()

        def write(connection: Connection) -> None:
            bump(connection, room_id, at_ms)
            mine = room_cohosts.c.room_id == room_id
            of_token = mine & (room_cohosts.c.token_hash == _hash(token))
            row = connection.execute(select(room_cohosts).where(of_token)).mappings().first()
            if row is None or row["staff_id"] not in (None, staff_id):
                raise UnknownLink
            helps = select(room_cohosts.c.id).where(mine, room_cohosts.c.staff_id == staff_id)
            if connection.scalar(helps) is not None:
                return
            if not _cohost(row).holds(at_ms):
                raise UnknownLink
            values = {"staff_id": staff_id, "nickname": nickname, "accepted_at_ms": at_ms}
            connection.execute(update(room_cohosts).where(of_token).values(values))
            self._audit(connection, room_id, staff_id, "accept", row["id"], at_ms, staff_id)

        await self._written(room_id, write)

    async def revoke(self, room_id: str, cohost_id: str, *, actor: str) -> None:
        """Dismiss a co-host, or withdraw an invitation; idempotent.

        Raises:
            NotFound: There is no such room.
        """
        at_ms = self._shop.clock()

        def write(connection: Connection) -> None:
            bump(connection, room_id, at_ms)
            mine = (room_cohosts.c.room_id == room_id) & (room_cohosts.c.id == cohost_id)
            row = connection.execute(select(room_cohosts).where(mine)).mappings().first()
            if row is None:
                return
            connection.execute(delete(room_cohosts).where(mine))
            self._audit(connection, room_id, actor, "revoke", cohost_id, at_ms, row["staff_id"])

        await self._written(room_id, write)

    async def _written(self, room_id: str, write: Callable[[Connection], None]) -> None:
        self._shop.catalogue.room(room_id)
        await self._shop.record.transact(write)
        self._shop.on_commit()

    def _audit(
        self,
        connection: Connection,
        room_id: str,
        actor: str,
        what: str,
        cohost_id: str,
        at_ms: int,
        staff_id: str | None = None,
    ) -> None:
        brand_id = self._shop.catalogue.brand_id("room", room_id)
        value = {"room": room_id, **({"staff": staff_id} if staff_id else {})}
        before, after = (value, None) if what == "revoke" else (None, value)
        record_audit(connection, brand_id, actor, f"cohost.{what}", cohost_id, before, after, at_ms)


def dismiss_all(connection: Connection, brand_id: str, room_id: str, at_ms: int) -> None:
    """The live is over: its co-hosts and invitations hold no more."""
    found = _of(connection, room_id)
    if not found:
        return
    connection.execute(delete(room_cohosts).where(room_cohosts.c.room_id == room_id))
    bump(connection, room_id, at_ms)
    for cohost in found:
        before = {"room": room_id, **({"staff": cohost.staff_id} if cohost.staff_id else {})}
        after = {"by": "end"}
        record_audit(connection, brand_id, SYSTEM, "cohost.revoke", cohost.id, before, after, at_ms)


def _of(connection: Connection, room_id: str) -> list[Cohost]:
    found = select(room_cohosts).where(room_cohosts.c.room_id == room_id)
    ordered = found.order_by(room_cohosts.c.invited_at_ms, room_cohosts.c.id)
    return [_cohost(row) for row in connection.execute(ordered).mappings()]


def _cohost(row: RowMapping) -> Cohost:
    return Cohost(
        id=row["id"],
        invited_at_ms=row["invited_at_ms"],
        staff_id=row["staff_id"],
        nickname=row["nickname"],
        accepted_at_ms=row["accepted_at_ms"],
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
