"""The port of what channels carry: their events, their states, and what one does to the other."""

from collections.abc import Iterable
from typing import Any, Protocol

import msgspec

from rooms.events import Event
from rooms.messages import ChatLine, Counters, Tick
from rooms.state import State, WithChat, kept_lines, lines_since, with_lines


class ChannelRules(Protocol):
    """Given to a hub, its log and its bus. Pure: the same arguments give the same state."""

    @property
    def event_type(self) -> Any:
        """The event, or the tagged union of events, that logs and buses decode."""
        ...

    @property
    def private_type(self) -> Any:
        """The same of private events."""
        ...

    def empty_state(self, channel: str) -> State:
        """Return the state of a channel in which nothing has happened; its type is kept."""
        ...

    def apply(self, state: State, event: Event) -> State:
        """Return the state after `event`; events it does not know change nothing.

        Counters and chat stay as they are.
        """
        ...


def apply(rules: ChannelRules, state: State, events: Iterable[Event]) -> State:
    """Return the state after `events`, in order; where something begins, likes and chat do too."""
    for event in events:
        after = rules.apply(state, event)
        if after is state:
            continue
        if isinstance(state, WithChat) and isinstance(after, WithChat):
            since_ms = after.since_ms
            if since_ms is not None and since_ms != state.since_ms:
                counters = Counters(after.counters.viewers)
                chat = lines_since(since_ms, after.chat)
                after = msgspec.structs.replace(after, counters=counters, chat=chat)
            if after.removals is not state.removals:
                after = msgspec.structs.replace(after, chat=kept_lines(after, after.chat))
        state = after
    return state


def apply_lossy(state: State, counters: Counters | None, chat: tuple[ChatLine, ...]) -> State:
    """Return the state after the lossy lane of a tick."""
    if not isinstance(state, WithChat):
        return state
    if counters is not None:
        state = msgspec.structs.replace(state, counters=counters)
    if chat:
        state = msgspec.structs.replace(state, chat=with_lines(state.chat, chat))
    return state


def apply_tick(rules: ChannelRules, state: State, tick: Tick) -> State:
    """Return the state after a tick: its events in order, then counters, then chat."""
    return apply_lossy(apply(rules, state, tick.events), tick.counters, tick.chat)
