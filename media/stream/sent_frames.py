"""What a layer has sent: packets for retransmits, the GOP for replays, and its rates.

Pure: `now` is monotonic seconds.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from media.stream import frames
from media.stream.frames import Frame, Item, SourcePacket

RING_S = 2.0
RING_PACKETS_MAX = 2_500
# Ten seconds at 6 Mbit/s: encoders that cannot be asked for a key frame make one every 8 s. Of a
# larger GOP nothing is kept: who joins meanwhile waits for the next key frame.
GOP_OCTETS_MAX = 8_000_000
GOP_PACKETS_MAX = 10_000


class Kept(NamedTuple):
    """A packet in the ring, as it was sent: with GCM a retransmit must be the same bytes."""

    at: float
    item: Item


class SentFrames:
    """The newest frames of a layer, by sequence numbers that have no seam."""

    def __init__(self, kind: str, first_sequence: int) -> None:
        self.kind = kind
        self.timestamp = 0  # of the newest frame
        self.newest_at = 0.0
        # The number that the first packet after all frames so far will have.
        self.next_unsent = first_sequence
        self.ring: dict[int, Kept] = {}
        self.gop: list[Frame] = []
        self.gop_packets = 0
        self.gop_octets = 0
        self.packets_sent = 0
        self.octets_sent = 0
        self.frames_sent = 0
        self.key_frames = 0
        # Of the last second, see `count_second`.
        self.bits_per_s = 0.0
        self.frames_per_s = 0.0
        self.packets_per_s = 0.0
        self._counted = (0.0, 0, 0, 0)
        self._ages: deque[int] = deque()

    @property
    def packet_bits(self) -> float:
        """How much a packet carries, by the last second; 0 before it is known."""
        return self.bits_per_s / self.packets_per_s if self.packets_per_s else 0.0

    def keep(
        self,
        packets: Sequence[SourcePacket],
        timestamp: int,
        *,
        key: bool,
        composition: int = 0,
        now: float,
    ) -> Frame:
        """Make a frame of its packets, which are in order, and keep it."""
        stamp = frames.stamp_of(now) if self.kind == "video" else -1
        runs = tuple(frames.cut(packets, stamp))
        frame = Frame(timestamp, key, runs, len(packets), composition=composition)
        for run in runs:
            for number, item in enumerate(run.items, run.sequence):
                self.ring[number] = Kept(self.newest_at, item)
        self._ages.extend([packet.number for packet in packets])
        self.timestamp = timestamp
        self.next_unsent = packets[-1].number + 1
        self.packets_sent += len(packets)
        self.frames_sent += 1
        octets = sum([len(packet.payload) for packet in packets])
        self.octets_sent += octets
        if self.kind == "video":
            self._extend_gop(frame, octets)
        return frame

    def _extend_gop(self, frame: Frame, octets: int) -> None:
        if frame.key:
            self.key_frames += 1
            self.clear_gop()
        if frame.key or self.gop:
            self.gop.append(frame)
            self.gop_packets += frame.packets
            self.gop_octets += octets
        if self.gop_packets > GOP_PACKETS_MAX or self.gop_octets > GOP_OCTETS_MAX:
            self.clear_gop()

    def clear_gop(self) -> None:
        """Nobody can begin from the newest key frame any more."""
        self.gop, self.gop_packets, self.gop_octets = [], 0, 0

    def prune(self, *, now: float) -> None:
        """Forget the packets that are too old, but for those of the GOP, which may be replayed."""
        ages, ring = self._ages, self.ring
        keep = self.gop[0].runs[0].sequence if self.gop else self.next_unsent
        while ages and (
            len(ages) > GOP_PACKETS_MAX + RING_PACKETS_MAX
            or (ages[0] < keep and now - ring[ages[0]].at > RING_S)
        ):
            del ring[ages.popleft()]

    def measure(self, *, now: float) -> None:
        """Call about once a second: how much was sent since."""
        at, octets, sent, packets = self._counted
        if at:
            elapsed = max(1e-3, now - at)
            self.bits_per_s = (self.octets_sent - octets) * 8 / elapsed
            self.frames_per_s = (self.frames_sent - sent) / elapsed
            self.packets_per_s = (self.packets_sent - packets) / elapsed
        self._counted = (now, self.octets_sent, self.frames_sent, self.packets_sent)
