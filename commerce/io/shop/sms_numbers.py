"""Phone numbers that are kept for notices by SMS: sealed, and used a few times a day."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, case, delete, insert, or_, select, update

from commerce.io.record.schema import guests
from commerce.io.record.schema_people import persons, sms_numbers
from commerce.io.shop.context import ShopContext
from commerce.io.shop.sealing import Sealer
from commerce.notices.sms import SMS_PER_DAY_MAX, SmsMessages, day_of


@dataclass(frozen=True, slots=True)
class KeptNumber:
    """A number as it is kept; it opens only for the hash by which its brand knows it."""

    sealed: str
    phone_hash: str


class SmsNumbers:
    """Numbers to which notices may be sent. `sms` is None where that is off."""

    def __init__(self, shop: ShopContext, sms: SmsMessages | None, sealer: Sealer) -> None:
        self._shop = shop
        self._sealer = sealer
        self.sms = sms

    def seal(self, phone: str, phone_hash: str) -> str:
        """Return a number as it is kept."""
        return self._sealer.seal(phone, phone_hash)

    def open(self, number: KeptNumber) -> str | None:
        """Return a number (E.164); None: another secret has sealed it."""
        return self._sealer.open(number.sealed, number.phone_hash)

    async def is_kept(self, guest_id: str) -> bool:
        """Whether a guest's number is kept."""
        return await self._shop.record.query(
            lambda connection: bool(have_numbers(connection, [guest_id]))
        )

    async def forget(self, guest_id: str) -> None:
        """Keep a guest's number no more; idempotent."""
        mine = select(guests.c.person_id).where(guests.c.id == guest_id)
        await self._shop.record.transact(
            lambda connection: connection.execute(
                delete(sms_numbers).where(sms_numbers.c.person_id.in_(mine))
            )
        )


def keep_number(connection: Connection, person_id: str, sealed: str, at_ms: int) -> None:
    """Keep the number that a person has proved; what it was sent today counts on."""
    mine = sms_numbers.c.person_id == person_id
    kept = {"sealed": sealed, "kept_at_ms": at_ms}
    if not connection.execute(update(sms_numbers).where(mine).values(kept)).rowcount:
        connection.execute(insert(sms_numbers).values(person_id=person_id, **kept))


def have_numbers(connection: Connection, guest_ids: Iterable[str]) -> set[str]:
    """Those of some guests whose number is kept."""
    kept = select(guests.c.id).join(sms_numbers, sms_numbers.c.person_id == guests.c.person_id)
    return set(connection.scalars(kept.where(guests.c.id.in_(list(guest_ids)))))


def use_number(connection: Connection, guest_id: str, at_ms: int) -> KeptNumber | None:
    """Count one message to a guest's number; None: it had its messages of the day, or is gone."""
    today = day_of(at_ms)
    mine = select(guests.c.person_id).where(guests.c.id == guest_id).scalar_subquery()
    counted = connection.execute(
        update(sms_numbers)
        .where(
            sms_numbers.c.person_id == mine,
            or_(sms_numbers.c.day != today, sms_numbers.c.sent < SMS_PER_DAY_MAX),
        )
        .values(day=today, sent=case((sms_numbers.c.day == today, sms_numbers.c.sent + 1), else_=1))
    )
    if not counted.rowcount:
        return None
    row = connection.execute(
        select(sms_numbers.c.sealed, persons.c.phone_hash)
        .join(persons, persons.c.id == sms_numbers.c.person_id)
        .where(persons.c.id == mine)
    ).one()
    return KeptNumber(row.sealed, row.phone_hash)
