"""What tables have of guests: what they are shown of it, and what is forgotten with them.

Every table that names somebody is either here, or in `KEPT` with the reason why an id without a
name may stay in it; a test walks the schema. Guests, phone numbers, flats and orders themselves
are in `commerce/io/shop/privacy.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, and_, delete, or_, select, update

from commerce.io.record.schema import guest_devices
from commerce.io.record.schema_activities import poll_votes, question_votes, questions
from commerce.io.record.schema_after_sales import claims, ratings
from commerce.io.record.schema_coupons import coupons
from commerce.io.record.schema_draws import draw_entries
from commerce.io.record.schema_flash import flash_waiting
from commerce.io.record.schema_group_terms import invite_joins, invites
from commerce.io.record.schema_lives import live_reminders
from commerce.io.record.schema_moderation import (
    flagged_lines,
    line_reports,
    room_moderators,
    sanctions,
)
from commerce.io.record.schema_notices import (
    notice_preferences,
    notices,
    push_subscriptions,
    wechat_grants,
)
from commerce.io.record.schema_people import consents, dwelling_claims, phone_codes


@dataclass(frozen=True, slots=True)
class Personal:
    """What a table has of a guest.

    Args:
        table: The table.
        shown: The columns that a guest is shown of own rows; none where they would learn nothing.
        by: The column that says whose a row is.
        of_household: Whether it names the household, or the guest alone while there is none.
        blanks: What is written over when a guest is erased.
        deleted: Whether the rows are deleted instead.
        name: What the rows are called in an export, if not as the table.
    """

    table: Table
    shown: tuple[str, ...]
    by: str = "guest_id"
    of_household: bool = False
    blanks: Mapping[str, Any] = field(default_factory=dict)
    deleted: bool = False
    name: str = ""


PERSONAL: Sequence[Personal] = (
    Personal(guest_devices, ("created_at_ms", "used_at_ms"), deleted=True, name="devices"),
    Personal(phone_codes, (), deleted=True),
    Personal(
        dwelling_claims,
        ("building", "flat", "state", "asked_at_ms", "decided_at_ms"),
        deleted=True,
        name="dwellings",
    ),
    # The log of what was agreed to only grows.
    Personal(consents, ("purpose", "version", "given_at_ms")),
    Personal(questions, ("room_id", "text", "asked_at_ms"), deleted=True),
    Personal(question_votes, ("question_id",), by="household_id", of_household=True),
    Personal(poll_votes, ("poll_id", "option"), by="household_id", of_household=True),
    Personal(
        flash_waiting,
        ("sale_id", "place", "state", "until_ms"),
        by="household_id",
        of_household=True,
    ),
    Personal(
        coupons,
        ("campaign_id", "value_fen", "state", "claimed_at_ms", "expires_at_ms", "order_id"),
    ),
    Personal(draw_entries, ("draw_id", "ticket", "entered_at_ms", "place", "order_id")),
    Personal(invites, ("group_id", "made_at_ms"), blanks={"device_hash": None}),
    Personal(
        invite_joins,
        ("group_id", "state", "refused", "followed_at_ms", "judged_at_ms"),
        blanks={"device_hash": None, "address_hash": None},
    ),
    Personal(
        claims,
        ("order_id", "units", "amount_fen", "fault", "words", "photos", "state", "answer")
        + ("made_at_ms", "decided_at_ms"),
        blanks={"words": "", "photos": "[]"},
    ),
    Personal(
        ratings,
        ("order_id", "product_id", "stars", "tags", "words", "rated_at_ms"),
        blanks={"words": ""},
    ),
    # How a ban knows a browser and an address is kept while it holds: see `forget_personal`.
    Personal(
        sanctions,
        ("room_id", "kind", "nickname", "reason", "made_at_ms", "until_ms", "lifted_at_ms")
        + ("appeal",),
        by="subject",
        blanks={"nickname": "", "appeal": None},
    ),
    Personal(
        flagged_lines,
        ("room_id", "kind", "nickname", "text", "written_at_ms", "decision"),
        by="sender_id",
        blanks={"nickname": "", "text": ""},
    ),
    Personal(line_reports, ("flag_id", "reported_at_ms"), by="household_id", of_household=True),
    Personal(room_moderators, ("room_id", "nickname", "since_ms"), by="subject", deleted=True),
    Personal(live_reminders, ("live_id",), deleted=True),
    Personal(notices, ("kind", "subject", "channel", "state", "made_at_ms"), deleted=True),
    Personal(
        notice_preferences,
        ("muted", "muted_by", "quiet_from_hour", "quiet_until_hour"),
        deleted=True,
    ),
    Personal(push_subscriptions, ("endpoint", "language", "made_at_ms"), deleted=True),
    Personal(wechat_grants, ("openid", "language", "asked_at_ms"), deleted=True),
)

KEPT: Mapping[str, str] = {
    "guests": "the row that orders name; its nickname, person and household are forgotten",
    "households": "deleted with the last of its people",
    "persons": "deleted with the last guest that has proved the number",
    "sms_numbers": "deleted with the person; shown in `phones`",
    "dwellings": "deleted with the household",
    "person_keys": "the key is destroyed: what the lake has is nobody's from then on",
    "orders": "the books; shown as `orders` and `order_lines`",
    "order_moves": "the books: who moved an order",
    "group_seats": "the books: which order has the seat of a group",
    "audit_entries": "a chain of hashes, without names",
    "outbox": "delivered and deleted within moments",
    "removed_lines": "lines that rooms do not show again",
}
"""Tables beside `PERSONAL` that have ids of people, and why those stay."""


def read_personal(
    connection: Connection, guest_id: str, home: str | None
) -> dict[str, list[dict[str, Any]]]:
    """Return what tables have of a guest, by what it is called in an export."""
    found = {}
    for each in PERSONAL:
        if not each.shown:
            continue
        whose = each.table.c[each.by].in_(_ids(each, guest_id, home))
        query = select(*(each.table.c[name] for name in each.shown)).where(whose)
        rows = connection.execute(query.order_by(*each.table.primary_key)).mappings()
        found[each.name or each.table.name] = [dict(row) for row in rows]
    return found


def forget_personal(connection: Connection, guest_id: str, now_ms: int) -> list[str]:
    """Forget what tables have of a guest; return the rooms whose moderation it was part of.

    What names the household only stays: others live there, or nobody is named by it any more.
    """
    asked = select(questions.c.id).where(questions.c.guest_id == guest_id)
    connection.execute(delete(question_votes).where(question_votes.c.question_id.in_(asked)))
    moderated = select(room_moderators.c.room_id).where(room_moderators.c.subject == guest_id)
    rooms = list(connection.scalars(moderated))
    for each in PERSONAL:
        mine = each.table.c[each.by] == guest_id
        if each.deleted:
            connection.execute(delete(each.table).where(mine))
        elif each.blanks:
            connection.execute(update(each.table).where(mine).values(each.blanks))
    over = or_(sanctions.c.lifted_at_ms.is_not(None), sanctions.c.until_ms <= now_ms)
    connection.execute(
        update(sanctions)
        .where(and_(sanctions.c.subject == guest_id, over))
        .values(address_key="", device_key="")
    )
    return rooms


def _ids(each: Personal, guest_id: str, home: str | None) -> list[str]:
    return [guest_id, home] if each.of_household and home else [guest_id]
