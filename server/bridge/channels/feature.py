"""A feature of a channel, as the registry takes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rooms.events import Event, PrivateEvent


class TimedEvent(Event, frozen=True, kw_only=True):
    """Base of events that belong to a moment of the live.

    `media_time` is the RTP time (90 kHz, 32 bits) of the frame that was the newest when it
    happened: players show it with that frame.
    """

    media_time: int | None = None


Reducer = Callable[[Any, Any], Any]
"""(value, event) → the value after the event."""


@dataclass(frozen=True, slots=True)
class Feature:
    """What one feature adds to channels.

    `member` names the member of `RoomState` that its events change, each through its reducer;
    `stateless` events leave no trace in the state, and `private` ones are for one user.
    """

    member: str = ""
    reducers: Mapping[type[Event], Reducer] = field(default_factory=dict)
    stateless: tuple[type[Event], ...] = ()
    private: tuple[type[PrivateEvent], ...] = ()

    @property
    def events(self) -> tuple[type[Event], ...]:
        """All its numbered events."""
        return (*self.reducers, *self.stateless)
