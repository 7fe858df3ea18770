"""Cuts a frame into runs that the kernel can send in one call each (udp(7), UDP_SEGMENT).

All segments of a call have one length, the last may be shorter. RTP padding (RFC 3550 section 5.1)
of a few bytes makes neighbours equal; a packet that is far shorter ends its run. A `SourcePacket`
is a packet as the host sent it, an `Item` the same packet ready to be sent, a `Run` the items of
one UDP_SEGMENT call.
"""

from collections.abc import Sequence
from typing import NamedTuple

SEGMENTS_MAX = 44  # 44 × 1,472 bytes, see rtp.PAYLOAD_BYTES_MAX, stay below the 64 KiB of one call
PADDING_BYTES_MAX = 64
PADDING_ONLY_BYTES = 16
TAG_BYTES = 16
HEADER_BYTES = 12
STAMPED_HEADER_BYTES = 20  # with abs-send-time as the only header extension


class SourcePacket(NamedTuple):
    """One packet of a frame, numbered by its layer."""

    number: int
    timestamp: int
    marker: bool
    payload: bytes


class Item(NamedTuple):
    """One packet of a run, ready but for its header's numbers."""

    first: int  # byte 0 of the header: version, padding bit
    marker: int  # 0x80 or 0
    timestamp: int
    payload: bytes  # with padding
    stamp: int  # abs-send-time (24 bits); −1: the packet has none


class Run(NamedTuple):
    """Packets of consecutive sequence numbers; `segment` is their protected length in bytes."""

    sequence: int
    items: tuple[Item, ...]
    segment: int
    stamped: bool


class Frame(NamedTuple):
    """A video frame, or a packet or two of audio, ready to be sent.

    `shift` is added to the timestamps of the items, which are those of the layer. `timestamp` is
    when it is shown; it is decoded `composition` ticks before that.
    """

    timestamp: int
    key: bool
    runs: tuple[Run, ...]
    packets: int
    shift: int = 0
    composition: int = 0

    def payloads(self) -> list[bytes]:
        """Return the RTP payloads of its packets, without padding."""
        return [
            item.payload[: -item.payload[-1]] if item.first & 0x20 else item.payload
            for run in self.runs
            for item in run.items
        ]


def stamp_of(now: float) -> int:
    """Return monotonic seconds as abs-send-time: 6.18 bits of fixed point."""
    return round(now * (1 << 18)) & 0xFFFFFF


def padding(timestamp: int, now: float) -> Item:
    """Return a packet of padding only, sent `now`."""
    return Item(
        0xB0,
        0,
        timestamp,
        bytes(PADDING_ONLY_BYTES - 1) + bytes([PADDING_ONLY_BYTES]),
        stamp_of(now),
    )


def cut(packets: Sequence[SourcePacket], stamp: int = -1) -> list[Run]:
    """Return the runs of a frame's packets, which are in order."""
    if _is_one_run(packets):
        return [_run(packets, stamp)]
    runs: list[Run] = []
    current: list[SourcePacket] = []
    longest = 0
    for packet in packets:
        size = len(packet.payload)
        fits = (
            current
            and packet.number == current[-1].number + 1
            and len(current) < SEGMENTS_MAX
            # The previous packet is no longer the last: it must be padded up to the longest.
            and longest - len(current[-1].payload) <= PADDING_BYTES_MAX
            and size <= longest + PADDING_BYTES_MAX
            and all(size - len(other.payload) <= PADDING_BYTES_MAX for other in current)
        )
        if not fits and current:
            runs.append(_run(current, stamp))
            current, longest = [], 0
        current.append(packet)
        longest = max(longest, size)
    if current:
        runs.append(_run(current, stamp))
    return runs


def _is_one_run(packets: Sequence[SourcePacket]) -> bool:
    """Whether the packets are, as encoders cut most frames, equal but for the last."""
    count = len(packets)
    if not 0 < count <= SEGMENTS_MAX or packets[-1].number - packets[0].number != count - 1:
        return False
    if count == 1:
        return True
    sizes = [len(packet.payload) for packet in packets]
    return max(sizes) - min(sizes[:-1]) <= PADDING_BYTES_MAX


def part_of(runs: Sequence[Run], begin: int, end: int) -> tuple[Run, ...]:
    """Return the packets of `runs` from `begin` on, up to `end`."""
    out = []
    for run in runs:
        items = run.items[max(0, begin) : max(0, end)]
        if items:
            out.append(run._replace(sequence=run.sequence + max(0, begin), items=items))
        begin -= len(run.items)
        end -= len(run.items)
    return tuple(out)


def _run(packets: Sequence[SourcePacket], stamp: int) -> Run:
    longest = max([len(packet.payload) for packet in packets])
    items = [_item(packet, longest - len(packet.payload), stamp) for packet in packets[:-1]]
    items.append(_item(packets[-1], 0, stamp))
    header = HEADER_BYTES if stamp < 0 else STAMPED_HEADER_BYTES
    return Run(packets[0].number, tuple(items), header + longest + TAG_BYTES, stamp >= 0)


def _item(packet: SourcePacket, padding: int, stamp: int) -> Item:
    first = 0x80 if stamp < 0 else 0x90
    marker = 0x80 if packet.marker else 0
    if not padding:
        return Item(first, marker, packet.timestamp, packet.payload, stamp)
    payload = packet.payload + bytes(padding - 1) + bytes([padding])
    return Item(first | 0x20, marker, packet.timestamp, payload, stamp)
