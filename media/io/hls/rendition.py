"""One stream of parts as players ask for it: playlists, written once, and requests that wait."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic

from media.io.hls.waiters import Answer, Waiters
from media.packaging import playlist
from media.packaging.muxer import Beginning
from media.packaging.segmenter import Segmenter
from media.wire import fmp4


class Rendition:
    """What a segmenter has, for players. `id` is in its URLs, so that these never change."""

    def __init__(self, stream_id: str) -> None:
        self.id = stream_id
        self.segmenter = Segmenter(self._changed)
        # Called whenever the segmenter has something new; they read it there.
        self.followers: list[Callable[[], None]] = []
        # The others of the same live: players may change to them.
        self.siblings: Sequence[Rendition] = ()
        self._waiters = Waiters()
        self._texts: dict[bool, bytes] = {}

    @property
    def in_use(self) -> bool:
        """Whether a request waits, or somebody follows."""
        return bool(self._waiters or self.followers)

    async def wait_for(self, msn: int, part: int, timeout_s: float) -> bool:
        """Wait until the playlist has a part, or the source broke off; False: neither happened."""
        if self.has(msn, part):
            return True
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.call_when(msn, part, timeout_s, partial(_set_result, future))
        return await future

    def has(self, msn: int, part: int) -> bool:
        """Whether the playlist has come to a part, or nothing comes any more."""
        return self.segmenter.has(msn, part) or self.segmenter.ended

    def call_when(self, msn: int, part: int, timeout_s: float, answer: Answer) -> None:
        """As `wait_for`, of a part that is not there: a call in place of a task."""
        self._waiters.add(msn, part, monotonic() + timeout_s, answer)

    def tick(self, *, now: float) -> None:
        """Call about every 100 ms: answer those who have waited for too long."""
        self._waiters.expire(now=now)

    def text(self, *, skips: bool) -> bytes:
        """Return the media playlist of now; written once for all who ask."""
        text = self._texts.get(skips)
        if text is None:
            reports = [(other.id, other.segmenter) for other in self.siblings]
            text = playlist.media(self.segmenter, skips=skips, reports=reports).encode()
            self._texts[skips] = text
        return text

    def _changed(self) -> None:
        self._texts.clear()
        segmenter = self.segmenter
        answers_all = segmenter.interrupted or segmenter.ended
        self._waiters.settle(lambda msn, part: answers_all or segmenter.has(msn, part))
        for follow in list(self.followers):
            follow()


class AudioRendition(Rendition):
    """A `Muxer`: the sound alone, for lines that carry no video."""

    def begin(self, beginning: Beginning) -> None:
        """What comes is of these tracks."""
        sounds = [track for track in beginning.tracks if not isinstance(track, fmp4.Video)]
        if sounds:
            self.segmenter.begin(beginning._replace(tracks=sounds))

    def add_video(self, ticks: int, data: bytes, *, key: bool, composition: int = 0) -> None:
        """Leave it out."""

    def add_audio(self, ticks: int, data: bytes, duration: int) -> None:
        """Add a frame of sound."""
        if not self.segmenter.interrupted:
            self.segmenter.add_audio(ticks, data, duration)

    def interrupt(self) -> None:
        """The source broke off."""
        self.segmenter.interrupt()

    def end(self) -> None:
        """Nothing comes any more."""
        self.segmenter.end()


def _set_result(future: asyncio.Future[bool], came: bool) -> None:
    if not future.done():  # whoever waited may have given up
        future.set_result(came)
