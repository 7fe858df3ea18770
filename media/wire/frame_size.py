"""The frame size in a key frame (H.264 section 7.3.2.1, VP8: RFC 6386 section 9.1)."""

from typing import NamedTuple

_SPS = 7
_STAP_A = 24
# Profiles whose SPS goes on with chroma and scaling (H.264 section 7.3.2.1.1).
_HIGH_PROFILES = frozenset((100, 110, 122, 244, 44, 83, 86, 118, 128))
_BITS_MAX = 8 * 64
_SIDE_MAX = 16_384


class Size(NamedTuple):
    """In pixels."""

    width: int
    height: int

    @property
    def short_side(self) -> int:
        """The shorter side: what "720p" means, however the phone is held."""
        return min(self)


def frame_size_of(codec: str, payload: bytes) -> Size | None:
    """Return the frame size in an RTP payload that starts a key frame; None: it has none.

    `codec` is `H264` or `VP8`.
    """
    try:
        size = _h264(payload) if codec == "H264" else _vp8(payload)
    except (IndexError, ValueError):
        return None
    return size if size and 0 < size.width <= _SIDE_MAX and 0 < size.height <= _SIDE_MAX else None


def _h264(payload: bytes) -> Size | None:
    if payload[0] & 31 == _STAP_A:
        length = int.from_bytes(payload[1:3], "big")
        payload = payload[3 : 3 + length]
    if payload[0] & 31 != _SPS:
        return None
    bits = _Bits(payload[1:].replace(b"\x00\x00\x03", b"\x00\x00"))
    profile = bits.take(8)
    bits.take(16)
    bits.golomb()  # seq_parameter_set_id
    if profile in _HIGH_PROFILES:
        if bits.golomb() == 3:  # chroma_format_idc
            bits.take(1)
        bits.golomb()
        bits.golomb()
        bits.take(1)
        if bits.take(1):  # seq_scaling_matrix_present_flag: no live encoder sends one
            return None
    bits.golomb()  # log2_max_frame_num_minus4
    order = bits.golomb()  # pic_order_cnt_type
    if order == 0:
        bits.golomb()
    elif order == 1:
        bits.take(1)
        bits.golomb()
        bits.golomb()
        for _ in range(bits.golomb()):
            bits.golomb()
    bits.golomb()  # max_num_ref_frames
    bits.take(1)
    width, height = 16 * (bits.golomb() + 1), 16 * (bits.golomb() + 1)
    if not bits.take(1):  # frame_mbs_only_flag
        height *= 2
        bits.take(1)
    bits.take(1)
    if bits.take(1):  # frame_cropping_flag, in units of 4:2:0
        width -= 2 * (bits.golomb() + bits.golomb())
        height -= 2 * (bits.golomb() + bits.golomb())
    return Size(width, height)


def _vp8(payload: bytes) -> Size | None:
    at = 1
    if payload[0] & 0x80:  # RFC 7741 section 4.2
        flags = payload[1]
        at = 2
        if flags & 0x80:
            at += 2 if payload[at] & 0x80 else 1
        at += (flags >> 6 & 1) + bool(flags & 0x30)
    header = payload[at : at + 10]
    if len(header) < 10 or header[0] & 1 or header[3:6] != b"\x9d\x01\x2a":
        return None
    width, height = (int.from_bytes(header[i : i + 2], "little") & 0x3FFF for i in (6, 8))
    return Size(width, height)


class _Bits:
    """Reads big-endian bits; IndexError at the end."""

    def __init__(self, data: bytes) -> None:
        self._bits = "".join(f"{byte:08b}" for byte in data[: _BITS_MAX // 8])
        self._at = 0

    def take(self, count: int) -> int:
        end = self._at + count
        if end > len(self._bits):
            raise IndexError
        value = int(self._bits[self._at : end], 2)
        self._at = end
        return value

    def golomb(self) -> int:
        """Exp-Golomb (H.264 section 9.1)."""
        one = self._bits.index("1", self._at)
        zeros, self._at = one - self._at, one
        if zeros > 31:
            raise ValueError
        return self.take(zeros + 1) - 1
