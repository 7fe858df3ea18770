"""Cold cabinets of a store: keys, readings, and the lots inside while one is in alarm."""

import hashlib
import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from commerce.catalogue.food import StorageKind
from commerce.errors import InvalidField, NotFound
from commerce.io.record.audit_trail import record_audit
from commerce.io.record.facts import write_facts
from commerce.io.record.postings import Topic, enqueue
from commerce.io.record.schema import products
from commerce.io.record.schema_cabinets import cabinets, lot_marks
from commerce.io.record.schema_stock import balances
from commerce.io.shop.context import ShopContext
from commerce.supply.cabinets import Alarm, AlarmNow, CabinetState, Range, Reading, step
from commerce.supply.lots import LocationKind, location_id

KEY_BYTES = 20
KEY_PATTERN = re.compile(r"cold-[0-9a-f]{40}")
ID_BYTES = 10
CABINETS_MAX = 50  # per store
MARKS_SHOWN = 200


@dataclass(frozen=True, slots=True)
class CabinetView:
    """A cabinet as the staff of its store sees it, with its newest reading."""

    id: str
    name: str
    storage: StorageKind
    low_tenths: int
    high_tenths: int
    seen_at_ms: int | None
    read_at_ms: int | None
    celsius_tenths: int | None
    door_open: bool | None
    powered: bool | None
    alarm: Alarm | None
    alarm_since_ms: int | None


@dataclass(frozen=True, slots=True)
class LotMark:
    """Units of a lot that lay there while a cabinet for such goods was in alarm."""

    cabinet_id: str
    lot_id: str
    product_id: str
    units: int
    from_ms: int
    until_ms: int | None  # None: the alarm goes on


@dataclass(frozen=True, slots=True)
class NewCabinet:
    """A cabinet's key, which cannot be shown a second time."""

    id: str
    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What readings did: the last number, how many were new, and the cabinet since."""

    number: int
    taken: int
    store_id: str
    cabinet: CabinetView


class Cabinets:
    """The cabinets of all stores."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def list(self, store_id: str) -> tuple[list[CabinetView], list[LotMark]]:
        """Return the cabinets of a store by name, and the newest marks of lots."""
        self._shop.catalogue.store(store_id)
        return await self._shop.record.query(lambda c: _list(c, store_id))

    async def add(
        self, store_id: str, name: str, storage: StorageKind, within: Range, staff_id: str
    ) -> NewCabinet:
        """Register a cabinet for goods of a kind of storage, and give it a key.

        Raises:
            NotFound: There is no such store.
            InvalidField: The store has too many, or the range is empty.
        """
        self._shop.catalogue.store(store_id)
        if within.low_tenths > within.high_tenths:
            raise InvalidField("high_tenths", "At least the lowest temperature.")
        made = NewCabinet(secrets.token_hex(ID_BYTES), name, f"cold-{secrets.token_hex(KEY_BYTES)}")
        at_ms = self._shop.clock()

        def work(connection: Connection) -> None:
            here = select(func.count()).select_from(cabinets)
            if (
                connection.scalar(here.where(cabinets.c.store_id == store_id)) or 0
            ) >= CABINETS_MAX:
                raise InvalidField("name", f"A store has at most {CABINETS_MAX} cabinets.")
            row = {"id": made.id, "store_id": store_id, "name": name, "made_at_ms": at_ms}
            limits = {"low_tenths": within.low_tenths, "high_tenths": within.high_tenths}
            key = {"storage": storage.value, "key_hash": _hash(made.key)}
            connection.execute(insert(cabinets), row | limits | key)
            self._audit(connection, store_id, staff_id, "cabinet.add", made.id, at_ms)

        await self._shop.record.transact(work)
        return made

    async def revoke_key(self, store_id: str, cabinet_id: str, staff_id: str) -> None:
        """Leave a cabinet without a key, and without an alarm; idempotent.

        Raises:
            NotFound: The store has no such cabinet.
        """
        at_ms = self._shop.clock()

        def work(connection: Connection) -> None:
            which = cabinets.c.id == cabinet_id, cabinets.c.store_id == store_id
            gone = {"key_hash": None, "alarm": None, "alarm_since_ms": None}
            if connection.execute(update(cabinets).where(*which).values(gone)).rowcount == 0:
                raise NotFound("cabinet", cabinet_id)
            _end_marks(connection, cabinet_id, at_ms)
            enqueue(connection, Topic.CABINET, [cabinet_id], at_ms)
            self._audit(connection, store_id, staff_id, "cabinet.revoke-key", cabinet_id, at_ms)

        await self._shop.record.transact(work)
        self._shop.on_commit()

    async def read(self, key: str, readings: Sequence[Reading]) -> Taken | None:
        """Take readings of the cabinet with a key, each number once; None: no such key.

        Readings become facts, and an alarm marks the lots inside, in one transaction; the outbox
        shows it to the store.
        """
        if not KEY_PATTERN.fullmatch(key):
            return None
        at_ms = self._shop.clock()
        taken = await self._shop.record.transact(
            lambda c: _read(c, _hash(key), sorted(readings, key=lambda one: one.number), at_ms)
        )
        self._shop.on_commit()
        return taken

    def _audit(
        self, connection: Connection, store_id: str, staff_id: str, action: str, id: str, at_ms: int
    ) -> None:
        brand_id = self._shop.catalogue.brand_id("store", store_id)
        record_audit(connection, brand_id, staff_id, action, id, None, None, at_ms)


def _read(
    connection: Connection, key_hash: str, readings: Sequence[Reading], at_ms: int
) -> Taken | None:
    # The update locks the row, so that two batches of one cabinet are taken one after the other.
    seen = update(cabinets).where(cabinets.c.key_hash == key_hash).values(seen_at_ms=at_ms)
    row = connection.execute(seen.returning(*cabinets.c)).first()
    if row is None:
        return None
    before = state = CabinetState(
        row.number,
        row.out_since_ms,
        row.open_since_ms,
        Alarm(row.alarm) if row.alarm else None,
        row.alarm_since_ms,
    )
    new = [reading for reading in readings if reading.number > before.number]
    within = Range(row.low_tenths, row.high_tenths)
    for reading in new:
        state = step(state, within, reading)
    view = _view(row)
    if new:
        last = new[-1]
        values: dict[str, Any] = {
            "number": state.number,
            "out_since_ms": state.out_since_ms,
            "open_since_ms": state.open_since_ms,
            "alarm": state.alarm,
            "alarm_since_ms": state.alarm_since_ms,
            "read_at_ms": last.at_ms,
            "celsius_tenths": last.celsius_tenths,
            "door_open": last.door_open,
            "powered": last.powered,
        }
        connection.execute(update(cabinets).where(cabinets.c.id == row.id).values(values))
        _write_facts(connection, row, new)
        shown = {name: values[name] for name in CabinetView.__slots__ if name in values}
        view = replace(view, seen_at_ms=at_ms, **shown)
    if before.alarm is None and state.alarm is not None:
        _mark(connection, row, state.alarm_since_ms or at_ms)
    elif before.alarm is not None and state.alarm is None:
        _end_marks(connection, row.id, new[-1].at_ms)
    if before.alarm is not state.alarm:
        enqueue(connection, Topic.CABINET, [row.id], at_ms)
    return Taken(state.number, len(new), row.store_id, view)


def alarms_of(connection: Connection, ids: Collection[str]) -> list[tuple[str, AlarmNow]]:
    """Return stores and what they are shown of these cabinets now."""
    rows = connection.execute(
        select(cabinets).where(cabinets.c.id.in_(ids)).order_by(cabinets.c.id)
    )
    return [
        (
            row.store_id,
            AlarmNow(
                row.id,
                row.name,
                Alarm(row.alarm) if row.alarm else None,
                row.alarm_since_ms,
                row.celsius_tenths,
            ),
        )
        for row in rows
    ]


def _write_facts(connection: Connection, row: Row[object], new: Sequence[Reading]) -> None:
    write_facts(
        connection,
        [
            (
                "cabinet.read",
                1,
                reading.at_ms,
                "",
                "",
                row.id,
                {
                    "cabinet_id": row.id,
                    "store_id": row.store_id,
                    "celsius_tenths": reading.celsius_tenths,
                    "door_open": reading.door_open,
                    "powered": reading.powered,
                },
            )
            for reading in new
        ],
    )


def _mark(connection: Connection, row: Row[object], from_ms: int) -> None:
    """Mark the lots in the shop whose goods are stored as this cabinet stores."""
    inside = connection.execute(
        select(balances.c.lot_id, balances.c.units)
        .join(products, products.c.id == balances.c.product_id)
        .where(
            balances.c.location_id == location_id(LocationKind.SHOP, row.store_id),
            balances.c.units > 0,
            products.c.storage == row.storage,
        )
    ).all()
    if inside:
        marks = [
            {"cabinet_id": row.id, "lot_id": lot, "units": units, "from_ms": from_ms}
            for lot, units in inside
        ]
        connection.execute(insert(lot_marks), marks)


def _end_marks(connection: Connection, cabinet_id: str, at_ms: int) -> None:
    which = lot_marks.c.cabinet_id == cabinet_id, lot_marks.c.until_ms.is_(None)
    connection.execute(update(lot_marks).where(*which).values(until_ms=at_ms))


def _list(connection: Connection, store_id: str) -> tuple[list[CabinetView], list[LotMark]]:
    of_store = cabinets.c.store_id == store_id
    rows = connection.execute(
        select(cabinets)
        .where(of_store, cabinets.c.key_hash.is_not(None))
        .order_by(cabinets.c.name, cabinets.c.id)
    )
    location = location_id(LocationKind.SHOP, store_id)
    marks = connection.execute(
        select(lot_marks, balances.c.product_id)
        .join(cabinets, cabinets.c.id == lot_marks.c.cabinet_id)
        .join(balances, balances.c.lot_id == lot_marks.c.lot_id)
        .where(of_store, balances.c.location_id == location, balances.c.units > 0)
        .order_by(lot_marks.c.from_ms.desc(), lot_marks.c.lot_id)
        .limit(MARKS_SHOWN)
    )
    return [_view(row) for row in rows], [
        LotMark(row.cabinet_id, row.lot_id, row.product_id, row.units, row.from_ms, row.until_ms)
        for row in marks
    ]


def _view(row: Row[object]) -> CabinetView:
    values = {name: getattr(row, name) for name in CabinetView.__slots__}
    values["storage"] = StorageKind(row.storage)
    values["alarm"] = Alarm(row.alarm) if row.alarm else None
    return CabinetView(**values)


def _hash(key: str) -> str:
    """Keys are random and long: a plain hash of them cannot be reversed by guessing."""
    return hashlib.sha256(key.encode()).hexdigest()
