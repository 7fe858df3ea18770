"""Notes in the record how many watch the lives of this worker, for their summaries."""

import asyncio
from collections.abc import Callable, Mapping

import structlog
from sqlalchemy.exc import SQLAlchemyError

from commerce.io.record.shutdown import end_if_stopping
from commerce.io.shop.schedule.runs import LiveRuns

EVERY_S = 10

log = structlog.get_logger()


class AudienceNotes:
    """Looks at the audience of the lives on air every `EVERY_S`."""

    def __init__(
        self,
        runs: LiveRuns,
        on_air: Callable[[], Mapping[str, int]],
        viewers: Callable[[str], int],
    ) -> None:
        """`on_air` gives rooms and when their lives began, `viewers` how many a channel has."""
        self._runs = runs
        self._on_air = on_air
        self._viewers = viewers

    async def run(self) -> None:
        """Note what there is, until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            end_if_stopping()
            await self.note()

    async def note(self) -> None:
        """Note the audience of each live now; what the record does not take is left out."""
        for room_id, started_at_ms in self._on_air().items():
            viewers = self._viewers(f"room:{room_id}")
            try:
                await self._runs.note_viewers(room_id, started_at_ms, viewers, EVERY_S)
            except SQLAlchemyError as error:
                log.warning("audience not noted", room=room_id, error=type(error).__name__)
