"""Rows of intents, of their events and of the inbox; payment_postings.py books what they mean."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, null, select, update
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from commerce.io.record.schema_payments import inbox, intents, payment_events
from commerce.money.intents import LIVE, Intent, IntentEvent, IntentState
from commerce.money.providers import Action, ActionKind, EventKind, Payer, ProviderEvent

OURS = "linli"  # the account of our own events

_LIVE = intents.c.state.in_([state.value for state in LIVE])
_COLUMNS = [
    intents.c[name]
    for name in (
        "id",
        "order_id",
        "provider",
        "account",
        "amount_fen",
        "state",
        "created_at_ms",
        "expires_at_ms",
        "due_at_ms",
        "queries",
    )
]


@dataclass(frozen=True, slots=True)
class BookedEvent:
    """What happened to an intent, by whose account, and how that calls it."""

    kind: IntentEvent
    account: str
    event: str
    amount_fen: int
    at_ms: int
    provider_ref: str = ""


def own_event(intent_id: str, kind: IntentEvent, at_ms: int) -> BookedEvent:
    """Return an event of ours; an intent has one of each kind."""
    return BookedEvent(kind, OURS, f"{intent_id}:{kind}", 0, at_ms)


def insert_intents(connection: Connection, new: Sequence[Intent]) -> None:
    """Write the intents of new orders."""
    if new:
        connection.execute(
            insert(intents),
            [
                {
                    "id": intent.id,
                    "order_id": intent.order_id,
                    "provider": intent.provider,
                    "account": intent.account,
                    "amount_fen": intent.amount_fen,
                    "state": intent.state.value,
                    "created_at_ms": intent.created_at_ms,
                    "expires_at_ms": intent.expires_at_ms,
                    "due_at_ms": intent.due_at_ms,
                }
                for intent in new
            ],
        )


def find_intent(connection: Connection, intent_id: str, *, lock: bool = False) -> Intent | None:
    """Return an intent, locked if asked to, or None."""
    query = select(*_COLUMNS).where(intents.c.id == intent_id)
    row = connection.execute(query.with_for_update() if lock else query).mappings().first()
    return _intent(row) if row else None


def move_intent(connection: Connection, intent: Intent, to: IntentState, due: int | None) -> bool:
    """Move an intent from where the caller read it; whether it was there."""
    moved = connection.execute(
        update(intents)
        .where(intents.c.id == intent.id, intents.c.state == intent.state.value)
        .values(
            state=to.value,
            due_at_ms=due,
            leased_until_ms=0,
            queries=0,
            action=None,
            payer=None,
        )
    )
    return moved.rowcount > 0


def insert_event(connection: Connection, intent_id: str, event: BookedEvent) -> bool:
    """Write an event of an intent; False if it is there already."""
    values = {
        "account": event.account,
        "event": event.event,
        "intent_id": intent_id,
        "kind": event.kind.value,
        "amount_fen": event.amount_fen,
        "provider_ref": event.provider_ref,
        "at_ms": event.at_ms,
    }
    return bool(_insert_new(connection, payment_events, values))


def events_of(connection: Connection, intent_id: str) -> list[IntentEvent]:
    """Return the events of an intent in the order they were written."""
    query = select(payment_events.c.kind).where(payment_events.c.intent_id == intent_id)
    return [IntentEvent(kind) for kind in connection.scalars(query.order_by(payment_events.c.id))]


def lease_intents(connection: Connection, at_ms: int, until_ms: int, limit: int) -> list[Intent]:
    """Take intents that are due for a call to their provider; nobody else does until then."""
    due = (
        select(intents.c.id)
        .where(intents.c.due_at_ms <= at_ms, intents.c.leased_until_ms <= at_ms)
        .order_by(intents.c.due_at_ms)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = list(connection.scalars(due))
    if not ids:
        return []
    rows = connection.execute(
        update(intents)
        .where(intents.c.id.in_(ids))
        .values(leased_until_ms=until_ms)
        .returning(*_COLUMNS)
    )
    return [_intent(row) for row in rows.mappings()]


def postpone_intent(connection: Connection, intent: Intent, due_at_ms: int | None) -> None:
    """Give an intent back whose call decided nothing; it is due again then, unless it moved."""
    connection.execute(
        update(intents)
        .where(intents.c.id == intent.id, intents.c.state == intent.state.value)
        .values(due_at_ms=due_at_ms, leased_until_ms=0, queries=intents.c.queries + 1)
    )


def set_payer(connection: Connection, intent_id: str, payer: Payer, at_ms: int) -> bool:
    """Keep who pays, once; the attempt is due then. False if it is known or too late."""
    kept = {"client": payer.client, "client_ip": payer.client_ip, "phone": payer.phone}
    new = (intents.c.id == intent_id, intents.c.state == IntentState.CREATED.value)
    changed = connection.execute(
        update(intents).where(*new, intents.c.payer.is_(null())).values(payer=kept, due_at_ms=at_ms)
    )
    return changed.rowcount > 0


def payer_of(connection: Connection, intent_id: str) -> Payer | None:
    """Return who pays an intent, None if that was not said yet."""
    kept = connection.scalar(select(intents.c.payer).where(intents.c.id == intent_id))
    return Payer(kept["client"], kept["client_ip"], kept["phone"]) if kept else None


def payer_or_postpone(
    connection: Connection, intent: Intent, due_at_ms: int | None
) -> Payer | None:
    """Return who pays an intent; while that was not said, give the intent back."""
    find_intent(connection, intent.id, lock=True)
    payer = payer_of(connection, intent.id)
    if payer is None:
        postpone_intent(connection, intent, due_at_ms)
    return payer


def set_action(connection: Connection, intent_id: str, action: Action) -> None:
    """Keep what the buyer's page does next."""
    kept = {"kind": action.kind.value, "data": dict(action.data)}
    connection.execute(update(intents).where(intents.c.id == intent_id).values(action=kept))


def overdue_intents(connection: Connection, at_ms: int, limit: int) -> list[str]:
    """Return intents that were not paid in time."""
    query = select(intents.c.id).where(_LIVE, intents.c.expires_at_ms <= at_ms)
    return list(connection.scalars(query.order_by(intents.c.expires_at_ms).limit(limit)))


def taken_intents(connection: Connection, order_ids: Collection[str]) -> dict[str, Intent]:
    """Return the intents by which these orders were paid, by order."""
    paid = select(payment_events.c.intent_id).where(
        payment_events.c.intent_id == intents.c.id,
        payment_events.c.kind == IntentEvent.PAID.value,
    )
    query = select(*_COLUMNS).where(intents.c.order_id.in_(order_ids), paid.exists())
    found = [_intent(row) for row in connection.execute(query).mappings()]
    return {intent.order_id: intent for intent in found}


def honoured_orders(connection: Connection, order_ids: Collection[str]) -> set[str]:
    """Return those of these orders that were paid late and taken up again."""
    honoured = intents.c.state == IntentState.HONOURED.value
    query = select(intents.c.order_id).where(intents.c.order_id.in_(order_ids), honoured)
    return set(connection.scalars(query))


def live_actions(
    connection: Connection, order_ids: Collection[str]
) -> dict[str, tuple[Intent, Action | None]]:
    """Return the intents that these orders wait for, with what the buyer does next."""
    if not order_ids:
        return {}
    query = select(*_COLUMNS, intents.c.action).where(intents.c.order_id.in_(order_ids), _LIVE)
    return {
        row["order_id"]: (_intent(row), _action(row["action"]))
        for row in connection.execute(query).mappings()
    }


def store_webhook(
    connection: Connection, account: str, event: ProviderEvent, received_at_ms: int
) -> bool:
    """Put what a provider reported into the inbox; False if it is there already."""
    values = {
        "account": account,
        "event": event.event_id,
        "kind": event.kind.value,
        "reference": event.reference,
        "refund_reference": event.refund_reference,
        "provider_ref": event.provider_ref,
        "amount_fen": event.amount_fen,
        "at_ms": event.at_ms,
        "received_at_ms": received_at_ms,
    }
    return bool(_insert_new(connection, inbox, values))


def unhandled_webhooks(connection: Connection, limit: int) -> list[tuple[str, ProviderEvent, int]]:
    """Return what waits in the inbox, oldest first: account, event, when it came."""
    rows = connection.execute(
        select(inbox)
        .where(inbox.c.handled_at_ms.is_(None))
        .order_by(inbox.c.received_at_ms)
        .limit(limit)
    )
    return [
        (
            row.account,
            ProviderEvent(
                row.event,
                EventKind(row.kind),
                row.reference,
                row.refund_reference,
                row.provider_ref,
                row.amount_fen,
                row.at_ms,
            ),
            row.received_at_ms,
        )
        for row in rows
    ]


def handle_webhook(connection: Connection, account: str, event_id: str, at_ms: int) -> None:
    """Mark an event of the inbox as handled."""
    which = (inbox.c.account == account, inbox.c.event == event_id)
    connection.execute(update(inbox).where(*which).values(handled_at_ms=at_ms))


def _insert_new(connection: Connection, table: Any, values: dict[str, Any]) -> int:
    make: Any = insert_sqlite if connection.dialect.name == "sqlite" else insert_postgresql
    return int(connection.execute(make(table).on_conflict_do_nothing(), values).rowcount)


def _intent(row: Any) -> Intent:
    values = {column.name: row[column.name] for column in _COLUMNS}
    return Intent(**{**values, "state": IntentState(row["state"])})


def _action(kept: Any) -> Action | None:
    return Action(ActionKind(kept["kind"]), kept["data"]) if kept else None
