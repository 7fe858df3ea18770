"""The audience of a live is in its summary however short the live is."""

from typing import cast

from commerce.io.shop.schedule.runs import LiveRuns
from commerce.lives.summary import LiveRun, noted, summary_of
from server.bridge.audience import WRITE_EVERY_S, AudienceNotes

BEGAN_MS = 1_700_000_000_000


class Runs:
    """The record of one live."""

    def __init__(self) -> None:
        self.run = LiveRun("demo", BEGAN_MS, None, 0, 0, ())
        self.writes = 0

    async def note_viewers(
        self, room_id: str, started_at_ms: int, viewers: int, viewer_s: int, *, at_ms: int
    ) -> None:
        """See `LiveRuns`."""
        assert (room_id, started_at_ms) == ("demo", BEGAN_MS)
        self.writes += 1
        self.run = noted(self.run, viewers, viewer_s, at_ms=at_ms)


class Evening:
    """A live of which a worker notes the audience, second by second."""

    def __init__(self) -> None:
        self.record = Runs()
        self.on_air = {"demo": BEGAN_MS}
        self.viewers = 0
        self.now_ms = BEGAN_MS
        self.notes = AudienceNotes(
            cast(LiveRuns, self.record),
            lambda: self.on_air,
            lambda channel: self.viewers,
            lambda: self.now_ms,
        )

    async def lasts(self, seconds: int, viewers: int) -> None:
        self.viewers = viewers
        for _ in range(seconds):
            await self.notes.look()
            self.now_ms += 1_000


async def test_a_live_of_a_few_seconds_has_an_audience() -> None:
    evening = Evening()
    await evening.lasts(3, 2)
    await evening.lasts(1, 7)
    assert evening.record.writes == 0
    evening.on_air = {}
    await evening.lasts(5, 9)
    assert evening.record.writes == 1
    summary = summary_of(evening.record.run, [], [], now_ms=BEGAN_MS + 4_000)
    assert (summary.viewers_max, summary.viewers_average) == (7, round(13 / 4))


async def test_a_long_live_is_written_now_and_then() -> None:
    evening = Evening()
    await evening.lasts(6 * WRITE_EVERY_S, 3)
    assert evening.record.writes == 6
    assert evening.record.run.viewer_s == 6 * WRITE_EVERY_S * 3
    assert evening.record.run.viewers_by_minute == (3,)
