"""The vocabulary of facts: what the lake ingests, topic by topic, each with its version.

A fact is what happened once, somewhere, at a time; it never changes. Money is integer fen, times
are UTC milliseconds, an id that does not apply is an empty string. `source` and `sequence` name a
fact: within a source, numbers grow, and one number is one fact however often it arrives.

docs/facts.md is generated from this module:

    python -m insight.facts > docs/facts.md

A field is added with a default; anything else is a new version beside the old one.
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from types import GenericAlias, MappingProxyType, NoneType, UnionType
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from insight.errors import BadFact

ID_CHARS_MAX = 130
LINES_MAX = 100

Id = Annotated[str, Meta(max_length=ID_CHARS_MAX)]
Word = Annotated[str, Meta(max_length=32)]
Units = Annotated[int, Meta(ge=0, lt=1 << 53)]
Fen = Annotated[int, Meta(ge=0, lt=1 << 53)]
AtMs = Annotated[int, Meta(ge=0, lt=1 << 53)]
Milliseconds = Annotated[int, Meta(ge=0, lt=1 << 53)]


class Payload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """What a fact of one topic and version says."""

    topic: ClassVar[str]
    version: ClassVar[int] = 1


class Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A line of an order."""

    product_id: Id
    units: Units
    total_fen: Fen


class OrderPlaced(Payload, frozen=True, kw_only=True, gc=False):
    """An order came into the record; one that the ledger refused says why."""

    topic: ClassVar[str] = "order.placed"
    order_id: Id
    room_id: Id
    store_id: Id
    group_id: Id
    state: Word
    refused: Word
    total_fen: Fen
    due_at_ms: AtMs | None
    lines: Annotated[tuple[Line, ...], Meta(min_length=1, max_length=LINES_MAX)]


class OrderMoved(Payload, frozen=True, kw_only=True, gc=False):
    """An order changed its state: picked, packed, ready, handed over, cancelled."""

    topic: ClassVar[str] = "order.moved"
    order_id: Id
    order_version: Units
    from_state: Word
    to_state: Word
    due_at_ms: AtMs | None


class MoneyMoved(Payload, frozen=True, kw_only=True, gc=False):
    """A payment arrived (`charge`), went back (`refund`), or was earned by a hand-over (`earn`)."""

    topic: ClassVar[str] = "money.moved"
    order_id: Id
    kind: Word
    amount_fen: Fen


class StockMoved(Payload, frozen=True, kw_only=True, gc=False):
    """Units of a product in a store were received, sold, released or handed over."""

    topic: ClassVar[str] = "stock.moved"
    product_id: Id
    store_id: Id
    kind: Word
    units: Units


class LotMoved(Payload, frozen=True, kw_only=True, gc=False):
    """Units of a lot moved otherwise than by an order: deliveries, waste, tills, transfers."""

    topic: ClassVar[str] = "lot.moved"
    product_id: Id
    lot_id: Annotated[str, Meta(max_length=200)]
    from_id: Id
    to_id: Id
    kind: Word
    units: Units


class GroupChanged(Payload, frozen=True, kw_only=True, gc=False):
    """A group buy opened, grew or ended; this is how it stands since."""

    topic: ClassVar[str] = "group.changed"
    group_id: Id
    product_id: Id
    state: Word
    joined: Units
    target: Units
    price_fen: Fen
    ends_at_ms: AtMs


class RatingChanged(Payload, frozen=True, kw_only=True, gc=False):
    """A part of an order was rated, rated anew, hidden or shown; this is how it stands since.

    `tags` are joined by spaces; what was written is in no fact.
    """

    topic: ClassVar[str] = "rating.changed"
    order_id: Id
    line: Units
    part: Units
    product_id: Id
    stars: Annotated[int, Meta(ge=1, le=5)]
    tags: Annotated[str, Meta(max_length=200)]
    hidden: bool


class CardSeen(Payload, frozen=True, kw_only=True, gc=False):
    """A product card was on the screen of a page."""

    topic: ClassVar[str] = "card.seen"
    room_id: Id
    product_id: Id


class CardOpened(Payload, frozen=True, kw_only=True, gc=False):
    """Somebody opened a product card; `dwell_ms` is how long they stayed on it."""

    topic: ClassVar[str] = "card.opened"
    room_id: Id
    product_id: Id
    dwell_ms: Milliseconds


class BagAdded(Payload, frozen=True, kw_only=True, gc=False):
    """Somebody put units of a product into the bag."""

    topic: ClassVar[str] = "bag.added"
    room_id: Id
    product_id: Id
    units: Units


class Watched(Payload, frozen=True, kw_only=True, gc=False):
    """A page played a live for so long since it said so last."""

    topic: ClassVar[str] = "live.watched"
    room_id: Id
    watched_ms: Milliseconds


class CabinetRead(Payload, frozen=True, kw_only=True, gc=False):
    """A cold cabinet's sensor was read: tenths of a degree Celsius, door, power."""

    topic: ClassVar[str] = "cabinet.read"
    cabinet_id: Id
    store_id: Id
    celsius_tenths: Annotated[int, Meta(ge=-1_000, le=1_000)]
    door_open: bool
    powered: bool


class ChatOrdered(Payload, frozen=True, kw_only=True, gc=False):
    """A neighbour wrote an order into a community's chat, such as “草莓2份”; not its words."""

    topic: ClassVar[str] = "chat.ordered"
    chat_id: Id
    product_id: Id
    units: Units


class ChatAsked(Payload, frozen=True, kw_only=True, gc=False):
    """A neighbour asked something there: about price, time, stock, quality or other."""

    topic: ClassVar[str] = "chat.asked"
    chat_id: Id
    product_id: Id
    about: Word


class LiveAsked(Payload, frozen=True, kw_only=True, gc=False):
    """A viewer asked something in a live's chat: about price, time, stock, quality or other."""

    topic: ClassVar[str] = "live.asked"
    room_id: Id
    product_id: Id
    about: Word


class LiveChatted(Payload, frozen=True, kw_only=True, gc=False):
    """A viewer wrote another line there: about an order, a product, or other; not its words."""

    topic: ClassVar[str] = "live.chatted"
    room_id: Id
    product_id: Id
    about: Word


TOPICS: tuple[type[Payload], ...] = (
    OrderPlaced,
    OrderMoved,
    MoneyMoved,
    StockMoved,
    LotMoved,
    GroupChanged,
    RatingChanged,
    CardSeen,
    CardOpened,
    BagAdded,
    Watched,
    CabinetRead,
    ChatOrdered,
    ChatAsked,
    LiveAsked,
    LiveChatted,
)
PAGES = "pages"
PAGE_TOPICS = frozenset(kind.topic for kind in (CardSeen, CardOpened, BagAdded, Watched))
"""What pages of viewers may send; everything else comes from the record or from devices."""
CHATS = "chats"
CHAT_TOPICS = frozenset(kind.topic for kind in (ChatOrdered, ChatAsked))
LIVES = "lives"
LIVE_TOPICS = frozenset(kind.topic for kind in (LiveAsked, LiveChatted))
OF_SOURCE: Mapping[str, frozenset[str]] = MappingProxyType(
    {PAGES: PAGE_TOPICS, CHATS: CHAT_TOPICS, LIVES: LIVE_TOPICS}
)
"""The topics of sources that anybody can write to; the record's own are not restricted."""

BY_NAME: Mapping[tuple[str, int], type[Payload]] = MappingProxyType(
    {(each.topic, each.version): each for each in TOPICS}
)


class Fact(msgspec.Struct, frozen=True, gc=False):
    """One fact on its way into the lake; `person` is a pseudonym, `payload` that of its topic."""

    source: str
    sequence: int
    topic: str
    version: int
    occurred_ms: int
    arrived_ms: int
    brand: str
    estate: str
    person: str
    trace: str
    payload: Mapping[str, Any]


class SpooledFact(msgspec.Struct, frozen=True, array_like=True):
    """A fact of a page or device, as it waits for the lake's writer."""

    topic: str
    version: int
    occurred_ms: int
    arrived_ms: int
    brand: str
    estate: str
    payload: dict[str, Any]


def parse(fact: Fact) -> Payload:
    """Return what a fact says.

    Raises:
        BadFact: Its topic, version or a field of it is not in the vocabulary.
    """
    kind = _kind_of((fact,))
    try:
        return msgspec.convert(fact.payload, kind)
    except msgspec.ValidationError as error:
        raise BadFact(str(error)) from None


def parse_all(facts: Sequence[Fact]) -> Sequence[Payload]:
    """Return what facts of one topic, version and source say; much faster than one by one.

    Raises:
        BadFact: One of them is not in the vocabulary; `parse` finds out which.
    """
    kind = _kind_of(facts)
    try:
        found: list[Payload] = msgspec.convert(
            [fact.payload for fact in facts], type=GenericAlias(list, (kind,))
        )
    except msgspec.ValidationError as error:
        raise BadFact(str(error)) from None
    return found


def _kind_of(facts: Sequence[Fact]) -> type[Payload]:
    first = facts[0]
    kind = BY_NAME.get((first.topic, first.version))
    if kind is None:
        raise BadFact(f"no topic {first.topic!r} of version {first.version}")
    if first.topic not in OF_SOURCE.get(first.source, (first.topic,)):
        raise BadFact(f"topic {first.topic!r} does not come from {first.source}")
    if not all(0 <= fact.occurred_ms < 1 << 53 for fact in facts):
        raise BadFact("occurred_ms out of range")
    return kind


def markdown() -> str:
    """Return docs/facts.md."""
    return "\n".join([_HEADER, *(line for kind in TOPICS for line in _section(kind))])


_HEADER = """\
# Facts

What the lake ingests. Generated from `insight/facts.py`; do not edit, run

    python -m insight.facts > docs/facts.md

Every fact has, beside what its topic says:

| field | meaning |
| --- | --- |
| `source`, `sequence` | where it comes from, and its number there; both together count once |
| `topic`, `version` | what it is about, one of those below |
| `occurred_at` | when it happened, UTC |
| `arrived_at` | when the server had it, UTC |
| `brand`, `estate` | whose it is; empty where the topic has none, then the order's |
| `person` | a pseudonym of the household or guest; its key is destroyed when they are erased |
| `trace` | the id that joins all facts of one order, group or delivery |

Sources: `record` (orders, money, stock, groups, ratings and cabinets, written in the transaction
that they are about), `pages` (pages of viewers, through `POST /api/facts`), `chats` (communities'
chats), `lives` (what lives' chats are about). Words of chats and their writers are in no fact.
Money is integer fen, times are UTC milliseconds, an id that does not apply is empty. A fact that
the vocabulary does not admit is kept in the table `rejected` with the reason.
"""


def _section(kind: type[Payload]) -> Iterator[str]:
    yield f"## {kind.topic}, version {kind.version}"
    yield ""
    yield " ".join(inspect.cleandoc(kind.__doc__ or "").split())
    yield ""
    yield "| field | type |"
    yield "| --- | --- |"
    yield from _rows(kind)
    yield ""


def _rows(kind: Any, prefix: str = "") -> Iterator[str]:
    hints = get_type_hints(kind, include_extras=True)
    for field in msgspec.structs.fields(kind):
        hint = hints[field.name]
        yield f"| `{prefix}{field.name}` | {_word(hint)} |"
        item = _item(hint)
        if item is not None:
            yield from _rows(item, f"{prefix}{field.name}[].")


def _item(hint: Any) -> Any:
    plain = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    return get_args(plain)[0] if get_origin(plain) is tuple else None


def _word(hint: Any) -> str:
    if get_origin(hint) is Annotated:
        return _word(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(_word(each) for each in get_args(hint))
    if get_origin(hint) is tuple:
        return "list"
    return {str: "string", int: "integer", bool: "boolean", NoneType: "null"}[hint]


if __name__ == "__main__":
    print(markdown(), end="")
