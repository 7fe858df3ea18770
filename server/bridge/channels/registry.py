"""The features of channels: the one place where event types and reducers are registered.

A new feature is a module beside this one, a line in `FEATURES`, and, if its events add up to
something, a member of `RoomState`; then docs/protocol.md, web/src/lib/room/room-state.ts and
tests/vectors/room_reducer.json.
"""

from typing import Any, TypeAlias, Union

import msgspec

from rooms.events import Event
from rooms.messages import ChatLine, Counters
from rooms.state import State, WithChat
from server.bridge.channels.activities import NOTICE, POLL, QUESTIONS, Poll, Question
from server.bridge.channels.cabinets import CABINETS
from server.bridge.channels.cards import CARDS, Card
from server.bridge.channels.coupons import COUPONS, CouponRelease
from server.bridge.channels.draws import DRAW, Draw
from server.bridge.channels.feature import Feature, Reducer
from server.bridge.channels.flash import FLASH, Flash
from server.bridge.channels.groups import GROUPS, Group
from server.bridge.channels.live import LIVE, Live
from server.bridge.channels.moderation import MODERATION, ChatRules
from server.bridge.channels.next_room import NEXT_ROOM, NextRoom
from server.bridge.channels.orders import ORDERS
from server.bridge.channels.schedule import UPCOMING, Teaser
from server.bridge.channels.shelf import SHELF, Shelf
from server.bridge.channels.wall import WALL

FEATURES: tuple[Feature, ...] = (
    LIVE,
    CARDS,
    GROUPS,
    ORDERS,
    POLL,
    QUESTIONS,
    NOTICE,
    FLASH,
    COUPONS,
    UPCOMING,
    DRAW,
    MODERATION,
    SHELF,
    NEXT_ROOM,
    WALL,
    CABINETS,
)

ChannelEvent: Any = Union[tuple(kind for feature in FEATURES for kind in feature.events)]  # noqa: UP007 (of a tuple)
"""Every numbered event, as a type to decode."""
PrivateEvent: Any = Union[tuple(kind for feature in FEATURES for kind in feature.private)]  # noqa: UP007
"""Every private event, as a type to decode."""


class RoomState(State, WithChat, frozen=True):
    """The state of a room: cards newest pin first, groups and chat oldest first."""

    live: Live = Live()
    cards: tuple[Card, ...] = ()
    groups: tuple[Group, ...] = ()
    poll: Poll | None = None
    questions: tuple[Question, ...] = ()
    notice: str | None = None
    coupons: CouponRelease | None = None
    upcoming: tuple[Teaser, ...] = ()
    draw: Draw | None = None
    chat_rules: ChatRules = ChatRules()
    flash: Flash | None = None
    shelf: Shelf = Shelf()
    next_room: NextRoom | None = None
    counters: Counters = Counters()
    chat: tuple[ChatLine, ...] = ()

    @property
    def since_ms(self) -> int | None:
        """Likes and chat are those of the live."""
        return self.live.started_at_ms

    @property
    def removals(self) -> object:
        """Lines are removed by moderation."""
        return self.chat_rules if self.chat_rules.removes else None

    def keeps(self, line: ChatLine) -> bool:
        """See `WithChat.keeps`."""
        return self.chat_rules.keeps(line)


class StoreState(State, frozen=True):
    """Staff's channels have no state: board and wall are fetched over HTTP at every snapshot."""


ChannelState: TypeAlias = RoomState | StoreState


def is_staff(channel: str) -> bool:
    """Whether `channel` belongs to staff (store, leaders, head office) instead of viewers."""
    return channel.startswith(("store:", "estate:", "hq:"))


class Channels:
    """The `ChannelRules` of rooms and stores."""

    event_type = ChannelEvent
    private_type = PrivateEvent

    def __init__(self, features: tuple[Feature, ...] = FEATURES) -> None:
        self._reducers: dict[type[Event], tuple[str, Reducer]] = {
            kind: (feature.member, reducer)
            for feature in features
            for kind, reducer in feature.reducers.items()
        }

    def empty_state(self, channel: str) -> State:
        """See `ChannelRules.empty_state`."""
        return StoreState() if is_staff(channel) else RoomState()

    def apply(self, state: State, event: Event) -> State:
        """See `ChannelRules.apply`; a store's events change nothing."""
        known = self._reducers.get(type(event))
        if known is None or not isinstance(state, RoomState):
            return state
        member, reduce = known
        return msgspec.structs.replace(state, **{member: reduce(getattr(state, member), event)})


RULES = Channels()
