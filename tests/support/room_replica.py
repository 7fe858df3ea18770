"""A viewer's copy of a room, kept by docs/protocol.md, that finds every gap and repetition."""

from typing import Any

import msgspec

from rooms.log import Position
from rooms.messages import Tick
from rooms.rules import apply_tick
from rooms.state import State
from server.bridge.channels.registry import RULES, ChannelEvent, RoomState


class Replica:
    """Feed it every message of one connection, decoded."""

    def __init__(self) -> None:
        self.position: Position | None = None
        self.state: State = RoomState()
        self.snapshots = 0
        self.events: list[dict[str, Any]] = []

    def receive(self, message: dict[str, Any]) -> None:
        """Apply a message; a gap or repetition is an error, for the server sends none."""
        if message["t"] == "snapshot":
            self.position = Position(message["epoch"], message["offset"])
            self.state = msgspec.convert(message["state"], RoomState)
            self.snapshots += 1
        elif message["t"] == "tick":
            assert self.position is not None, "a tick before the snapshot"
            tick = tick_of(message)
            numbers = [event.o for event in tick.events]
            end = self.position.offset + len(numbers)
            assert tick.epoch == self.position.epoch, "another epoch without a snapshot"
            assert numbers == list(range(self.position.offset + 1, end + 1)), "a gap or repetition"
            assert tick.offset == end, "an offset without its events"
            if isinstance(self.state, RoomState):
                known = {line.id for line in self.state.chat}
                assert not any(line.id in known for line in tick.chat), "a line twice"
            self.state = apply_tick(RULES, self.state, tick)
            self.position = Position(tick.epoch, end)
            self.events += message.get("events", [])


def tick_of(message: dict[str, Any]) -> Tick:
    """Return a tick as a client of rooms and stores reads it."""
    events = msgspec.convert(message.get("events", ()), tuple[ChannelEvent, ...])
    tick = msgspec.convert({**message, "events": ()}, Tick)
    return msgspec.structs.replace(tick, events=events)
