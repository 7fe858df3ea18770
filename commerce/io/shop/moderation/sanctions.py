"""Mutes and bans in the record, and the appeals against them."""

from collections.abc import Callable

from sqlalchemy import Connection, RowMapping, insert, select, update

from commerce.activities.moderation import (
    APPEAL_CHARS_MAX,
    MUTE_S_MAX,
    REASON_CHARS_MAX,
    SANCTIONS_LISTED_MAX,
    Sanction,
    SanctionKind,
)
from commerce.activities.texts import text_of
from commerce.errors import InvalidField, NotFound
from commerce.io.record.schema_moderation import removed_lines, sanctions
from commerce.io.shop.context import ShopContext
from commerce.io.shop.moderation.rules import bump, sanction_of

SECOND_MS = 1_000


class Sanctions:
    """Imposes, lifts, and takes appeals; each of it has an audit entry."""

    def __init__(self, shop: ShopContext, new_id: Callable[[], str]) -> None:
        self._shop = shop
        self._new_id = new_id

    async def impose(
        self,
        room_id: str,
        kind: SanctionKind,
        subject: str,
        nickname: str,
        reason: str,
        *,
        actor: str,
        for_s: int | None = None,
        address: str = "",
        device: str = "",
        removes: bool = False,
    ) -> Sanction:
        """Mute or ban somebody; `removes` all that they have written, too.

        Raises:
            NotFound: There is no such room.
            InvalidField: No reason is given, or the time is out of range.
        """
        self._shop.catalogue.room(room_id)
        if for_s is not None and not 1 <= for_s <= MUTE_S_MAX:
            raise InvalidField("for_s", f"1 to {MUTE_S_MAX}")
        at_ms = self._shop.clock()
        sanction = Sanction(
            id=self._new_id(),
            room_id=room_id,
            kind=kind,
            subject=subject,
            nickname=nickname,
            reason=text_of(reason, REASON_CHARS_MAX, "reason"),
            made_at_ms=at_ms,
            until_ms=None if for_s is None else at_ms + for_s * SECOND_MS,
            address=address,
            device=device,
            made_by=actor,
        )

        def write(connection: Connection) -> None:
            connection.execute(insert(sanctions), _row(sanction))
            if removes:
                row = {"room_id": room_id, "sender_id": subject, "removed_at_ms": at_ms}
                connection.execute(insert(removed_lines), row)
            bump(connection, room_id, at_ms)

        await self._write(
            room_id,
            write,
            (actor, f"chat.{kind.value}", subject),
            None,
            {
                "sanction": sanction.id,
                "reason": sanction.reason,
                "until_ms": sanction.until_ms,
                "by_address": bool(address),
                "by_device": bool(device),
                "removes": removes,
            },
        )
        return sanction

    async def lift(self, room_id: str, sanction_id: str, *, actor: str) -> None:
        """End a sanction now; idempotent. An open appeal is answered with it.

        Raises:
            NotFound: The room has no such sanction.
        """
        at_ms = self._shop.clock()

        def write(connection: Connection) -> None:
            row = _require(connection, room_id, sanction_id)
            connection.execute(
                update(sanctions)
                .where(sanctions.c.id == sanction_id)
                .values(
                    lifted_at_ms=row["lifted_at_ms"] or at_ms,
                    appeal_answered_at_ms=at_ms if row["appeal"] else None,
                )
            )
            bump(connection, room_id, at_ms)

        await self._write(
            room_id, write, (actor, "chat.lift", sanction_id), None, {"room": room_id}
        )

    async def appeal(self, room_id: str, subject: str, typed: str) -> None:
        """Ask for the sanctions that hold against somebody to be looked at again.

        Raises:
            NotFound: Nothing holds, or all of it was appealed against before.
            InvalidField: The text is empty or too long.
        """
        text, at_ms = text_of(typed, APPEAL_CHARS_MAX, "text"), self._shop.clock()

        def write(connection: Connection) -> None:
            appealed = connection.execute(
                update(sanctions)
                .where(
                    sanctions.c.room_id == room_id,
                    sanctions.c.subject == subject,
                    sanctions.c.lifted_at_ms.is_(None),
                    sanctions.c.until_ms.is_(None) | (sanctions.c.until_ms > at_ms),
                    sanctions.c.appeal.is_(None),
                )
                .values(appeal=text)
            )
            if not appealed.rowcount:
                raise NotFound("sanction", subject)

        await self._write(
            room_id, write, (subject, "chat.appeal", subject), None, {"room": room_id}
        )

    async def keep(self, room_id: str, sanction_id: str, *, actor: str) -> None:
        """Answer an appeal: the sanction stays.

        Raises:
            NotFound: The room has no such sanction.
        """
        at_ms = self._shop.clock()

        def write(connection: Connection) -> None:
            _require(connection, room_id, sanction_id)
            connection.execute(
                update(sanctions)
                .where(sanctions.c.id == sanction_id)
                .values(appeal_answered_at_ms=at_ms)
            )

        await self._write(
            room_id, write, (actor, "chat.keep", sanction_id), None, {"room": room_id}
        )

    async def holding(self, room_id: str) -> list[Sanction]:
        """Return what holds in a room now, newest first."""
        now_ms = self._shop.clock()
        query = (
            select(sanctions)
            .where(
                sanctions.c.room_id == room_id,
                sanctions.c.lifted_at_ms.is_(None),
                sanctions.c.until_ms.is_(None) | (sanctions.c.until_ms > now_ms),
            )
            .order_by(sanctions.c.made_at_ms.desc(), sanctions.c.id)
            .limit(SANCTIONS_LISTED_MAX)
        )
        async with self._shop.record.read() as connection:
            return [sanction_of(row) for row in (await connection.execute(query)).mappings()]

    async def _write(
        self,
        room_id: str,
        write: Callable[[Connection], None],
        entry: tuple[str, str, str],
        before: dict[str, object] | None,
        after: dict[str, object] | None,
    ) -> None:
        at_ms = self._shop.clock()
        brand_id = self._shop.catalogue.brand_id("room", room_id)
        async with self._shop.record.write() as connection:
            await connection.run_sync(write)
            await self._shop.audit(connection, *entry, before, after, at_ms, brand_id=brand_id)
        self._shop.on_commit()


def _row(sanction: Sanction) -> dict[str, object]:
    return {
        "id": sanction.id,
        "room_id": sanction.room_id,
        "kind": sanction.kind.value,
        "subject": sanction.subject,
        "nickname": sanction.nickname,
        "address_key": sanction.address,
        "device_key": sanction.device,
        "reason": sanction.reason,
        "made_by": sanction.made_by,
        "made_at_ms": sanction.made_at_ms,
        "until_ms": sanction.until_ms,
    }


def _require(connection: Connection, room_id: str, sanction_id: str) -> RowMapping:
    which = select(sanctions).where(sanctions.c.id == sanction_id, sanctions.c.room_id == room_id)
    row = connection.execute(which).mappings().first()
    if row is None:
        raise NotFound("sanction", sanction_id)
    return row
