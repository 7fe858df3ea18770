"""Second factors of staff: an authenticator app, recovery codes, and what log-in asks of them."""

import secrets
from dataclasses import dataclass
from enum import Enum, auto

from sqlalchemy import Connection, RowMapping, Select, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from commerce.catalogue.values import Text
from commerce.errors import FactorIsNeeded, FactorIsOn, NotFound, WrongFactor
from commerce.io.record.audit_trail import OPERATOR, Value, record_audit
from commerce.io.record.engine import Record, wall_clock
from commerce.io.record.postings import Topic, enqueue
from commerce.io.record.schema import brands
from commerce.io.record.schema_staff import recovery_codes, staff, staff_totp
from commerce.io.shop.context import ShopContext
from commerce.io.shop.sealing import Sealer
from commerce.people.totp import (
    RECOVERY_BYTES,
    RECOVERY_CODES,
    SECRET_BYTES,
    base32,
    matching_step,
    provisioning_uri,
    recovery_code,
    recovery_hash,
)

HEAD_OFFICE = "hq"
NO_BRAND = Text("Linli", "Linli")


class Factor(Enum):
    """What log-in makes of a second factor."""

    GOOD = auto()  # or there is none
    NEEDED = auto()
    WRONG = auto()


@dataclass(frozen=True, slots=True)
class TotpState:
    """Somebody's authenticator; `needed`: the brand asks its head office for one."""

    enabled: bool
    confirmed_at_ms: int | None
    recovery_codes_left: int
    needed: bool


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A secret that is not confirmed yet, as an app takes it: typed, or from a QR code."""

    secret: str
    uri: str


class StaffTotp:
    """The second factors of all staff."""

    def __init__(self, shop: ShopContext, sealer: Sealer) -> None:
        self._shop = shop
        self._sealer = sealer

    async def state(self, staff_id: str) -> TotpState:
        """Return where somebody's authenticator stands.

        Raises:
            NotFound: Nobody of the staff has this id.
        """
        return await self._shop.record.query(lambda connection: _state(connection, staff_id))

    async def begin(self, staff_id: str) -> Enrolment:
        """Make a new secret, in place of one that was not confirmed.

        Raises:
            NotFound: Nobody of the staff has this id.
            FactorIsOn: There is one already.
        """
        secret, at_ms = secrets.token_bytes(SECRET_BYTES), self._shop.clock()
        sealed = self._sealer.seal(secret.hex(), staff_id)

        def work(connection: Connection) -> RowMapping:
            person = _person(connection, staff_id, lock=True)
            if person["confirmed_at_ms"] is not None:
                raise FactorIsOn
            connection.execute(delete(staff_totp).where(staff_totp.c.staff_id == staff_id))
            row = {"staff_id": staff_id, "sealed_secret": sealed, "made_at_ms": at_ms}
            connection.execute(insert(staff_totp), row)
            return person

        person = await self._shop.record.transact(work)
        brand = self._shop.catalogue.brands.get(person["brand_id"])
        issuer = (brand.name if brand else NO_BRAND).zh
        uri = provisioning_uri(secret, issuer=issuer, account=person["username"])
        return Enrolment(base32(secret), uri)

    async def confirm(self, staff_id: str, code: str) -> tuple[list[str], int]:
        """Turn an authenticator on with its first code; older tokens end.

        Returns the recovery codes, which cannot be shown again, and the new token version.

        Raises:
            NotFound: Nobody of the staff has this id, or no secret waits for its code.
            WrongFactor: It is not the code of this moment.
            FactorIsOn: There is one already.
        """
        at_ms = self._shop.clock()
        codes = [recovery_code(secrets.token_bytes(RECOVERY_BYTES)) for _ in range(RECOVERY_CODES)]

        def work(connection: Connection) -> int:
            person = _person(connection, staff_id, lock=True)
            if person["confirmed_at_ms"] is not None:
                raise FactorIsOn
            if person["sealed_secret"] is None:
                raise NotFound("secret", staff_id)
            step = self._step(person, code, at_ms)
            if step is None:
                raise WrongFactor
            connection.execute(
                update(staff_totp)
                .where(staff_totp.c.staff_id == staff_id)
                .values(confirmed_at_ms=at_ms, last_step=step)
            )
            hashes = [recovery_hash(staff_id, code) for code in codes]
            _forget_codes(connection, staff_id)
            connection.execute(
                insert(recovery_codes),
                [{"code_hash": hash, "staff_id": staff_id} for hash in hashes],
            )
            version = _end_tokens(connection, staff_id, at_ms)
            _note(connection, person, staff_id, "staff.totp-on", None, at_ms)
            return version

        version = await self._shop.record.transact(work)
        self._shop.on_commit()
        return codes, version

    async def check(self, staff_id: str, code: str) -> Factor:
        """Check what was typed beside a right password; a code that is good is used up."""
        at_ms = self._shop.clock()

        def work(connection: Connection) -> Factor:
            person = _person(connection, staff_id, lock=bool(code))
            if person["confirmed_at_ms"] is None:
                return Factor.GOOD
            if not code:
                return Factor.NEEDED
            return Factor.GOOD if self._take(connection, person, code, at_ms) else Factor.WRONG

        if not code:
            return await self._shop.record.query(work)
        return await self._shop.record.transact(work)

    async def turn_off(self, staff_id: str, code: str) -> None:
        """Turn one's own authenticator off, with a code of it or a recovery code.

        Raises:
            NotFound: Nobody of the staff has this id, or nothing is on.
            WrongFactor: The code is not good.
            FactorIsNeeded: The brand asks for it.
        """
        at_ms = self._shop.clock()

        def work(connection: Connection) -> None:
            person = _person(connection, staff_id, lock=True)
            if person["confirmed_at_ms"] is None:
                raise NotFound("authenticator", staff_id)
            if _needed(person):
                raise FactorIsNeeded
            if not self._take(connection, person, code, at_ms):
                raise WrongFactor
            _forget(connection, staff_id)
            _note(connection, person, staff_id, "staff.totp-off", None, at_ms)

        await self._shop.record.transact(work)
        self._shop.on_commit()

    async def reset(self, brand_id: str, by_id: str, staff_id: str) -> None:
        """Take the authenticator of somebody else away; their tokens end.

        Raises:
            NotFound: The brand has nobody of this id, or it is one's own.
        """
        at_ms = self._shop.clock()

        def work(connection: Connection) -> None:
            person = _person(connection, staff_id, lock=True)
            if person["brand_id"] != brand_id or staff_id == by_id:
                raise NotFound("staff", staff_id)
            reset_factor(connection, person, by_id, at_ms)

        await self._shop.record.transact(work)
        self._shop.on_commit()

    def _take(self, connection: Connection, person: RowMapping, code: str, at_ms: int) -> bool:
        step = self._step(person, code, at_ms)
        if step is not None:
            own = staff_totp.c.staff_id == person["id"]
            connection.execute(update(staff_totp).where(own).values(last_step=step))
            return True
        used = connection.execute(
            update(recovery_codes)
            .where(
                recovery_codes.c.code_hash == recovery_hash(person["id"], code),
                recovery_codes.c.staff_id == person["id"],
                recovery_codes.c.used_at_ms.is_(None),
            )
            .values(used_at_ms=at_ms)
        )
        if used.rowcount:
            left = {"left": _codes_left(connection, person["id"])}
            _note(connection, person, person["id"], "staff.recovery-code", left, at_ms)
        return bool(used.rowcount)

    def _step(self, person: RowMapping, code: str, at_ms: int) -> int | None:
        secret = self._sealer.open(person["sealed_secret"], person["id"])
        if secret is None:  # sealed on an installation with another secret
            return None
        after_step = person["last_step"]
        return matching_step(bytes.fromhex(secret), code, at_s=at_ms / 1_000, after_step=after_step)


async def turn_off_factor(engine: AsyncEngine, username: str) -> None:
    """Take somebody's authenticator away at the command line.

    Raises:
        NotFound: Nobody has this name.
    """
    at_ms = wall_clock()

    def work(connection: Connection) -> None:
        named = select(staff.c.id).where(staff.c.username == username)
        staff_id = connection.scalar(named)
        if staff_id is None:
            raise NotFound("staff", username)
        reset_factor(connection, _person(connection, staff_id, lock=True), OPERATOR, at_ms)

    await Record(engine).transact(work)


def reset_factor(connection: Connection, person: RowMapping, actor: str, at_ms: int) -> None:
    """Forget somebody's authenticator and recovery codes, and end their tokens."""
    _forget(connection, person["id"])
    _end_tokens(connection, person["id"], at_ms)
    _note(connection, person, actor, "staff.totp-reset", None, at_ms)


def _state(connection: Connection, staff_id: str) -> TotpState:
    person = _person(connection, staff_id)
    enabled = person["confirmed_at_ms"] is not None
    left = _codes_left(connection, staff_id) if enabled else 0
    return TotpState(enabled, person["confirmed_at_ms"], left, _needed(person))


def _person(connection: Connection, staff_id: str, *, lock: bool = False) -> RowMapping:
    query: Select[tuple[object, ...]] = (
        select(
            staff.c.id,
            staff.c.username,
            staff.c.roles,
            staff.c.brand_id,
            staff_totp.c.sealed_secret,
            staff_totp.c.confirmed_at_ms,
            staff_totp.c.last_step,
            func.coalesce(brands.c.totp_needed, False).label("totp_needed"),
        )
        .outerjoin(staff_totp, staff_totp.c.staff_id == staff.c.id)
        .outerjoin(brands, brands.c.id == staff.c.brand_id)
        .where(staff.c.id == staff_id, staff.c.active)
    )
    if lock:
        query = query.with_for_update(of=staff)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise NotFound("staff", staff_id)
    return row


def _needed(person: RowMapping) -> bool:
    return bool(person["totp_needed"]) and HEAD_OFFICE in str(person["roles"]).split()


def _codes_left(connection: Connection, staff_id: str) -> int:
    own = (recovery_codes.c.staff_id == staff_id, recovery_codes.c.used_at_ms.is_(None))
    return connection.scalar(select(func.count()).select_from(recovery_codes).where(*own)) or 0


def _forget(connection: Connection, staff_id: str) -> None:
    connection.execute(delete(staff_totp).where(staff_totp.c.staff_id == staff_id))
    _forget_codes(connection, staff_id)


def _forget_codes(connection: Connection, staff_id: str) -> None:
    connection.execute(delete(recovery_codes).where(recovery_codes.c.staff_id == staff_id))


def _end_tokens(connection: Connection, staff_id: str, at_ms: int) -> int:
    version = connection.scalar(
        update(staff)
        .where(staff.c.id == staff_id)
        .values(token_version=staff.c.token_version + 1)
        .returning(staff.c.token_version)
    )
    enqueue(connection, Topic.STAFF, [staff_id], at_ms)
    return int(version or 0)


def _note(
    connection: Connection, person: RowMapping, actor: str, action: str, after: Value, at_ms: int
) -> None:
    record_audit(connection, person["brand_id"], actor, action, person["id"], None, after, at_ms)
