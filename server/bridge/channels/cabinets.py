"""Cold cabinets of a store, for its staff."""

from typing import Literal

from rooms.events import Event
from server.bridge.channels.feature import Feature

CabinetAlarm = Literal["no_power", "too_warm", "too_cold", "door_open"]
"""Why a cabinet needs somebody at once."""


class CabinetChanged(Event, frozen=True, kw_only=True, tag="cabinet"):
    """A cabinet's alarm began, changed or is over (null); store channels only."""

    id: str
    name: str
    alarm: CabinetAlarm | None
    since_ms: int | None
    celsius_tenths: int | None


CABINETS = Feature(stateless=(CabinetChanged,))
