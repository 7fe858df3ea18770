"""From facts to columns of the lake's tables, a batch at a time.

What runs here runs for every fact: one field of all facts at a time, one validation for all facts
of a topic. Only a batch that holds something broken is looked at fact by fact.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import accumulate, chain
from types import MappingProxyType
from typing import Any

import msgspec

from insight.errors import BadFact
from insight.facts import (
    BagAdded,
    CabinetRead,
    CardOpened,
    CardSeen,
    ChatAsked,
    ChatOrdered,
    Fact,
    GroupChanged,
    LiveAsked,
    LiveChatted,
    LotMoved,
    MoneyMoved,
    OrderMoved,
    OrderPlaced,
    Payload,
    RatingChanged,
    StockMoved,
    Watched,
    parse,
    parse_all,
)
from insight.tables import (
    CABINETS,
    CHAT_EVENTS,
    CHINA_MS,
    DAY_MS,
    FACT_COLUMNS,
    FACTS,
    GROUPS,
    LOT_MOVES,
    MONEY,
    ORDER_LINES,
    ORDER_MOVES,
    PAGE_EVENTS,
    RATINGS,
    REJECTED,
    STOCK_MOVES,
    Kind,
    Table,
    day_of,
)

AT_MS_MAX = 1 << 47  # beyond it no calendar has a date

Columns = dict[str, list[Any]]
"""Values by column, all of one length; times in ms."""

TABLE_OF: Mapping[type[Payload], Table] = MappingProxyType(
    {
        OrderMoved: ORDER_MOVES,
        MoneyMoved: MONEY,
        StockMoved: STOCK_MOVES,
        LotMoved: LOT_MOVES,
        GroupChanged: GROUPS,
        RatingChanged: RATINGS,
        CardSeen: PAGE_EVENTS,
        CardOpened: PAGE_EVENTS,
        BagAdded: PAGE_EVENTS,
        Watched: PAGE_EVENTS,
        CabinetRead: CABINETS,
        ChatOrdered: CHAT_EVENTS,
        ChatAsked: CHAT_EVENTS,
        LiveAsked: CHAT_EVENTS,
        LiveChatted: CHAT_EVENTS,
    }
)
"""Where a fact is one row; an order has one for each line."""
FIELD_OF: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "due_at": ("due_at_ms",),
        "ends_at": ("ends_at_ms",),
        "duration_ms": ("dwell_ms", "watched_ms"),
    }
)
"""The fields behind columns of another name."""

_encode_lines = msgspec.json.Encoder().encode_lines


def columns_of(facts: Sequence[Fact]) -> dict[str, Columns]:
    """Return what facts become, by table name; what is not admitted goes to `rejected`."""
    if not facts:
        return {}
    raw = _place(facts) | {
        "topic": [fact.topic for fact in facts],
        "version": [fact.version for fact in facts],
        "arrived_at": [fact.arrived_ms for fact in facts],
        # JSON has no newline outside of its text, and inside it is escaped.
        "payload": _encode_lines([fact.payload for fact in facts]).decode().split("\n")[:-1],
    }
    found = {FACTS.name: raw}
    groups: dict[tuple[str, int, str], list[Fact]] = defaultdict(list)
    for fact in facts:
        groups[fact.topic, fact.version, fact.source].append(fact)
    reasons: dict[int, str] = {}
    for group in groups.values():
        admitted, payloads = _parsed(group, reasons)
        if payloads:
            table, columns = _silver(admitted, payloads)
            _extend(found.setdefault(table.name, {}), columns)
    if reasons:
        found[REJECTED.name] = _rejected(facts, raw, reasons)
    return found


def topics_of(table: Table) -> list[str]:
    """Return the topics whose facts are rows of a silver table."""
    of_lines = [OrderPlaced.topic] if table is ORDER_LINES else []
    return of_lines + [kind.topic for kind, each in TABLE_OF.items() if each is table]


def rows_in(columns: Columns) -> int:
    """Return how many rows columns have."""
    return len(columns["sequence"])


def after(columns: Columns, sequence: int) -> Columns:
    """Return the rows of facts with larger numbers."""
    numbers = columns["sequence"]
    if not numbers or min(numbers) > sequence:
        return columns
    new = [at for at, number in enumerate(numbers) if number > sequence]
    return {name: [values[at] for at in new] for name, values in columns.items()}


def _parsed(facts: list[Fact], reasons: dict[int, str]) -> tuple[list[Fact], Sequence[Payload]]:
    """Those of one topic and source that are admitted, with what they say."""
    try:
        return facts, parse_all(facts)
    except BadFact:
        pass
    admitted, payloads = [], []
    for fact in facts:
        try:
            payloads.append(parse(fact))
            admitted.append(fact)
        except BadFact as error:
            reasons[id(fact)] = error.reason
    return admitted, payloads


def _rejected(facts: Sequence[Fact], raw: Columns, reasons: Mapping[int, str]) -> Columns:
    at = [number for number, fact in enumerate(facts) if id(fact) in reasons]
    columns = {name: [values[number] for number in at] for name, values in raw.items()}
    return columns | {"reason": [reasons[id(facts[number])] for number in at]}


def _place(facts: Sequence[Fact]) -> Columns:
    at_ms = [fact.occurred_ms for fact in facts]
    if min(at_ms) < 0 or max(at_ms) >= AT_MS_MAX:
        # A time that no calendar has must not end the writer; the fact itself is rejected.
        at_ms = [
            fact.occurred_ms if 0 <= fact.occurred_ms < AT_MS_MAX else fact.arrived_ms
            for fact in facts
        ]
    numbers = [(ms + CHINA_MS) // DAY_MS for ms in at_ms]
    days = {number: day_of(number * DAY_MS - CHINA_MS) for number in set(numbers)}
    return {
        "source": [fact.source for fact in facts],
        "sequence": [fact.sequence for fact in facts],
        "occurred_at": at_ms,
        "day": [days[number] for number in numbers],
        "brand": [fact.brand for fact in facts],
        "estate": [fact.estate for fact in facts],
        "person": [fact.person for fact in facts],
        "trace": [fact.trace for fact in facts],
    }


def _silver(facts: Sequence[Fact], payloads: Sequence[Payload]) -> tuple[Table, Columns]:
    """The rows of facts of one topic."""
    kind = type(payloads[0])
    if kind is OrderPlaced:
        return ORDER_LINES, _lines(facts, payloads)
    table = TABLE_OF[kind]
    columns = _place(facts)
    for column in table.columns:
        if column.name in FACT_COLUMNS:
            continue
        names = FIELD_OF.get(column.name, (column.name,))
        name = next((each for each in names if each in kind.__struct_fields__), None)
        if name is not None:
            columns[column.name] = [getattr(payload, name) for payload in payloads]
        elif column.name == "kind":
            columns["kind"] = [kind.topic] * len(payloads)
        else:
            columns[column.name] = ["" if column.kind is Kind.TEXT else 0] * len(payloads)
    return table, columns


def _lines(facts: Sequence[Fact], placed: Sequence[Any]) -> Columns:
    """One row for each line of orders."""
    lines = [line for order in placed for line in order.lines]
    orders = [order for order in placed for _ in order.lines]
    totals = (accumulate((line.total_fen for line in order.lines), initial=0) for order in placed)
    return _place(
        [fact for fact, order in zip(facts, placed, strict=True) for _ in order.lines]
    ) | {
        "order_id": [order.order_id for order in orders],
        "line": [number for order in placed for number in range(len(order.lines))],
        "product_id": [line.product_id for line in lines],
        "units": [line.units for line in lines],
        "total_fen": [line.total_fen for line in lines],
        "before_fen": list(chain.from_iterable(list(each)[:-1] for each in totals)),
        "order_total_fen": [order.total_fen for order in orders],
        "room_id": [order.room_id for order in orders],
        "store_id": [order.store_id for order in orders],
        "group_id": [order.group_id for order in orders],
        "state": [order.state for order in orders],
        "refused": [order.refused for order in orders],
        "due_at": [order.due_at_ms for order in orders],
    }


def _extend(columns: Columns, more: Columns) -> None:
    for name, values in more.items():
        columns.setdefault(name, []).extend(values)
