"""One-time links in the record, as hashes: made by the head office, used by those who get them."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from commerce.catalogue.values import Text
from commerce.errors import UnknownLink
from commerce.io.record.audit_trail import record_audit
from commerce.io.record.postings import Topic, enqueue
from commerce.io.record.schema import brands
from commerce.io.record.schema_staff import staff, staff_links
from commerce.io.shop.context import ShopContext
from commerce.io.shop.passwords import Passwords
from commerce.people.password_policy import require_strong
from commerce.people.staff_links import LinkKind, ends_at_ms, holds, kind_for

TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link as it is handed out, once: its secret, what it is for, until when it holds."""

    token: str
    kind: LinkKind
    ends_at_ms: int


@dataclass(frozen=True, slots=True)
class LinkView:
    """A link as whoever opens it sees it."""

    kind: LinkKind
    username: str
    name: str
    roles: tuple[str, ...]
    brand: Text
    ends_at_ms: int


def make_link(connection: Connection, person: RowMapping | dict[str, Any], at_ms: int) -> NewLink:
    """Give somebody of the staff a new link; the one before holds no more."""
    kind = kind_for(person["password_hash"])
    link = NewLink(secrets.token_urlsafe(TOKEN_BYTES), kind, ends_at_ms(kind, now=at_ms))
    _forget(connection, person["id"])
    connection.execute(
        insert(staff_links),
        {
            "token_hash": _hash(link.token),
            "staff_id": person["id"],
            "kind": kind.value,
            "made_at_ms": at_ms,
            "ends_at_ms": link.ends_at_ms,
        },
    )
    return link


class StaffLinks:
    """What those who were given a link do with it."""

    def __init__(self, shop: ShopContext, passwords: Passwords) -> None:
        self._shop = shop
        self._passwords = passwords

    async def look(self, token: str) -> LinkView:
        """Return what a link is for.

        Raises:
            UnknownLink: It was used, has ended, or never was.
        """
        row = await self._shop.record.query(lambda connection: self._find(connection, token))
        return LinkView(
            LinkKind(row["kind"]),
            row["username"],
            row["name"],
            tuple(row["roles"].split()),
            Text(row["name_zh"] or "", row["name_en"] or ""),
            row["ends_at_ms"],
        )

    async def use(self, token: str, password: str) -> None:
        """Give the owner of a link the password that they chose, and end their tokens.

        Raises:
            UnknownLink: It was used, has ended, or never was.
            WeakPassword: It stays as it is, for another try.
            TryAgain: Too many log in at this moment.
        """
        require_strong(password, (await self.look(token)).username)
        password_hash = await self._passwords.hash(password)

        def work(connection: Connection) -> None:
            row = self._find(connection, token)
            if not connection.execute(
                delete(staff_links).where(staff_links.c.token_hash == row["token_hash"])
            ).rowcount:
                raise UnknownLink  # used by another one in this moment
            connection.execute(
                update(staff)
                .where(staff.c.id == row["staff_id"])
                .values(
                    password_hash=password_hash,
                    own_password=True,
                    token_version=staff.c.token_version + 1,
                )
            )
            at_ms, staff_id = self._shop.clock(), row["staff_id"]
            enqueue(connection, Topic.STAFF, [staff_id], at_ms)
            record_audit(
                connection,
                row["brand_id"],
                staff_id,
                "staff.password",
                staff_id,
                None,
                {"by": row["kind"]},
                at_ms,
            )

        await self._shop.record.transact(work)
        self._shop.on_commit()

    def _find(self, connection: Connection, token: str) -> RowMapping:
        found = connection.execute(
            select(
                staff_links,
                staff.c.username,
                staff.c.name,
                staff.c.roles,
                staff.c.brand_id,
                brands.c.name_zh,
                brands.c.name_en,
            )
            .join(staff, staff.c.id == staff_links.c.staff_id)
            .outerjoin(brands, brands.c.id == staff.c.brand_id)
            .where(staff_links.c.token_hash == _hash(token), staff.c.active)
        )
        row = found.mappings().first()
        if row is None or not holds(row["ends_at_ms"], now=self._shop.clock()):
            raise UnknownLink
        return row


def _forget(connection: Connection, staff_id: str) -> None:
    connection.execute(delete(staff_links).where(staff_links.c.staff_id == staff_id))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
