"""Messages of the room engine to viewers: ticks, private events, and the lossy lane."""

import msgspec

from rooms.events import Event, PrivateEvent


class Sender(msgspec.Struct, frozen=True):
    """Who wrote a line: `role` is guest, host, moderator or store."""

    id: str
    nickname: str
    role: str


class ChatLine(msgspec.Struct, frozen=True):
    """One line of chat; ids are unique in the room."""

    id: str
    sender: Sender = msgspec.field(name="from")
    text: str
    at_ms: int


class Counters(msgspec.Struct, frozen=True):
    """Absolute values: viewers now, likes since the live began."""

    viewers: int = 0
    likes: int = 0


class Purchase(msgspec.Struct, frozen=True):
    """A household joined a group or placed an order: `kind` is group or order.

    `name` is the masked name, "" of one that has none; `others` is how many more purchases there
    were in the room since the one that was shown before.
    """

    kind: str
    name: str
    product_id: str
    others: int = 0


class Tick(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="t", tag="tick"
):
    """The changes of a channel since the last tick; `offset` is that of its last event."""

    epoch: str
    offset: int
    events: tuple[Event, ...] = ()
    chat: tuple[ChatLine, ...] = ()
    counters: Counters | None = None
    joins: tuple[str, ...] = ()
    purchase: Purchase | None = None


class You(msgspec.Struct, frozen=True, tag_field="t", tag="you"):
    """A private event of this user."""

    event: PrivateEvent
