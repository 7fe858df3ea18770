"""Viewers of one FLV stream get the same bytes; one that reads slowly skips to a key frame."""

from media.io.flv.stream import FlvStream
from media.packaging.muxer import Beginning, KeptGop, Muxer
from media.wire import fmp4, h264

VIDEO = fmp4.Video(640, 360, fmp4.avc_record(b"\x67\x42\xc0\x1e\xab", b"\x68\xce\x3c\x80"))
UNIT = h264.with_lengths([b"\x65 a slice"])
HZ, FRAME = 90_000, 3_600


class Packaged:
    """The packaged stream of a live, frame by frame."""

    def __init__(self) -> None:
        self.muxers: list[Muxer] = []
        self._gop = KeptGop()
        self._number = 0
        self._gop.begin(Beginning([VIDEO], 1_000.0))

    def attach(self, muxer: Muxer) -> None:
        self._gop.replay(muxer)
        self.muxers.append(muxer)

    def detach(self, muxer: Muxer) -> None:
        self.muxers.remove(muxer)

    def frame(self, *, key: bool = False) -> None:
        self._number += 1
        for muxer in (self._gop, *self.muxers):
            muxer.add_video(HZ + self._number * FRAME, UNIT, key=key)


class Viewer:
    """An outlet in memory."""

    def __init__(self) -> None:
        self.blocked = False
        self.opened = b""
        self.chunks: list[bytes] = []
        self.ends = 0

    def open(self, chunk: bytes) -> None:
        self.opened = chunk

    def write(self, chunk: bytes) -> None:
        self.chunks.append(chunk)

    def end(self) -> None:
        self.ends += 1


def test_a_newcomer_begins_with_the_kept_gop_and_shares_what_follows() -> None:
    packaged, first, second = Packaged(), Viewer(), Viewer()
    packaged.frame(key=True)
    packaged.frame()
    stream = FlvStream(packaged)
    stream.add(first)
    packaged.frame()
    stream.add(second)
    packaged.frame()
    size, _, body = first.opened.partition(b"\r\n")
    assert int(size, 16) == len(body) - 2 and body.startswith(b"FLV") and body.endswith(b"\r\n")
    assert len(second.opened) > len(first.opened)
    assert first.chunks[-1] is second.chunks[-1], "made once for all"


def test_before_the_first_key_frame_nothing_is_sent() -> None:
    packaged, viewer = Packaged(), Viewer()
    stream = FlvStream(packaged)
    stream.add(viewer)
    packaged.frame()
    assert not viewer.opened and not viewer.chunks
    packaged.frame(key=True)
    assert viewer.opened and not viewer.chunks


def test_a_slow_viewer_goes_on_with_a_key_frame_and_holds_up_nobody() -> None:
    packaged, slow, other = Packaged(), Viewer(), Viewer()
    packaged.frame(key=True)
    stream = FlvStream(packaged)
    stream.add(slow)
    stream.add(other)
    slow.blocked = True
    for key in (False, True, False):
        packaged.frame(key=key)
    slow.blocked = False
    packaged.frame()
    assert not slow.chunks and len(other.chunks) == 4, "not in the middle of a GOP"
    packaged.frame(key=True)
    assert slow.chunks[-1] is other.chunks[-1]
    assert b"\x17\x00" in slow.chunks[0], "behind the configurations, which it may have missed"
    assert stream.skips == 1


def test_the_end_of_the_live_or_of_the_stream_ends_every_answer() -> None:
    packaged, viewer, gone = Packaged(), Viewer(), Viewer()
    stream = FlvStream(packaged)
    stream.add(viewer)
    stream.add(gone)
    stream.remove(gone)
    packaged.muxers[0].end()
    stream.close()
    assert (viewer.ends, gone.ends, len(stream), packaged.muxers) == (1, 0, 0, [])
