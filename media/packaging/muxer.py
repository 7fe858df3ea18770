"""What takes the packaged media of a live, and the GOP that those start with who come later.

Times are ticks of each track's timescale on one timeline, which begins anew with every `begin`.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from media.wire import fmp4

# Of the GOP that is kept: ten seconds at 6 Mbit/s.
GOP_BYTES_MAX = 8 << 20


class Beginning(NamedTuple):
    """What a timeline begins with."""

    tracks: Sequence[fmp4.Track]
    program_s: float  # wall clock at 0 of the timeline
    media_time: int | None = None  # RTP time of the video at 0 of the timeline
    rid: str = ""  # of the layer


class Muxer(Protocol):
    """A container. `begin` first, and again after each `interrupt`."""

    def begin(self, beginning: Beginning) -> None:
        """What comes is of these tracks."""

    def add_video(self, ticks: int, data: bytes, *, key: bool, composition: int = 0) -> None:
        """Add an access unit of the first track, which is shown `composition` later."""

    def add_audio(self, ticks: int, data: bytes, duration: int) -> None:
        """Add a frame of the last track, which follows the one before without a gap."""

    def interrupt(self) -> None:
        """The source broke off; idempotent."""

    def end(self) -> None:
        """Nothing comes any more; idempotent."""


class _Unit(NamedTuple):
    is_video: bool
    ticks: int
    data: bytes
    key: bool
    composition_or_duration: int


class KeptGop:
    """A `Muxer` that keeps what came since the newest key frame, for another one to start with."""

    def __init__(self) -> None:
        self._beginning: Beginning | None = None
        self._units: list[_Unit] = []
        self._bytes = 0

    def begin(self, beginning: Beginning) -> None:
        """See `Muxer`."""
        self._beginning = beginning

    def add_video(self, ticks: int, data: bytes, *, key: bool, composition: int = 0) -> None:
        """See `Muxer`."""
        if key:
            self._clear()
        self._keep(_Unit(True, ticks, data, key, composition))

    def add_audio(self, ticks: int, data: bytes, duration: int) -> None:
        """See `Muxer`."""
        if self._units:
            self._keep(_Unit(False, ticks, data, False, duration))

    def interrupt(self) -> None:
        """See `Muxer`."""
        self._clear()
        self._beginning = None

    def end(self) -> None:
        """See `Muxer`."""
        self.interrupt()

    def replay(self, muxer: Muxer) -> None:
        """Bring another one to where this one is."""
        if self._beginning is None:
            return
        muxer.begin(self._beginning)
        for is_video, ticks, data, key, other in self._units:
            if is_video:
                muxer.add_video(ticks, data, key=key, composition=other)
            else:
                muxer.add_audio(ticks, data, other)

    def _keep(self, unit: _Unit) -> None:
        if not self._units and not unit.key:
            return
        self._units.append(unit)
        self._bytes += len(unit.data)
        if self._bytes > GOP_BYTES_MAX:
            self._clear()

    def _clear(self) -> None:
        self._units, self._bytes = [], 0
