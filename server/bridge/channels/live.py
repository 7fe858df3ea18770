"""The live of a room: where it stands."""

from typing import Literal, TypeAlias

import msgspec

from server.bridge.channels.feature import Feature, TimedEvent

LiveState: TypeAlias = Literal["scheduled", "live", "paused", "over"]


class Live(msgspec.Struct, frozen=True):
    """The wire form of the room's live: where it stands, and since when it is on air."""

    state: LiveState = "scheduled"
    started_at_ms: int | None = None


class LiveChanged(TimedEvent, frozen=True, kw_only=True, tag="live"):
    """The live started, paused, resumed or ended."""

    state: LiveState
    started_at_ms: int | None


def _changed(_: Live, event: LiveChanged) -> Live:
    return Live(event.state, event.started_at_ms)


LIVE = Feature(member="live", reducers={LiveChanged: _changed})
