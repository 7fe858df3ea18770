"""Staff, as the head office lists, invites and edits them.

Whatever takes rights away ends tokens on all workers: see staff.py. The audit trail has no names.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, RowMapping, Select, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from commerce.catalogue.paging import Page, PageQuery
from commerce.catalogue.values import Text
from commerce.errors import InvalidField, NotFound
from commerce.io.record.audit_trail import Value, record_audit
from commerce.io.record.postings import Topic, enqueue
from commerce.io.record.schema import estates, rooms, stores
from commerce.io.record.schema_staff import staff, staff_totp
from commerce.io.shop.context import ShopContext
from commerce.io.shop.editing import Columns, Editor, lock_row
from commerce.io.shop.listing import read_page
from commerce.io.shop.staff_links import NewLink, make_link

T = TypeVar("T")
ID_BYTES = 10
_RIGHTS = ("active", "roles", "room_id", "store_id", "estate_ids")
"""A change of these ends tokens, and is in the audit trail."""
_AT_A_STORE = ("host", "store")
HEAD_OFFICE = "hq"
LEADER = "leader"


@dataclass(frozen=True, slots=True)
class StaffRow:
    """Somebody of the staff; `invited` until they have chosen a password."""

    id: str
    username: str
    name: str
    roles: tuple[str, ...]
    store_id: str
    store_name: Text | None
    room_id: str
    estate_ids: tuple[str, ...]
    active: bool
    invited: bool
    totp: bool
    version: int


@dataclass(frozen=True, slots=True)
class Invited:
    """Who was invited, and the link to give them."""

    staff: StaffRow
    link: NewLink


class StaffOffice:
    """The staff of all brands, as each one's head office manages it."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def page(self, brand_id: str, wanted: PageQuery) -> Page[StaffRow]:
        """Return one page of a brand's staff.

        Raises:
            InvalidField: They are not sorted by that.
        """
        return await self._shop.record.query(
            lambda connection: read_page(
                connection,
                wanted,
                _rows(brand_id),
                search=(staff.c.username, staff.c.name, func.coalesce(stores.c.name_zh, "")),
                sorts={"username": staff.c.username, "name": staff.c.name},
                last=staff.c.id,
                make=_person,
            )
        )

    async def get(self, brand_id: str, id: str) -> StaffRow:
        """Return one of a brand's staff.

        Raises:
            NotFound: It is nobody's id there.
        """
        return await self._shop.record.query(lambda connection: _find(connection, brand_id, id))

    async def invite(self, brand_id: str, by_id: str, values: Columns) -> Invited:
        """Add somebody, and return the link by which they choose a password.

        Raises:
            InvalidField: The user name is taken, or there is no such store or estate.
        """
        by = self._editor(brand_id, by_id)
        id = secrets.token_hex(ID_BYTES)

        def work(connection: Connection) -> Invited:
            row = {
                "id": id,
                "brand_id": brand_id,
                "password_hash": "",
                "invited": True,
                "active": True,
                "roles": "",
                **_placed(connection, by, values),
            }
            try:
                connection.execute(insert(staff), row)
            except IntegrityError:
                raise InvalidField("username", "It is taken.") from None
            link = make_link(connection, row, by.at_ms)
            _record(connection, by, "staff.invite", id, None, _rights(row))
            return Invited(_find(connection, brand_id, id), link)

        return await self._committed(work)

    async def edit(
        self, brand_id: str, by_id: str, id: str, version: int, values: Columns
    ) -> StaffRow:
        """Change somebody whose version is `version`; fewer or other rights end their tokens.

        Raises:
            NotFound: It is nobody's id there.
            StaleVersion: Somebody else was faster.
            InvalidField: No such store or estate, or one's own account would be lost.
        """
        by = self._editor(brand_id, by_id)

        def work(connection: Connection) -> StaffRow:
            row = lock_row(connection, by, "staff", staff, id, version)
            new = {**row, **values}
            if {"roles", "store_id", "estate_ids"} & set(values):
                new = _placed(connection, by, new)
            new = {name: new[name] for name in (*_RIGHTS, "name") if new[name] != row[name]}
            if id == by_id and not _keeps_office({**row, **new}):
                raise InvalidField("active", "Nobody closes their own way into the head office.")
            if not new:
                return _find(connection, brand_id, id)
            rights = {name: new[name] for name in _RIGHTS if name in new}
            raised = staff.c.token_version + int(bool(rights))
            connection.execute(
                update(staff)
                .where(staff.c.id == id)
                .values(version=staff.c.version + 1, token_version=raised, **new)
            )
            if rights:
                enqueue(connection, Topic.STAFF, [id], by.at_ms)
            before = {name: row[name] for name in rights}
            _record(connection, by, "staff.edit", id, before, rights)
            return _find(connection, brand_id, id)

        return await self._committed(work)

    async def new_link(self, brand_id: str, by_id: str, id: str) -> NewLink:
        """Give somebody a link to choose a password; theirs holds until they have chosen.

        Raises:
            NotFound: It is nobody's id there, or they are not active.
        """
        by = self._editor(brand_id, by_id)

        def work(connection: Connection) -> NewLink:
            link = make_link(connection, _active(connection, brand_id, id), by.at_ms)
            _record(connection, by, "staff.link", id, None, {"kind": link.kind.value})
            return link

        return await self._committed(work)

    async def log_out(self, brand_id: str, by_id: str, id: str) -> None:
        """End all tokens of somebody, on all workers.

        Raises:
            NotFound: It is nobody's id there, or they are not active.
        """
        by = self._editor(brand_id, by_id)

        def work(connection: Connection) -> None:
            _active(connection, brand_id, id)
            raised = staff.c.token_version + 1
            connection.execute(update(staff).where(staff.c.id == id).values(token_version=raised))
            enqueue(connection, Topic.STAFF, [id], by.at_ms)
            _record(connection, by, "staff.log-out", id, None, None)

        await self._committed(work)

    def _editor(self, brand_id: str, by_id: str) -> Editor:
        return Editor(brand_id, by_id, self._shop.clock())

    async def _committed(self, work: Callable[[Connection], T]) -> T:
        done = await self._shop.record.transact(work)
        self._shop.on_commit()
        return done


def _placed(connection: Connection, by: Editor, values: Columns) -> dict[str, Any]:
    """Return the values with the room of the store, for who hosts there.

    Only a leader leads estates.

    Raises:
        InvalidField: A role needs a store or an estate, or it is not the brand's.
    """
    store_id, roles = values.get("store_id"), str(values["roles"]).split()
    if store_id and not connection.scalar(
        select(stores.c.id).where(stores.c.id == store_id, stores.c.brand_id == by.brand_id)
    ):
        raise InvalidField("store_id", f"There is no {store_id}.")
    if not store_id and any(role in _AT_A_STORE for role in roles):
        raise InvalidField("store_id", "This role needs a store.")
    room_id = None
    if "host" in roles:
        of_store = select(rooms.c.id).where(rooms.c.store_id == store_id).order_by(rooms.c.id)
        found = list(connection.scalars(of_store))
        kept = values.get("room_id")
        room_id = kept if kept in found else next(iter(found), None)
    led = _led(connection, by, values) if LEADER in roles else ""
    return {**values, "store_id": store_id or None, "room_id": room_id, "estate_ids": led}


def _led(connection: Connection, by: Editor, values: Columns) -> str:
    asked = set(str(values.get("estate_ids", "")).split())
    found = set(
        connection.scalars(
            select(estates.c.id).where(estates.c.id.in_(asked), estates.c.brand_id == by.brand_id)
        )
    )
    if not asked or asked != found:
        raise InvalidField("estate_ids", "A leader needs estates of the brand.")
    return " ".join(sorted(asked))


def _keeps_office(row: Mapping[str, Any]) -> bool:
    return bool(row["active"]) and HEAD_OFFICE in str(row["roles"]).split()


def _active(connection: Connection, brand_id: str, id: str) -> RowMapping:
    found = connection.execute(
        select(staff)
        .where(staff.c.id == id, staff.c.brand_id == brand_id, staff.c.active)
        .with_for_update()
    )
    row = found.mappings().first()
    if row is None:
        raise NotFound("staff", id)
    return row


def _find(connection: Connection, brand_id: str, id: str) -> StaffRow:
    row = connection.execute(_rows(brand_id).where(staff.c.id == id)).mappings().first()
    if row is None:
        raise NotFound("staff", id)
    return _person(row)


def _rows(brand_id: str) -> Select[Any]:
    return (
        select(
            staff,
            stores.c.name_zh.label("store_zh"),
            stores.c.name_en.label("store_en"),
            staff_totp.c.confirmed_at_ms.label("totp_at_ms"),
        )
        .outerjoin(stores, stores.c.id == staff.c.store_id)
        .outerjoin(staff_totp, staff_totp.c.staff_id == staff.c.id)
        .where(staff.c.brand_id == brand_id)
    )


def _person(row: RowMapping) -> StaffRow:
    return StaffRow(
        id=row["id"],
        username=row["username"],
        name=row["name"],
        roles=tuple(row["roles"].split()),
        store_id=row["store_id"] or "",
        store_name=Text(row["store_zh"], row["store_en"]) if row["store_id"] else None,
        room_id=row["room_id"] or "",
        estate_ids=tuple(row["estate_ids"].split()),
        active=row["active"],
        invited=not row["password_hash"],
        totp=row["totp_at_ms"] is not None,
        version=row["version"],
    )


def _rights(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in _RIGHTS}


def _record(
    connection: Connection, by: Editor, action: str, id: str, before: Value, after: Value
) -> None:
    record_audit(connection, by.brand_id, by.staff_id, action, id, before, after, by.at_ms)
