"""The room to which a host leads the audience at the end."""

import msgspec

from rooms.events import Event
from server.bridge.channels.feature import Feature
from server.bridge.channels.texts import LocalText


class NextRoom(msgspec.Struct, frozen=True):
    """A live of the same brand; after `until_ms` nobody is led there any more."""

    room_id: str
    title: LocalText
    store: LocalText
    until_ms: int


class NextRoomChanged(Event, frozen=True, kw_only=True, tag="next_room"):
    """The host leads the audience to another room; null: no longer."""

    next_room: NextRoom | None


NEXT_ROOM = Feature("next_room", {NextRoomChanged: lambda _, event: event.next_room})
