"""Cold cabinets: what their readings do to the record."""

from typing import Annotated

import msgspec
from msgspec import Meta

from commerce.io.record.engine import wall_clock
from commerce.io.shop.stock.cabinets import Cabinets, Taken
from commerce.supply.cabinets import TENTHS_MAX, Reading

READINGS_MAX = 500
AGE_MS_MAX = 7 * 86_400_000

Milliseconds = Annotated[int, Meta(ge=0, lt=1 << 47)]


class SentReading(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reading; `number` grows with each, `at_ms` is the cabinet's clock."""

    number: Annotated[int, Meta(ge=1, lt=1 << 47)]
    at_ms: Milliseconds
    celsius_tenths: Annotated[int, Meta(ge=-TENTHS_MAX, le=TENTHS_MAX)]
    door_open: bool = False
    powered: bool = True


class SentReadings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message of a cabinet; `sent_at_ms` is its clock."""

    key: str
    sent_at_ms: Milliseconds
    readings: Annotated[list[SentReading], Meta(min_length=1, max_length=READINGS_MAX)]


class CabinetDesk:
    """Takes readings, whichever way they came."""

    def __init__(self, cabinets: Cabinets) -> None:
        self._cabinets = cabinets

    async def take(self, sent: SentReadings) -> Taken | None:
        """Take readings; None: unknown key."""
        now_ms = wall_clock()
        readings = [
            Reading(
                one.number,
                # The cabinet's clock may be wrong; how long ago something was is not.
                now_ms - min(max(0, sent.sent_at_ms - one.at_ms), AGE_MS_MAX),
                one.celsius_tenths,
                one.door_open,
                one.powered,
            )
            for one in sent.readings
        ]
        return await self._cabinets.read(sent.key, readings)
