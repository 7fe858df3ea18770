"""Packaged media as an FLV stream without an end: pieces that are the same for all who watch.

Sound goes along with the video frame that comes next, so that a frame is one piece.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from media.packaging.muxer import GOP_BYTES_MAX, Beginning
from media.wire import flv_tags, fmp4
from media.wire.flv_tags import TagType

# Sound that waits for no longer for video.
AUDIO_ALONE_S = 0.2
# From the last media of one source to the first of the next: players stop at a gap.
SEAM_MS = 40


class FlvPiece(NamedTuple):
    """Whole tags. `key`: players can start with it, behind the stream's `start`."""

    data: bytes
    key: bool


class FlvMuxer:
    """A `Muxer`. Each piece goes to `on_piece`, in which nothing may be added."""

    def __init__(self, on_piece: Callable[[FlvPiece], None], on_end: Callable[[], None]) -> None:
        self._on_piece = on_piece
        self._on_end = on_end
        self._tracks: Sequence[fmp4.Track] = ()
        self._configurations = b""
        self._announce = False  # the next key frame carries new configurations
        self._begins = False  # the first unit since `begin` has yet to come
        self._offset_ms = 0  # of the timeline's 0 in this stream
        self._media_time: int | None = None  # there
        self._first_ms = 0  # since `begin`
        self._newest_ms = 0
        self._sound: list[bytes] = []
        self._sound_ticks = 0
        self._gop: list[bytes] = []
        self._gop_bytes = 0

    @property
    def configurations(self) -> bytes:
        """The tags that a player needs before a key frame; empty before the first `begin`."""
        return self._configurations

    @property
    def start(self) -> bytes:
        """What a player gets first: headers, and all since the newest key frame.

        Empty before the first `begin`.
        """
        if not self._tracks:
            return b""
        has_video = isinstance(self._tracks[0], fmp4.Video)
        has_audio = isinstance(self._tracks[-1], fmp4.Aac)
        header = flv_tags.file_header(has_video=has_video, has_audio=has_audio)
        return b"".join([header, self._configurations, *self._gop])

    @property
    def begun(self) -> bool:
        """Whether `start` ends where the next piece goes on."""
        return bool(self._gop)

    def media_time(self, timestamp_ms: int) -> int | None:
        """Return the RTP time (90 kHz, 32 bits) of the video at a time of this stream.

        None: it has none, or it was before the newest `begin`.
        """
        if self._media_time is None or self._begins or timestamp_ms < self._first_ms:
            return None
        return self._media_time + (timestamp_ms - self._offset_ms) * 90 & 0xFFFFFFFF

    # Muxer

    def begin(self, beginning: Beginning) -> None:
        """Go on with these tracks, right after what came before."""
        self._begins = True
        self._tracks, self._media_time = beginning.tracks, beginning.media_time
        tags = []
        for track in beginning.tracks:
            if isinstance(track, fmp4.Video):
                body = flv_tags.avc_configuration(track.record)
                tags.append(flv_tags.tag(TagType.VIDEO, self._newest_ms, body))
            else:
                body = flv_tags.aac_configuration(track.record)
                tags.append(flv_tags.tag(TagType.AUDIO, self._newest_ms, body))
        self._configurations, self._announce = b"".join(tags), True

    def add_video(self, ticks: int, data: bytes, *, key: bool, composition: int = 0) -> None:
        """Add an access unit; it ends a piece."""
        timescale = self._tracks[0].timescale
        at_ms = self._at_ms(ticks, timescale)
        composition_ms = self._at_ms(ticks + composition, timescale) - at_ms
        body = flv_tags.avc_unit(data, key=key, composition_ms=composition_ms)
        tag = flv_tags.tag(TagType.VIDEO, at_ms, body)
        self._newest_ms = max(self._newest_ms, at_ms)
        self._end_piece([tag], key=key)

    def add_audio(self, ticks: int, data: bytes, duration: int) -> None:
        """Add a frame of sound, which waits for video."""
        timescale = self._tracks[-1].timescale
        at_ms = self._at_ms(ticks, timescale)
        self._newest_ms = max(self._newest_ms, at_ms)
        self._sound.append(flv_tags.tag(TagType.AUDIO, at_ms, flv_tags.aac_frame(data)))
        self._sound_ticks += duration
        if self._sound_ticks >= AUDIO_ALONE_S * timescale:
            self._end_piece([], key=len(self._tracks) == 1)

    def interrupt(self) -> None:
        """The source broke off; who watches waits."""
        self._sound, self._sound_ticks = [], 0
        self._gop, self._gop_bytes = [], 0

    def end(self) -> None:
        """The live is over."""
        self.interrupt()
        self._on_end()

    def _at_ms(self, ticks: int, timescale: int) -> int:
        place_ms = ticks * 1_000 // timescale
        if self._begins:
            self._begins = False
            self._first_ms = self._newest_ms + SEAM_MS
            self._offset_ms = self._first_ms - place_ms
        return self._offset_ms + place_ms

    def _end_piece(self, video: list[bytes], *, key: bool) -> None:
        data = b"".join([*self._sound, *video])
        self._sound, self._sound_ticks = [], 0
        if key:
            self._gop, self._gop_bytes = [], 0
        if key or self._gop:
            self._gop.append(data)
            self._gop_bytes += len(data)
        if self._gop_bytes > GOP_BYTES_MAX:
            self._gop, self._gop_bytes = [], 0
        if key and self._announce:
            data, self._announce = self._configurations + data, False
        self._on_piece(FlvPiece(data, key))
