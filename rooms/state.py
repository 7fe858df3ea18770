"""The reducer: what a channel's events and ticks add up to; browsers run the same rules.

tests/vectors/room_reducer.json holds examples that Python and TypeScript both pass.
"""

from typing import TypeAlias

import msgspec

from rooms.events import (
    GROUP_STATES_ENDED,
    Card,
    CardPinned,
    CardUnpinned,
    ChannelEvent,
    Group,
    GroupChanged,
    LiveChanged,
    LiveState,
    StockChanged,
)
from rooms.messages import ChatLine, Counters, Tick

CARDS_MAX = 20
GROUPS_MAX = 200
CHAT_LINES_MAX = 50


class Live(msgspec.Struct, frozen=True):
    """The wire form of the room's live: where it stands, and since when it is on air."""

    state: LiveState = "scheduled"
    started_at_ms: int | None = None


class RoomState(msgspec.Struct, frozen=True):
    """The state of a room: cards newest pin first, groups and chat oldest first."""

    live: Live = Live()
    cards: tuple[Card, ...] = ()
    groups: tuple[Group, ...] = ()
    counters: Counters = Counters()
    chat: tuple[ChatLine, ...] = ()


class StoreState(msgspec.Struct, frozen=True):
    """A store's channel has no state: its board is fetched over HTTP at every snapshot."""


State: TypeAlias = RoomState | StoreState


class Snapshot(msgspec.Struct, frozen=True, tag_field="t", tag="snapshot"):
    """Replaces the whole state of a channel."""

    epoch: str
    offset: int
    state: State


def is_store(channel: str) -> bool:
    """Whether `channel` belongs to a store's staff instead of a room's viewers."""
    return channel.startswith("store:")


def empty_state(channel: str) -> State:
    """Return the state of a channel in which nothing has happened."""
    return StoreState() if is_store(channel) else RoomState()


def apply(state: State, event: ChannelEvent) -> State:
    """Return the state after one numbered event; other kinds change nothing."""
    if isinstance(state, StoreState):
        return state
    replace = msgspec.structs.replace
    match event:
        case LiveChanged():
            return _on_live(state, Live(event.state, event.started_at_ms))
        case CardPinned():
            cards = (event.card, *_without(state.cards, event.card.product.id))
            return replace(state, cards=cards[:CARDS_MAX])
        case CardUnpinned():
            return replace(state, cards=_without(state.cards, event.product_id))
        case StockChanged():
            return replace(state, cards=_restocked(state.cards, event))
        case GroupChanged():
            return replace(state, groups=_regrouped(state.groups, event.group))
        case _:
            return state


def apply_tick(state: State, tick: Tick) -> State:
    """Return the state after a tick: its events in order, then counters, then chat."""
    for event in tick.events:
        state = apply(state, event)
    if isinstance(state, StoreState):
        return state
    if tick.counters is not None:
        state = msgspec.structs.replace(state, counters=tick.counters)
    if tick.chat:
        state = msgspec.structs.replace(state, chat=with_lines(state.chat, tick.chat))
    return state


def with_lines(chat: tuple[ChatLine, ...], lines: tuple[ChatLine, ...]) -> tuple[ChatLine, ...]:
    """Return the chat with `lines` behind it, each id once, the newest `CHAT_LINES_MAX` of all."""
    known = {line.id for line in chat}
    return (*chat, *(line for line in lines if line.id not in known))[-CHAT_LINES_MAX:]


def chat_of(live: Live, chat: tuple[ChatLine, ...]) -> tuple[ChatLine, ...]:
    """Return the lines that were said since `live` began; all of them before the first one."""
    since_ms = live.started_at_ms or 0
    return tuple(line for line in chat if line.at_ms >= since_ms)


def _on_live(state: RoomState, live: Live) -> RoomState:
    """Take where the live stands; a new one begins with no likes and its own chat."""
    replace = msgspec.structs.replace
    if live.started_at_ms in (None, state.live.started_at_ms):
        return replace(state, live=live)
    counters = replace(state.counters, likes=0)
    return replace(state, live=live, counters=counters, chat=chat_of(live, state.chat))


def _without(cards: tuple[Card, ...], product_id: str) -> tuple[Card, ...]:
    return tuple(card for card in cards if card.product.id != product_id)


def _restocked(cards: tuple[Card, ...], event: StockChanged) -> tuple[Card, ...]:
    replace = msgspec.structs.replace
    return tuple(
        replace(card, product=replace(card.product, left=event.left, stores=event.stores))
        if card.product.id == event.product_id
        else card
        for card in cards
    )


def _regrouped(groups: tuple[Group, ...], group: Group) -> tuple[Group, ...]:
    if any(other.id == group.id for other in groups):
        return tuple(group if other.id == group.id else other for other in groups)
    if len(groups) >= GROUPS_MAX:
        # The first that has ended is dropped, or else the very first.
        ended = (at for at, other in enumerate(groups) if other.state in GROUP_STATES_ENDED)
        gone = next(ended, 0)
        groups = groups[:gone] + groups[gone + 1 :]
    return (*groups, group)
