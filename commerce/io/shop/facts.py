"""Reading facts in the order of their numbers, and the keys by which the lake knows people."""

import hashlib
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from commerce.io.record.schema import counters, money_transfers, orders
from commerce.io.record.schema_facts import facts, person_keys
from commerce.io.shop.catalogue.catalogue import Catalogue
from commerce.io.shop.context import ShopContext

NUMBER = "fact"
ROWS_MAX = 500  # numbered or read at a time
IDS_MAX = 500  # ids per statement
KEY_BYTES = 16
CHINA_MS = 8 * 3_600 * 1_000  # UTC+8, without summer time
DAY_MS = 86_400 * 1_000
EPOCH = date(1970, 1, 1)
PSEUDONYM_BYTES = 10

_decode = msgspec.json.Decoder(list[tuple[str, int, int, str, str, str, dict[str, Any]]]).decode

_NEW = select(facts.c.id, facts.c.facts).where(facts.c.first.is_(None)).order_by(facts.c.id)
_NUMBER = update(facts).where(facts.c.id == bindparam("i")).values(first=bindparam("n"))
_LAST = (
    select(facts).where(facts.c.first <= bindparam("after")).order_by(facts.c.first.desc()).limit(1)
)


@dataclass(frozen=True, slots=True)
class RecordFact:
    """A fact of the record. `subject` is the household or guest, not yet a pseudonym.

    Estate and subject of a fact about an order are the order's.
    """

    sequence: int
    topic: str
    version: int
    at_ms: int
    estate_id: str
    subject: str
    trace: str
    payload: Mapping[str, Any]
    brand_id: str = ""


@dataclass(frozen=True, slots=True)
class MoneyOfDay:
    """Transfers of a day and kind: how many, and fen in all."""

    transfers: int
    fen: int


class FactLog:
    """The record's facts as a log: `number` what is new, then `read` from where one stopped.

    Every reader sees the same facts in the same order, each with a number larger than all before
    it; nothing appears later below a number that was read.
    """

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop
        self._none_after: tuple[str, int] | None = None

    async def has_more(self, after: int) -> bool:
        """Whether there are facts after a number, or some that are not numbered: one statement."""
        is_sqlite = self._shop.record.is_sqlite  # PostgreSQL gives its version no cheaper
        asked = (await self._shop.record.version.read(), after) if is_sqlite else None
        if asked is not None and asked == self._none_after:
            return False
        last = select(counters.c.value).where(counters.c.name == NUMBER).scalar_subquery()
        more = select(or_(last > after, _NEW.exists()))
        found = bool(await self._shop.record.query(lambda c: c.scalar(more)))
        self._none_after = None if found else asked
        return found

    async def number(self) -> int:
        """Number what was committed since; return how many facts. Safe to run twice at once."""
        if not await self._shop.record.query(lambda c: c.scalar(_NEW.limit(1))):
            return 0
        return await self._shop.record.transact(_number, durable=False)

    async def read(self, after: int, facts_max: int) -> list[RecordFact]:
        """Return numbered facts after a number, at most `facts_max` and a row's worth more."""
        found = await self._shop.record.query(lambda c: _read(c, after, facts_max))
        estates = {fact.estate_id for fact in found if fact.estate_id}
        if not estates <= self._shop.catalogue.estates.keys():
            await self._shop.cache.refresh()
        return [replace(fact, brand_id=_brand_of(fact, self._shop.catalogue)) for fact in found]

    async def ends(self) -> tuple[int, int]:
        """Return the smallest number that is kept, and the largest that was given; 0 for none."""
        return await self._shop.record.query(_ends)

    async def since(self, at_ms: int) -> int:
        """Return the number before the first fact that is kept and was written since `at_ms`."""
        first = select(func.min(facts.c.first)).where(facts.c.at_ms >= at_ms)
        found = await self._shop.record.query(lambda c: c.scalar(first))
        return (await self.ends())[1] if found is None else int(found) - 1

    async def money(self, since_ms: int, up_to: int) -> dict[tuple[str, str], MoneyOfDay]:
        """Sum the record's transfers since a time by day in China and kind.

        Those whose facts have numbers above `up_to`, or none yet, are left out.
        """
        return await self._shop.record.query(lambda c: _money(c, since_ms, up_to))

    async def prune(self, up_to: int, before_ms: int) -> int:
        """Delete facts that are old and that the lake has, up to a number; return how many rows."""
        old = facts.c.first + facts.c.facts - 1 <= up_to, facts.c.at_ms < before_ms
        some = select(facts.c.id).where(*old).order_by(facts.c.id).limit(ROWS_MAX)
        return await self._shop.record.transact(
            lambda c: c.execute(delete(facts).where(facts.c.id.in_(some))).rowcount, durable=False
        )

    async def pseudonyms(self, subjects: Collection[str]) -> dict[str, str]:
        """Return what the lake calls these households and guests, the same every time.

        It follows from a random key of each; once that is destroyed, nobody can tell whose it was,
        and whoever was erased has none.
        """
        wanted = sorted({subject for subject in subjects if subject})
        if not wanted:
            return {}
        found = await self._shop.record.query(lambda c: _keys(c, wanted))
        missing = [subject for subject in wanted if subject not in found]
        if missing:
            at_ms = self._shop.clock()
            try:
                await self._shop.record.transact(lambda c: _add_keys(c, missing, at_ms))
            except IntegrityError:
                pass  # another reader made them at the same time
            found |= await self._shop.record.query(lambda c: _keys(c, missing))
        return {
            subject: pseudonym_of(subject, key) if key else "" for subject, key in found.items()
        }


def _brand_of(fact: RecordFact, catalogue: Catalogue) -> str:
    """That of its estate, else of its store or product."""
    return (
        catalogue.brand_id("estate", fact.estate_id)
        or catalogue.brand_id("store", str(fact.payload.get("store_id", "")))
        or catalogue.brand_id("product", str(fact.payload.get("product_id", "")))
    )


def pseudonym_of(subject: str, key: str) -> str:
    """Return what the lake calls a subject while its key is there."""
    return hashlib.blake2b(
        subject.encode(), key=bytes.fromhex(key), digest_size=PSEUDONYM_BYTES
    ).hexdigest()


def _number(connection: Connection) -> int:
    # The lock comes first: whoever has it sees all rows that others numbered.
    lock = update(counters).where(counters.c.name == NUMBER).values(value=counters.c.value)
    last = int(connection.execute(lock.returning(counters.c.value)).scalar_one())
    rows = connection.execute(_NEW.limit(ROWS_MAX)).all()
    numbers, at = [], last + 1
    for id, count in rows:
        numbers.append({"i": id, "n": at})
        at += count
    if numbers:
        connection.execute(_NUMBER, numbers)
        end = update(counters).where(counters.c.name == NUMBER).values(value=at - 1)
        connection.execute(end)
    return at - 1 - last


def _read(connection: Connection, after: int, facts_max: int) -> list[RecordFact]:
    found: list[RecordFact] = []
    # The row in which `after` lies may hold more.
    begun = connection.execute(_LAST, {"after": after}).mappings().first()
    rows = [begun] if begun is not None and begun["first"] + begun["facts"] - 1 > after else []
    later = select(facts).where(facts.c.first > after).order_by(facts.c.first).limit(ROWS_MAX)
    for row in (*rows, *connection.execute(later).mappings()):
        for sequence, (topic, version, at_ms, estate, subject, trace, payload) in enumerate(
            _decode(row["body"]), row["first"]
        ):
            if sequence > after:
                found.append(
                    RecordFact(sequence, topic, version, at_ms, estate, subject, trace, payload)
                )
        if len(found) >= facts_max:
            break
    return _with_orders(connection, found)


def _with_orders(connection: Connection, found: Sequence[RecordFact]) -> list[RecordFact]:
    """Give facts that name only their order its estate and household."""
    bare = sorted({fact.trace for fact in found if fact.trace and not fact.estate_id})
    whose: dict[str, tuple[str, str]] = {}
    for at in range(0, len(bare), IDS_MAX):
        rows = connection.execute(
            select(orders.c.id, orders.c.estate_id, orders.c.household_id, orders.c.guest_id).where(
                orders.c.id.in_(bare[at : at + IDS_MAX])
            )
        )
        whose |= {id: (estate, household or guest) for id, estate, household, guest in rows}
    return [
        replace(fact, estate_id=whose[fact.trace][0], subject=whose[fact.trace][1])
        if not fact.estate_id and fact.trace in whose
        else fact
        for fact in found
    ]


def _money(connection: Connection, since_ms: int, up_to: int) -> dict[tuple[str, str], MoneyOfDay]:
    of = money_transfers.c
    day = (of.at_ms + CHINA_MS) // DAY_MS
    sums = select(day, of.kind, func.count(), func.sum(of.amount_fen))
    rows = connection.execute(sums.where(of.at_ms >= since_ms).group_by(day, of.kind))
    found = {(int(day), kind): [int(count), int(fen)] for day, kind, count, fen in rows}
    later = select(facts.c.first, facts.c.body).where(
        facts.c.first.is_(None) | (facts.c.first + facts.c.facts - 1 > up_to)
    )
    for first, body in connection.execute(later):
        for at, (topic, _, at_ms, *_, payload) in enumerate(_decode(body)):
            is_later = first is None or first + at > up_to
            if topic == "money.moved" and is_later and at_ms >= since_ms:
                here = found[(at_ms + CHINA_MS) // DAY_MS, payload["kind"]]
                here[0] -= 1
                here[1] -= payload["amount_fen"]
    return {
        ((EPOCH + timedelta(days=day)).isoformat(), kind): MoneyOfDay(count, fen)
        for (day, kind), (count, fen) in found.items()
        if count or fen
    }


def _ends(connection: Connection) -> tuple[int, int]:
    first = connection.scalar(select(func.min(facts.c.first)))
    last = connection.scalar(select(counters.c.value).where(counters.c.name == NUMBER))
    return int(first or 0), int(last or 0)


def _keys(connection: Connection, subjects: Collection[str]) -> dict[str, str]:
    wanted = list(subjects)
    found: dict[str, str] = {}
    for at in range(0, len(wanted), IDS_MAX):
        rows = connection.execute(
            select(person_keys.c.subject_id, person_keys.c.key).where(
                person_keys.c.subject_id.in_(wanted[at : at + IDS_MAX])
            )
        )
        found |= {subject: key for subject, key in rows}
    return found


def _add_keys(connection: Connection, subjects: Collection[str], at_ms: int) -> None:
    connection.execute(
        insert(person_keys),
        [
            {"subject_id": subject, "key": secrets.token_hex(KEY_BYTES), "made_at_ms": at_ms}
            for subject in subjects
        ],
    )
