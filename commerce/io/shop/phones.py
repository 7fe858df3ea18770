"""Guests prove a phone number by a one-time code, and become the person whose number it is."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from commerce.errors import NotFound
from commerce.io.record.schema import guests
from commerce.io.record.schema_people import persons, phone_codes
from commerce.io.shop.context import ShopContext
from commerce.io.shop.guest_devices import find_guest
from commerce.io.shop.households import Households
from commerce.io.shop.sms_numbers import SmsNumbers, keep_number
from commerce.people.households import Moved
from commerce.people.phones import (
    CODE_DIGITS,
    CODE_TRIES_MAX,
    CODE_TTL_MS,
    CodeAnswer,
    CodeExpired,
    CodeSender,
    PhoneCode,
    PhoneKeys,
    WrongCode,
    code_of,
    judge,
    last_four,
    phone_of,
)

PROVED_MAX = 100_000  # guests whose verified number a worker remembers


@dataclass(frozen=True, slots=True)
class TypedPhone:
    """A number that a guest typed: E.164, and the hash by which the brand knows it."""

    phone: str
    hash: str


class Phones:
    """Sends one-time codes and checks what was typed; the caller limits the rate."""

    def __init__(
        self,
        shop: ShopContext,
        households: Households,
        sender: CodeSender,
        keys: PhoneKeys,
        numbers: SmsNumbers,
        new_id: Callable[[], str],
        random_below: Callable[[int], int] = secrets.randbelow,
    ) -> None:
        self._shop = shop
        self._households = households
        self._sender = sender
        self._keys = keys
        self._numbers = numbers
        self._new_id = new_id
        self._random_below = random_below
        self._proved: set[str] = set()
        self._insert: Any = insert_sqlite if shop.record.is_sqlite else insert_postgresql

    def read(self, typed: str, estate_id: str) -> TypedPhone:
        """Return the number that a neighbour of an estate typed, as its brand knows it.

        Raises:
            BadPhone: It is no phone number.
        """
        phone = phone_of(typed)
        brand_id = self._shop.catalogue.brand_id("estate", estate_id)
        return TypedPhone(phone, self._keys.phone(brand_id, phone))

    async def send_code(self, guest_id: str, typed: TypedPhone, *, keep: bool = False) -> None:
        """Send a new code; an older one of this guest ends.

        With `keep` the number is kept for notices once it is proved; the guest has agreed.

        Raises:
            NotFound: There is no such guest.
            CodeNotSent: The provider did not take the message.
        """
        code = code_of(self._random_below(10**CODE_DIGITS))
        row = {
            "guest_id": guest_id,
            "phone_hash": typed.hash,
            "last_four": last_four(typed.phone),
            "code_hash": self._keys.code(guest_id, typed.hash, code),
            "expires_at_ms": self._shop.clock() + CODE_TTL_MS,
            "tries": 0,
            "sealed": self._numbers.seal(typed.phone, typed.hash) if keep else None,
        }
        async with self._shop.record.write(durable=False) as connection:
            if await find_guest(connection, guest_id) is None:
                raise NotFound("guest", guest_id)
            await connection.execute(delete(phone_codes).where(phone_codes.c.guest_id == guest_id))
            await connection.execute(insert(phone_codes), row)
        await self._sender.send(typed.phone, code)

    async def verify(self, guest_id: str, code: str) -> str:
        """Make the guest the person with the number that the code was sent to.

        Returns the last four digits of the number.

        Raises:
            WrongCode: Another code was sent; the try counts.
            CodeExpired: No code waits.
        """
        at_ms = self._shop.clock()
        answer, tries, digits, moved = await self._shop.record.transact(
            lambda connection: self._verify(connection, guest_id, code, at_ms)
        )
        if answer is CodeAnswer.EXPIRED:
            raise CodeExpired
        if answer is CodeAnswer.WRONG:
            raise WrongCode(CODE_TRIES_MAX - tries)
        await self._households.carry(guest_id, moved)
        return digits

    async def is_proved(self, guest_id: str) -> bool:
        """Whether a guest has a verified number; once it is known, without asking the record.

        A number is verified for as long as its guest is: only an erasure takes it away.
        """
        if guest_id in self._proved:
            return guest_id not in self._households.erased
        proved = await self.last_four(guest_id) is not None
        if proved:
            if len(self._proved) >= PROVED_MAX:
                self._proved.clear()
            self._proved.add(guest_id)
        return proved

    async def last_four(self, guest_id: str) -> str | None:
        """Return the last four digits of a guest's verified number, or None."""
        found = (
            select(persons.c.last_four)
            .join(guests, guests.c.person_id == persons.c.id)
            .where(guests.c.id == guest_id)
        )
        async with self._shop.record.read() as connection:
            return await connection.scalar(found)

    def _verify(
        self, connection: Connection, guest_id: str, code: str, at_ms: int
    ) -> tuple[CodeAnswer, int, str, Moved]:
        mine = phone_codes.c.guest_id == guest_id
        row = connection.execute(select(phone_codes).where(mine).with_for_update()).first()
        if row is None:
            return CodeAnswer.EXPIRED, 0, "", Moved("")
        sent = PhoneCode(row.code_hash, row.expires_at_ms, row.tries)
        typed_hash = self._keys.code(guest_id, row.phone_hash, code)
        answer = judge(sent, typed_hash, now_ms=at_ms)
        if answer is CodeAnswer.WRONG:
            connection.execute(update(phone_codes).where(mine).values(tries=row.tries + 1))
        else:
            connection.execute(delete(phone_codes).where(mine))
        moved = Moved("")
        if answer is CodeAnswer.GOOD:
            estate_id = connection.scalar(select(guests.c.estate_id).where(guests.c.id == guest_id))
            brand_id = self._shop.catalogue.brand_id("estate", estate_id or "")
            person_id = self._person(connection, brand_id, row.phone_hash, row.last_four, at_ms)
            connection.execute(
                update(guests).where(guests.c.id == guest_id).values(person_id=person_id)
            )
            if row.sealed:
                keep_number(connection, person_id, row.sealed, at_ms)
            moved = self._households.prove_phone(connection, guest_id, person_id, at_ms)
        return answer, row.tries + 1, row.last_four, moved

    def _person(
        self, connection: Connection, brand_id: str, phone_hash: str, digits: str, at_ms: int
    ) -> str:
        """Return the person with a number, found or new."""
        row = {
            "id": self._new_id(),
            "brand_id": brand_id,
            "phone_hash": phone_hash,
            "last_four": digits,
            "verified_at_ms": at_ms,
        }
        # Two guests may prove one number at the same moment.
        connection.execute(self._insert(persons).on_conflict_do_nothing(), row)
        known = (persons.c.brand_id == brand_id, persons.c.phone_hash == phone_hash)
        return str(connection.scalar(select(persons.c.id).where(*known)))
