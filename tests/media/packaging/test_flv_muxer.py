"""FLV out of packaged media: tags that our own reader takes, times that only grow."""

from itertools import pairwise

from media.packaging.flv_muxer import FlvMuxer, FlvPiece
from media.packaging.muxer import GOP_BYTES_MAX, Beginning, KeptGop
from media.wire import flv, fmp4, h264
from media.wire.flv_tags import TagType

SPS, PPS = b"\x67\x42\xc0\x1e\xab", b"\x68\xce\x3c\x80"
VIDEO = fmp4.Video(640, 360, fmp4.avc_record(SPS, PPS))
SOUND = fmp4.Aac(48_000, 2, b"\x11\x90")
UNIT = h264.with_lengths([b"\x65 a slice"])
HZ, FRAME, SOUND_FRAME = 90_000, 3_600, 1_024

Tag = tuple[int, int, bytes]  # type, time, body


class Stream:
    """A muxer and all that it made."""

    def __init__(self) -> None:
        self.pieces: list[FlvPiece] = []
        self.ends = 0
        self.muxer = FlvMuxer(self.pieces.append, self._end)

    def _end(self) -> None:
        self.ends += 1

    def frame(self, number: int, *, key: bool = False, composition: int = 0) -> None:
        """Add a video frame and the sound of its 40 ms."""
        ticks = HZ + number * FRAME
        self.muxer.add_audio(ticks * 48_000 // HZ, b"sound", SOUND_FRAME)
        self.muxer.add_video(ticks, UNIT, key=key, composition=composition)


def tags(data: bytes) -> list[Tag]:
    """Read whole tags, as a player would."""
    out, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at + 1 : at + 4], "big")
        time = int.from_bytes(data[at + 4 : at + 7], "big") | data[at + 7] << 24
        body = data[at + 11 : at + 11 + size]
        assert len(body) == size and data[at + 8 : at + 11] == bytes(3)
        assert int.from_bytes(data[at + 11 + size : at + 15 + size], "big") == 11 + size
        out.append((data[at], time, body))
        at += 15 + size
    return out


def test_a_newcomer_gets_headers_and_all_since_the_newest_key_frame() -> None:
    stream = Stream()
    stream.muxer.begin(Beginning([VIDEO, SOUND], 1_000.0))
    for number in range(60):
        stream.frame(number, key=number in (0, 50))
    start = stream.muxer.start
    assert start[:13] == b"FLV\x01\x05\x00\x00\x00\x09" + bytes(4)
    video, sound, *media = tags(start[13:])
    config = flv.video(video[2])
    assert isinstance(config, flv.AvcConfig) and config.sps == (SPS,) and config.pps == (PPS,)
    assert flv.audio(sound[2]) == flv.AacConfig(48_000, 2, b"\x11\x90")
    units = [flv.video(body) for kind, _, body in media if kind == TagType.VIDEO]
    assert [unit.key for unit in units if isinstance(unit, flv.AvcUnit)] == [True] + [False] * 9
    assert start.endswith(stream.pieces[-1].data), "the next piece goes on there"


def test_a_frame_and_its_sound_are_one_piece() -> None:
    stream = Stream()
    stream.muxer.begin(Beginning([VIDEO, SOUND], 1_000.0))
    for number in range(3):
        stream.frame(number, key=number == 0)
    assert [piece.key for piece in stream.pieces] == [True, False, False]
    for piece in stream.pieces[1:]:
        (audio, audio_ms, sound), (video, video_ms, unit) = tags(piece.data)
        assert (audio, video) == (TagType.AUDIO, TagType.VIDEO) and audio_ms == video_ms
        assert flv.audio(sound) == flv.AacFrame(b"sound")
        assert flv.video(unit) == flv.AvcUnit(False, 0, (b"\x65 a slice",))


def test_composition_offsets_give_the_time_to_be_shown() -> None:
    stream = Stream()
    stream.muxer.begin(Beginning([VIDEO], 1_000.0))
    compositions = [7_200, 14_400, 3_600, 3_600]
    for number, composition in enumerate(compositions):
        ticks = HZ + number * FRAME
        stream.muxer.add_video(ticks, UNIT, key=not number, composition=composition)
    found = []
    for _, at_ms, body in (tags(piece.data)[-1] for piece in stream.pieces):
        unit = flv.video(body)
        assert isinstance(unit, flv.AvcUnit)
        found.append(at_ms + unit.composition_ms)
    assert [at - found[0] for at in found] == [0, 120, 40, 80]


def test_another_source_goes_on_without_a_gap_and_with_new_configurations() -> None:
    stream = Stream()
    stream.muxer.begin(Beginning([VIDEO, SOUND], 1_000.0))
    for number in range(50):
        stream.frame(number, key=number == 0)
    stream.muxer.interrupt()
    assert not stream.muxer.begun, "a newcomer waits for a key frame"
    other = fmp4.Video(320, 180, fmp4.avc_record(b"\x67\x42\xc0\x0d\xab", PPS))
    stream.muxer.begin(Beginning([other, SOUND], 1_007.0))
    for number in range(3):
        stream.frame(number, key=number == 0)
    kinds = [(kind, body[1]) for kind, _, body in tags(stream.pieces[50].data)]
    assert kinds == [(9, 0), (8, 0), (8, 1), (9, 1)], "configurations come first"
    times = [time for piece in stream.pieces for _, time, _ in tags(piece.data)]
    assert all(before <= after for before, after in pairwise(times))
    assert max(after - before for before, after in pairwise(times)) <= 41, "players stop at a gap"


def test_a_time_of_the_stream_is_rtp_time_of_the_newest_source() -> None:
    stream = Stream()
    stream.muxer.begin(Beginning([VIDEO], 1_000.0, media_time=0xFFFFFFFF))
    assert stream.muxer.media_time(0) is None, "nothing came yet"
    stream.muxer.add_video(HZ, UNIT, key=True)
    [(_, _, _), (_, at_ms, _)] = tags(stream.pieces[-1].data)
    assert stream.muxer.media_time(at_ms) == HZ - 1
    stream.muxer.interrupt()
    stream.muxer.begin(Beginning([VIDEO], 1_007.0, media_time=500))
    stream.muxer.add_video(HZ, UNIT, key=True)
    assert stream.muxer.media_time(at_ms) is None, "of the source before"
    [(_, _, _), (_, at_ms, _)] = tags(stream.pieces[-1].data)
    assert stream.muxer.media_time(at_ms + 40) == HZ + 500 + 3_600


def test_sound_alone_does_not_wait_for_video() -> None:
    stream = Stream()
    stream.muxer.begin(Beginning([SOUND], 1_000.0))
    for number in range(48):
        stream.muxer.add_audio(48_000 + number * SOUND_FRAME, b"sound", SOUND_FRAME)
    assert len(stream.pieces) == 4
    assert stream.muxer.start[4] == 4 and all(piece.key for piece in stream.pieces)


def test_the_end_is_handed_on() -> None:
    stream = Stream()
    stream.muxer.end()
    assert stream.ends == 1


def test_who_attaches_later_is_brought_to_the_newest_key_frame() -> None:
    kept, late = KeptGop(), Stream()
    kept.replay(late.muxer)
    assert not late.muxer.start, "nothing has begun"
    kept.begin(Beginning([VIDEO, SOUND], 1_000.0))
    for number in range(10):
        kept.add_audio(48_000 + number * SOUND_FRAME, b"sound", SOUND_FRAME)
        kept.add_video(HZ + number * FRAME, UNIT, key=number in (0, 7), composition=number)
    kept.replay(late.muxer)
    assert [piece.key for piece in late.pieces] == [True, False, False]
    kept.add_video(HZ * 2, bytes(GOP_BYTES_MAX), key=False)
    bounded = Stream()
    kept.replay(bounded.muxer)
    assert not bounded.pieces and bounded.muxer.configurations
