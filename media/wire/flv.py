"""Bodies of FLV audio and video tags (Adobe's FLV 10.1, annex E.4), as RTMP carries them too.

H.264 and AAC are read; everything else, Enhanced RTMP's FourCCs included, is named in the error, so
that the publisher learns what to change. Times are milliseconds.
"""

from typing import NamedTuple, TypeAlias

from media.errors import MalformedFlv

AVC, AAC = 7, 10
_KEY_FRAME = 1
_ENHANCED = 0x80
_VIDEO_NAMES = {2: "Sorenson H.263", 4: "VP6", 5: "VP6", 12: "HEVC", 13: "AV1"}
_AUDIO_NAMES = {0: "PCM", 1: "ADPCM", 2: "MP3", 3: "PCM", 6: "Nellymoser", 11: "Speex", 14: "MP3"}
_ENHANCED_AUDIO = 9
_HEVC_PROFILES = (1, 2, 3, 4)  # Main, Main 10, still picture, range extensions; without the tier
_FOURCC_NAMES = {
    b"hvc1": "HEVC",
    b"av01": "AV1",
    b"vp09": "VP9",
    b"avc1": "H.264",
    b".mp3": "MP3",
    b"mp4a": "AAC",
}
NAL_UNITS_MAX = 512  # of one access unit


class AvcConfig(NamedTuple):
    """An AVCDecoderConfigurationRecord (ISO/IEC 14496-15, section 5.3.3.1)."""

    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]
    length_bytes: int  # of the length in front of each NAL unit
    record: bytes


class AacConfig(NamedTuple):
    """An AudioSpecificConfig (ISO/IEC 14496-3, section 1.6.2.1)."""

    rate_hz: int
    channels: int
    record: bytes


class AvcUnit(NamedTuple):
    """One access unit: its NAL units, without lengths or start codes."""

    key: bool
    composition_ms: int  # presentation minus decoding time
    nal_units: tuple[bytes, ...]


class AacFrame(NamedTuple):
    """One raw AAC frame."""

    data: bytes


Video: TypeAlias = AvcConfig | AvcUnit | None
Audio: TypeAlias = AacConfig | AacFrame | None

_RATES_HZ = (
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
)  # fmt: skip


def video(body: bytes, length_bytes: int = 4) -> Video:
    """Return what a video tag holds; None: an end of sequence, or nothing to decode.

    `length_bytes` is that of the newest `AvcConfig`.

    Raises:
        MalformedFlv: It is cut short, or of a codec that is not taken; says which.
    """
    if len(body) < 5:
        raise MalformedFlv("a video tag is cut short")
    if body[0] & _ENHANCED:
        raise MalformedFlv(f"the video is {_fourcc(body)} by Enhanced RTMP; H.264 is taken")
    codec = body[0] & 15
    if codec != AVC:
        name = _VIDEO_NAMES.get(codec, f"codec {codec}")
        raise MalformedFlv(f"the video is {name}; H.264 is taken")
    kind, composition_ms = body[1], int.from_bytes(body[2:5], "big", signed=True)
    if kind == 0:
        return avc_config(body[5:])
    if kind != 1:
        return None
    units = nal_units(body[5:], length_bytes)
    return AvcUnit(body[0] >> 4 == _KEY_FRAME, composition_ms, units) if units else None


def audio(body: bytes) -> Audio:
    """Return what an audio tag holds; None: nothing to decode.

    Raises:
        MalformedFlv: It is of a codec that is not taken; says which.
    """
    if not body:
        return None
    codec = body[0] >> 4
    if codec != AAC:
        name = _AUDIO_NAMES.get(codec, f"codec {codec}")
        if codec == _ENHANCED_AUDIO:
            name = f"{_fourcc(body)} by Enhanced RTMP"
        raise MalformedFlv(f"the sound is {name}; AAC is taken")
    if len(body) < 3:
        return None  # some encoders send empty frames
    return aac_config(body[2:]) if body[1] == 0 else AacFrame(body[2:])


def _fourcc(body: bytes) -> str:
    return _FOURCC_NAMES.get(body[1:5], body[1:5].decode("latin-1"))


def avc_config(record: bytes) -> AvcConfig:
    """Parse an AVCDecoderConfigurationRecord.

    Raises:
        MalformedFlv: It is none; one of HEVC in its place is named.
    """
    if len(record) < 7:
        raise MalformedFlv("the H.264 configuration is cut short")
    if record[0] != 1:
        raise MalformedFlv(f"version {record[0]} of the H.264 configuration is not known")
    # An HEVCDecoderConfigurationRecord has its profile there (section 8.3.2.1), none of H.264's.
    if record[1] & 0xDF in _HEVC_PROFILES:
        raise MalformedFlv("the video is HEVC; H.264 is taken")
    at = 5
    sets: list[tuple[bytes, ...]] = []
    for mask in (0x1F, 0xFF):
        if at >= len(record):
            raise MalformedFlv("the H.264 configuration is cut short")
        count, at = record[at] & mask, at + 1
        found = []
        for _ in range(count):
            length = int.from_bytes(record[at : at + 2], "big")
            unit = record[at + 2 : at + 2 + length]
            if not unit or len(unit) < length:
                raise MalformedFlv("the H.264 configuration is cut short")
            found.append(unit)
            at += 2 + length
        sets.append(tuple(found))
    sps, pps = sets
    if not sps or not pps or any(unit[0] & 31 != 7 for unit in sps):
        raise MalformedFlv("the video's configuration is not of H.264")
    return AvcConfig(sps, pps, (record[4] & 3) + 1, record)


def nal_units(data: bytes, length_bytes: int) -> tuple[bytes, ...]:
    """Split an access unit with lengths in front of its NAL units.

    Raises:
        MalformedFlv: A length reaches beyond the end.
    """
    units: list[bytes] = []
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at : at + length_bytes], "big")
        at += length_bytes
        if at + length > len(data) or len(units) >= NAL_UNITS_MAX:
            raise MalformedFlv("a NAL unit is longer than its tag")
        if length:
            units.append(data[at : at + length])
        at += length
    return tuple(units)


def aac_config(record: bytes) -> AacConfig:
    """Parse an AudioSpecificConfig, as far as rate and channels go.

    Raises:
        MalformedFlv: It is cut short or names a reserved rate.
    """
    if len(record) < 2:
        raise MalformedFlv("the AAC configuration is cut short")
    bits = int.from_bytes(record[:6].ljust(6, b"\0"), "big")
    at = 48 - 5
    if bits >> at & 31 == 31:  # audioObjectTypeExt
        at -= 6
    at -= 4
    index = bits >> at & 15
    if index == 15:
        at -= 24
        if at < 4:
            raise MalformedFlv("the AAC configuration is cut short")
        rate_hz = bits >> at & 0xFFFFFF
    elif index < len(_RATES_HZ):
        rate_hz = _RATES_HZ[index]
    else:
        raise MalformedFlv("the AAC configuration names a reserved rate")
    at -= 4
    return AacConfig(rate_hz, bits >> at & 15, record)
