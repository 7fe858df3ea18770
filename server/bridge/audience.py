"""Notes in the record how many watch the lives of this worker, for their summaries."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import SQLAlchemyError

from commerce.io.record.engine import wall_clock
from commerce.io.record.shutdown import end_if_stopping
from commerce.io.shop.schedule.runs import LiveRuns

LOOK_EVERY_S = 1
"""A look stands for so long; a live that is shorter than one may have no audience."""
WRITE_EVERY_S = 10

log = structlog.get_logger()


@dataclass(slots=True)
class _Seen:
    """What was seen of a live and is not written yet: `looked_at_ms` is the last look."""

    viewers_max: int = 0
    viewer_s: int = 0
    looked_s: int = 0
    looked_at_ms: int = 0


class AudienceNotes:
    """Looks at the audience of the lives on air, and writes it every `WRITE_EVERY_S`, or at once
    when one of them is over.
    """

    def __init__(
        self,
        runs: LiveRuns,
        on_air: Callable[[], Mapping[str, int]],
        viewers: Callable[[str], int],
        clock: Callable[[], int] = wall_clock,
    ) -> None:
        """`on_air` gives rooms and when their lives began, `viewers` how many a channel has."""
        self._runs = runs
        self._on_air = on_air
        self._viewers = viewers
        self._clock = clock
        self._seen: dict[tuple[str, int], _Seen] = {}

    async def run(self) -> None:
        """Look every `LOOK_EVERY_S`, until cancelled."""
        while True:
            end_if_stopping()
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Look at each live now, and write what is due; what cannot be written is left out."""
        on_air = set(self._on_air().items())
        for live in on_air:
            seen = self._seen.setdefault(live, _Seen())
            viewers = self._viewers(f"room:{live[0]}")
            seen.viewers_max = max(seen.viewers_max, viewers)
            seen.viewer_s += viewers * LOOK_EVERY_S
            seen.looked_s += LOOK_EVERY_S
            seen.looked_at_ms = self._clock()
        for live, seen in list(self._seen.items()):
            if live not in on_air or seen.looked_s >= WRITE_EVERY_S:
                del self._seen[live]
                await self._write(*live, seen)

    async def _write(self, room_id: str, started_at_ms: int, seen: _Seen) -> None:
        try:
            await self._runs.note_viewers(
                room_id,
                started_at_ms,
                seen.viewers_max,
                seen.viewer_s,
                at_ms=seen.looked_at_ms,
            )
        except SQLAlchemyError as error:
            log.warning("audience not noted", room=room_id, error=type(error).__name__)
