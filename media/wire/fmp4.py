"""Fragmented MP4 as CMAF wants it (ISO/IEC 14496-12, 14496-15, 23000-19): written, not read.

`init_segment` describes the tracks, `fragment` carries samples of all of them in one `moof` and
`mdat`. Times and durations are in ticks of the track's own `timescale`; decode times are unsigned.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

MOVIE_TIMESCALE = 1_000
_SYNC_SAMPLE, _DELTA_SAMPLE = 0x02000000, 0x01010000  # 14496-12 section 8.8.3.1
_UNITY = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_LANGUAGE = 0x55C4  # "und"
# tfhd: default-base-is-moof; trun: data offset, duration, size, flags, composition offset (signed)
_TFHD_FLAGS, _TRUN_FLAGS = 0x020000, 0x000F01
_TRUN_ENTRY = struct.Struct(">IIIi")


class Video(NamedTuple):
    """An H.264 track. `record` is its AVCDecoderConfigurationRecord."""

    width: int
    height: int
    record: bytes
    timescale: int = 90_000

    @property
    def codecs(self) -> str:
        """How playlists and `MediaSource.isTypeSupported` name it (RFC 6381 section 3.3)."""
        return f"avc1.{self.record[1:4].hex()}"


class Aac(NamedTuple):
    """An AAC track. `record` is its AudioSpecificConfig."""

    rate_hz: int
    channels: int
    record: bytes

    @property
    def timescale(self) -> int:
        """Ticks are samples."""
        return self.rate_hz

    @property
    def codecs(self) -> str:
        """RFC 6381 section 3.3."""
        return f"mp4a.40.{self.record[0] >> 3}"


Track = Video | Aac


class Sample(NamedTuple):
    """One access unit, as the track's codec wants it (H.264: lengths in front of NAL units)."""

    data: bytes
    duration: int
    key: bool = True
    composition: int = 0  # presentation minus decode time


class TrackRun(NamedTuple):
    """Consecutive samples of one track (by its place in the init segment, from 1)."""

    track_id: int
    decode_time: int
    samples: Sequence[Sample]


def avc_record(sps: bytes, pps: bytes) -> bytes:
    """Return the AVCDecoderConfigurationRecord of one pair of parameter sets."""
    sets = b"\xe1" + _with_length(sps) + b"\x01" + _with_length(pps)
    return b"\x01" + sps[1:4] + b"\xff" + sets


def init_segment(tracks: Sequence[Track]) -> bytes:
    """Return `ftyp` and `moov` of a live whose tracks have the ids 1, 2, …"""
    traks = b"".join(_trak(number, track) for number, track in enumerate(tracks, 1))
    trexs = b"".join(
        _full(b"trex", 0, 0, struct.pack(">5I", number, 1, 0, 0, 0))
        for number in range(1, len(tracks) + 1)
    )
    head = struct.pack(">4IIH10x", 0, 0, MOVIE_TIMESCALE, 0, 0x10000, 0x100)
    mvhd = _full(b"mvhd", 0, 0, head + _UNITY + bytes(24) + struct.pack(">I", len(tracks) + 1))
    moov = _box(b"moov", mvhd + traks + _box(b"mvex", trexs))
    return _box(b"ftyp", b"iso6" + bytes(4) + b"iso6cmfcmp41") + moov


def fragment(number: int, runs: Sequence[TrackRun], *, independent: bool = False) -> bytes:
    """Return one `moof` and its `mdat`, the `number`th of the live, from 1.

    `independent` puts a `styp` in front, as a segment begins.
    """
    mfhd = _full(b"mfhd", 0, 0, struct.pack(">I", number))
    size = 8 + len(mfhd) + sum(_traf_bytes(run) for run in runs)
    offset = size + 8
    trafs = []
    for run in runs:
        trafs.append(_traf(run, offset))
        offset += sum(len(sample.data) for sample in run.samples)
    data = b"".join(sample.data for run in runs for sample in run.samples)
    out = _box(b"moof", mfhd + b"".join(trafs)) + _box(b"mdat", data)
    return _box(b"styp", b"msdh" + bytes(4) + b"msdhmsix") + out if independent else out


class Reference(NamedTuple):
    """A segment in a `sidx`: its bytes, how long it plays, whether it begins with a key frame."""

    octets: int
    duration: int
    key: bool


def segment_index(
    track_id: int, timescale: int, start: int, references: Sequence[Reference]
) -> bytes:
    """Return the `sidx` of the segments that follow it (14496-12 section 8.16.3)."""
    assert len(references) < 1 << 16
    entries = b"".join(
        struct.pack(">III", each.octets, each.duration, 0x90000000 if each.key else 0)
        for each in references
    )
    head = struct.pack(">IIQQHH", track_id, timescale, start, 0, 0, len(references))
    return _full(b"sidx", 1, 0, head + entries)


def with_duration(init: bytes, duration_ms: int) -> bytes:
    """Return an init segment of ours that says how long its fragments last (section 8.8.2)."""
    mehd = _full(b"mehd", 1, 0, struct.pack(">Q", duration_ms))
    out = bytearray()
    for kind, content in _boxes(init):
        if kind == b"moov":
            inner = [
                _box(name, mehd + data if name == b"mvex" else data)
                for name, data in _boxes(content)
            ]
            content = b"".join(inner)
        out += _box(kind, content)
    return bytes(out)


def timescales(init: bytes) -> list[int]:
    """Return the timescales of the tracks of an init segment of ours."""
    moov = dict(_boxes(init))[b"moov"]
    out = []
    for name, trak in _boxes(moov):
        if name == b"trak":
            mdhd = dict(_boxes(dict(_boxes(trak))[b"mdia"]))[b"mdhd"]
            out.append(struct.unpack_from(">I", mdhd, 12)[0])
    return out


def delayed(fragment: bytes, delays: Sequence[int]) -> bytes:
    """Return a fragment of ours whose tracks decode later, by ticks of each, in their order."""
    out = bytearray(fragment)
    at = 0
    for kind, content in _boxes(fragment):
        at += 8
        if kind != b"moof":
            at += len(content)
            continue
        for name, traf in _boxes(content):
            at += 8
            if name == b"traf":
                # tfhd (16 bytes) with the track's id, then tfdt with a time of 64 bits
                (track_id,) = struct.unpack_from(">I", traf, 12)
                (time,) = struct.unpack_from(">Q", traf, 16 + 12)
                struct.pack_into(">Q", out, at + 16 + 12, time + delays[track_id - 1])
            at += len(traf)
    return bytes(out)


def merged(number: int, fragments: Sequence[bytes]) -> bytes:
    """Return consecutive fragments of ours as the `number`th one, with one run of each track.

    FFmpeg seeks by a `sidx` only where each reference is a single fragment.
    """
    runs: dict[int, TrackRun] = {}
    for fragment_data in fragments:
        for run in _runs_of(fragment_data):
            first = runs.setdefault(run.track_id, TrackRun(run.track_id, run.decode_time, []))
            runs[run.track_id] = first._replace(samples=[*first.samples, *run.samples])
    return fragment(number, [runs[key] for key in sorted(runs)], independent=True)


def _runs_of(fragment_data: bytes) -> Iterator[TrackRun]:
    boxes = dict(_boxes(fragment_data))
    at = 0  # in mdat, which has the runs' samples in a row
    for name, traf in _boxes(boxes[b"moof"]):
        if name != b"traf":
            continue
        (track_id,) = struct.unpack_from(">I", traf, 12)
        (time,) = struct.unpack_from(">Q", traf, 16 + 12)
        samples = []
        # behind tfhd, tfdt, and of trun: header, flags, count, data offset
        for duration, size, flags, composition in _TRUN_ENTRY.iter_unpack(traf[16 + 20 + 20 :]):
            data = boxes[b"mdat"][at : at + size]
            samples.append(Sample(data, duration, flags == _SYNC_SAMPLE, composition))
            at += size
        yield TrackRun(track_id, time, samples)


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        yield data[at + 4 : at + 8], data[at + 8 : at + size]
        at += size


def _traf_bytes(run: TrackRun) -> int:
    return 8 + 16 + 20 + 20 + _TRUN_ENTRY.size * len(run.samples)


def _traf(run: TrackRun, data_offset: int) -> bytes:
    tfhd = _full(b"tfhd", 0, _TFHD_FLAGS, struct.pack(">I", run.track_id))
    tfdt = _full(b"tfdt", 1, 0, struct.pack(">Q", run.decode_time))
    entries = b"".join(
        _TRUN_ENTRY.pack(
            sample.duration,
            len(sample.data),
            _SYNC_SAMPLE if sample.key else _DELTA_SAMPLE,
            sample.composition,
        )
        for sample in run.samples
    )
    head = struct.pack(">Ii", len(run.samples), data_offset)
    return _box(b"traf", tfhd + tfdt + _full(b"trun", 1, _TRUN_FLAGS, head + entries))


def _trak(number: int, track: Track) -> bytes:
    video = isinstance(track, Video)
    width, height = (track.width, track.height) if isinstance(track, Video) else (0, 0)
    tkhd = _full(
        b"tkhd",
        0,
        3,  # enabled, in the movie
        struct.pack(">5I8xHHHH", 0, 0, number, 0, 0, 0, 0, 0 if video else 0x100, 0)
        + _UNITY
        + struct.pack(">II", width << 16, height << 16),
    )
    mdhd = _full(b"mdhd", 0, 0, struct.pack(">4IHH", 0, 0, track.timescale, 0, _LANGUAGE, 0))
    handler = b"vide" if video else b"soun"
    hdlr = _full(b"hdlr", 0, 0, bytes(4) + handler + bytes(12) + b"linli\0")
    kind = _full(b"vmhd", 0, 1, bytes(8)) if video else _full(b"smhd", 0, 0, bytes(4))
    dref = _full(b"dref", 0, 0, struct.pack(">I", 1) + _full(b"url ", 0, 1, b""))
    entry = _avc1(track) if isinstance(track, Video) else _mp4a(track)
    stbl = _full(b"stsd", 0, 0, struct.pack(">I", 1) + entry)
    stbl += _full(b"stts", 0, 0, bytes(4)) + _full(b"stsc", 0, 0, bytes(4))
    stbl += _full(b"stsz", 0, 0, bytes(8)) + _full(b"stco", 0, 0, bytes(4))
    minf = _box(b"minf", kind + _box(b"dinf", dref) + _box(b"stbl", stbl))
    return _box(b"trak", tkhd + _box(b"mdia", mdhd + hdlr + minf))


def _avc1(track: Video) -> bytes:
    head = struct.pack(
        ">6xH16xHHIIIH32xHh", 1, track.width, track.height, 0x480000, 0x480000, 0, 1, 24, -1
    )
    return _box(b"avc1", head + _box(b"avcC", track.record))


def _mp4a(track: Aac) -> bytes:
    head = struct.pack(">6xH8xHH4xI", 1, track.channels, 16, track.rate_hz << 16)
    decoder = b"\x40\x15" + bytes(11) + _descriptor(5, track.record)  # AAC, audio stream
    es = struct.pack(">HB", 0, 0) + _descriptor(4, decoder) + _descriptor(6, b"\x02")
    return _box(b"mp4a", head + _full(b"esds", 0, 0, _descriptor(3, es)))


def _descriptor(tag: int, content: bytes) -> bytes:
    """14496-1 section 8.3.3; the lengths here fit into one byte."""
    assert len(content) < 0x80
    return bytes([tag, len(content)]) + content


def _with_length(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def _full(kind: bytes, version: int, flags: int, content: bytes) -> bytes:
    return _box(kind, struct.pack(">I", version << 24 | flags) + content)
