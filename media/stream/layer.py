"""One stream of a live: put in order, renumbered without seams, kept for repairs, cut into frames.

A host may go and come back with other numbers: the track's own sequence numbers (48 bits, the
lower 16 on the wire) and timestamps go on as if nothing had happened, by the time that passed.
Pure: `now` is monotonic seconds; timestamps are RTP ticks.
"""

from collections import deque
from typing import NamedTuple

from media.stream import frames
from media.stream.key_requests import KeyFrameRequests
from media.stream.nack import NACK_INTERVAL_S, Nacks
from media.stream.reorder import JUMP_PACKETS_MAX, OVERTAKEN_S, REPAIR_S, Reorder
from media.wire.frame_size import Size, frame_size_of
from media.wire.reception import Reception
from media.wire.rtp import Packet, starts_key_frame, unwrap
from media.wire.sdp import Codec

RING_S = 2.0
RING_PACKETS_MAX = 2_500
FRAME_PACKETS_MAX = 1_000
# Ten seconds at 2 Mbit/s; of a longer group of pictures we would keep megabytes.
GOP_PACKETS_MAX = 2_500
# A repair that takes so long was lost more than once: a key frame is asked for beside it, and what
# is whole first is taken. Sooner, key frames would end waits that the delay of viewers bridges.
KEY_FRAME_REQUEST_AFTER_S = 0.300
LOOK_EVERY_S = 0.020  # through all that waits, for a key frame
FRAMES_PER_S_MIN = 10.0  # of a picture that is expected to move
# A stream that was silent this long does not flow.
SILENT_S = 1.5
# Nor does one that the host goes on without: it switches off layers that it cannot afford.
LEFT_OUT_S = 0.250
LEFT_OUT_FRAMES = 4
# Two packets of sound go out in one call: half of the calls, 20 ms later.
PAIR_WAIT_S = 0.030


class Frame(NamedTuple):
    """A picture, or a packet or two of sound, ready for sending.

    `shift` is added to the timestamps of the items, which are those of the live.
    """

    timestamp: int
    key: bool
    runs: tuple[frames.Run, ...]
    packets: int
    shift: int = 0


class Kept(NamedTuple):
    """A packet in the ring, exactly as it was sent: with GCM a repeat must be the same bytes."""

    at: float
    item: frames.Item


class Timeline:
    """What the layers of a stream share: where zero of their times lies, and when packets come."""

    def __init__(self, clock_hz: int) -> None:
        self.clock_hz = clock_hz
        self.received_at = self.received_since = float("-inf")  # packets came without a pause
        self._began: float | None = None

    def ticks(self, *, now: float) -> int:
        """Return the timestamp of now."""
        if self._began is None:
            self._began = now
        return round((now - self._began) * self.clock_hz) + 1

    def heard(self, *, now: float) -> None:
        """A packet of a layer came."""
        if now - self.received_at > LEFT_OUT_S:
            self.received_since = now
        self.received_at = now


class Layer:
    """A stream's numbers, ring and frames. After `receive`, `poll` returns what is to be sent.

    `rid` tells the layers of one picture apart (RFC 8852); a host that sends one has "".
    """

    def __init__(
        self,
        kind: str,
        codec: Codec,
        first_sequence: int,
        rid: str = "",
        timeline: Timeline | None = None,
    ) -> None:
        self.kind = kind
        self.codec = codec
        self.rid = rid
        self.timeline = timeline or Timeline(codec.clock_hz)
        self.timestamp = 0  # of the newest frame
        self.newest_at = 0.0
        self.received_at = float("-inf")
        self.size: Size | None = None
        self.packets_sent = 0
        self.octets_sent = 0
        self.frames_sent = 0
        self.key_frames = 0
        self.lost = 0
        # Of the last second, see `count_second`.
        self.bits_per_s = 0.0
        self.frames_per_s = 0.0
        self.packets_per_s = 0.0
        self._counted = (0.0, 0, 0, 0)
        self._lost_counted = 0
        self.ring: dict[int, Kept] = {}
        self.gop: list[Frame] = []
        self.gop_packets = 0
        self.nacks = Nacks()
        self.keys = KeyFrameRequests()
        self.pairs = False  # of sound
        # The number that the first packet after all frames so far will have.
        self.next_unsent = first_sequence
        self._ages: deque[int] = deque()
        self._next = first_sequence
        self._source: Source | None = None
        self._looked_at = 0.0
        self._frame: list[frames.Part] = []
        self._frame_timestamp = 0
        self._frame_key = False
        self._frame_holed = False  # something in the middle of it never came

    @property
    def waits_for_key(self) -> bool:
        """Whether a new source has yet to begin with a key frame."""
        return self.kind == "video" and (self._source is None or not self._source.begun)

    @property
    def packet_bits(self) -> float:
        """How much a packet carries, by the last second; 0 before it is known."""
        return self.bits_per_s / self.packets_per_s if self.packets_per_s else 0.0

    @property
    def source(self) -> "Source | None":
        """What the host sends now."""
        return self._source

    def flows(self, *, now: float) -> bool:
        """Whether frames come at all, and other layers do not go on without this one."""
        if not self.frames_sent or now - self.newest_at > SILENT_S:
            return False
        timeline = self.timeline
        alone_s = timeline.received_at - max(self.received_at, timeline.received_since)
        return alone_s < LEFT_OUT_S or alone_s * self.frames_per_s < LEFT_OUT_FRAMES

    def receive(self, packet: Packet, *, now: float) -> None:
        """Take a host's packet; then call `poll`."""
        source = self._source
        if source is None or not source.goes_on_with(packet):
            self._end_frame(now)
            patience_s = REPAIR_S if self.kind == "video" else OVERTAKEN_S
            source = self._source = Source(packet, self.codec.clock_hz, patience_s)
        if packet.payload:
            self.received_at = now
            self.timeline.heard(now=now)
        source.receive(packet, now=now)
        self.nacks.on_packet(packet.sequence, now=now)

    def repair(self, packet: Packet, *, now: float) -> None:
        """Take a packet that was asked for and came as a stream of its own; then call `poll`."""
        source = self._source
        if source is not None and self.nacks.is_requested(packet.sequence):
            source.reorder.receive(unwrap(packet.sequence, source.newest), packet, now=now)
        self.nacks.on_packet(packet.sequence, now=now)

    def lose_source(self) -> None:
        """The host is gone; whatever comes next is another source."""
        self._source = None

    def missing(self) -> list[int]:
        """Host sequence numbers (16 bits) that hold up the live."""
        return [n & 0xFFFF for n in self._source.reorder.missing()] if self._source else []

    def poll(self, *, now: float) -> list[Frame]:
        """Return the frames that are complete, in order."""
        source, out = self._source, []
        if source is None:
            return []
        if (
            self.queuing_delay_s(now=now) > KEY_FRAME_REQUEST_AFTER_S
            and now - self._looked_at >= LOOK_EVERY_S
        ):
            self._looked_at = now
            begin = self._whole_key_frame(source)
            if begin is not None:
                source.reorder.skip_to(begin)
        for number, packet in source.reorder.ready(now=now):
            key = self.kind == "video" and starts_key_frame(self.codec.name, packet.payload)
            if key:
                self.size = frame_size_of(self.codec.name, packet.payload) or self.size
            if not source.begun:
                if self.kind == "video" and not key:
                    continue
                self._splice(source, number, packet, now)
            if not packet.payload:
                # Padding that probes the host's line: nobody shall miss its number.
                source.sequence_delta -= 1
                continue
            out += self._take(source, number, packet, key, now)
        if self.kind == "audio" and now - self.newest_at > PAIR_WAIT_S:
            out += self._end_frame(now)
        self._prune(now)
        return out

    def _whole_key_frame(self, source: "Source") -> int | None:
        """Return where a key frame begins that waits for nothing but what comes before it."""
        begin, expected = None, 0
        for number, packet in source.reorder.held():
            if number != expected:
                begin = None
            # One that tells its size has its parameter sets: newcomers can begin with it.
            if begin is None and frame_size_of(self.codec.name, packet.payload):
                begin = number
            if begin is not None and packet.marker:
                return begin
            expected = number + 1
        return None

    def _splice(self, source: "Source", number: int, packet: Packet, now: float) -> None:
        source.begun = True
        source.sequence_delta = self._next - number
        timestamp = self.timeline.ticks(now=now)
        if self.frames_sent:
            elapsed = max(0.0, now - self.newest_at)
            timestamp = self.timestamp + max(1, round(elapsed * self.codec.clock_hz))
        source.timestamp_delta = timestamp - packet.timestamp

    def _take(
        self, source: "Source", number: int, packet: Packet, key: bool, now: float
    ) -> list[Frame]:
        out = []
        sequence = number + source.sequence_delta
        assert sequence >= self._next, "a number is never given twice: it makes the cipher's nonce"
        timestamp = packet.timestamp + source.timestamp_delta & 0xFFFFFFFF
        if self.kind == "video" and self._frame and timestamp != self._frame_timestamp:
            out += self._end_frame(now)
        if sequence > self._next:
            self.lost += sequence - self._next
            self._frame_holed |= bool(self._frame)
            if self.kind == "video":
                self.keys.request()  # nothing after it can be decoded
        self._next = sequence + 1
        self._frame_timestamp, self.newest_at = timestamp, now
        self._frame_key |= key
        self._frame.append(frames.Part(sequence, timestamp, packet.marker, packet.payload))
        if self.kind == "audio":
            whole = len(self._frame) > self.pairs
        else:
            whole = packet.marker or len(self._frame) >= FRAME_PACKETS_MAX
        if whole:
            out += self._end_frame(now)
        return out

    def _end_frame(self, now: float) -> list[Frame]:
        if not self._frame:
            return []
        packets, self._frame = self._frame, []
        stamp = frames.stamp_of(now) if self.kind == "video" else -1
        runs = tuple(frames.cut(packets, stamp))
        key = self._frame_key and not self._frame_holed
        frame = Frame(self._frame_timestamp, key, runs, len(packets))
        self._frame_key = self._frame_holed = False
        for run in frame.runs:
            for number, item in enumerate(run.items, run.sequence):
                self.ring[number] = Kept(self.newest_at, item)
                self._ages.append(number)
        self.timestamp = frame.timestamp
        self.next_unsent = packets[-1].number + 1
        self.packets_sent += len(packets)
        self.frames_sent += 1
        self.octets_sent += sum(len(packet.payload) for packet in packets)
        if self.kind == "video":
            self._keep_for_replay(frame)
        return [frame]

    def _keep_for_replay(self, frame: Frame) -> None:
        if frame.key:
            self.keys.on_key_frame()
            self.key_frames += 1
            self.gop, self.gop_packets = [], 0
        if frame.key or self.gop:
            self.gop.append(frame)
            self.gop_packets += frame.packets
        if self.gop_packets > GOP_PACKETS_MAX:
            self.gop, self.gop_packets = [], 0

    def count_second(self, *, now: float) -> int:
        """Call about once a second: how much went out, and return how many never came, since."""
        at, octets, frames, packets = self._counted
        if at:
            elapsed = max(1e-3, now - at)
            self.bits_per_s = (self.octets_sent - octets) * 8 / elapsed
            self.frames_per_s = (self.frames_sent - frames) / elapsed
            self.packets_per_s = (self.packets_sent - packets) / elapsed
        self._counted = (now, self.octets_sent, self.frames_sent, self.packets_sent)
        if self._source is not None:
            self._source.reorder.decay()
        lost, self._lost_counted = self.lost - self._lost_counted, self.lost
        return lost

    def queuing_delay_s(self, *, now: float) -> float:
        """Return for how long packets of a picture wait for one that is missing."""
        source = self._source
        return source.reorder.blocked_s(now=now) if source and self.kind == "video" else 0.0

    @property
    def held_s(self) -> float:
        """How long what its host's line loses may hold up the picture, by how long it did of late.

        A repair that is lost itself takes a round trip longer, and that something is missing shows
        when the next picture comes.
        """
        held_s = (
            self._source.reorder.blocked_s_max if self._source and self.kind == "video" else 0.0
        )
        if held_s < NACK_INTERVAL_S:
            return held_s
        return held_s + self.nacks.rtt_s + 1 / max(FRAMES_PER_S_MIN, self.frames_per_s)

    def captured_at(self, timestamp: int) -> float | None:
        """Return when, by the host's clock (s since 1900), what has our `timestamp` was captured.

        None: the host has not told its clock yet.
        """
        return self._source.captured_at(timestamp) if self._source else None

    def _prune(self, now: float) -> None:
        ages, ring = self._ages, self.ring
        # What may be replayed may have to be repeated.
        keep = self.gop[0].runs[0].sequence if self.gop else self._next
        while ages and (
            len(ages) > GOP_PACKETS_MAX + RING_PACKETS_MAX
            or (ages[0] < keep and now - ring[ages[0]].at > RING_S)
        ):
            del ring[ages.popleft()]


class Source:
    """What one host sends for a track, with its own numbers."""

    def __init__(self, first: Packet, clock_hz: int, patience_s: float) -> None:
        self.ssrc = first.ssrc
        self.begun = False
        self.sequence_delta = 0
        self.timestamp_delta = 0
        self.reorder: Reorder[Packet] = Reorder(patience_s)
        self.newest = first.sequence + 0x10000
        self.first = self.newest
        self.received = 0
        self.jitter_ticks = 0.0
        self._clock_hz = clock_hz
        self._transit: int | None = None
        self._reported = (0, 0)  # expected and received as of the last report
        self._sender_report = (0, 0, 0.0)  # NTP time, its RTP timestamp, when it came

    def goes_on_with(self, packet: Packet) -> bool:
        """Whether `packet` is of this source; a host that started anew may keep its SSRC."""
        jump = unwrap(packet.sequence, self.newest) - self.newest
        return packet.ssrc == self.ssrc and abs(jump) <= JUMP_PACKETS_MAX

    def receive(self, packet: Packet, *, now: float) -> None:
        """Take a packet of this source."""
        number = unwrap(packet.sequence, self.newest)
        self.received += 1
        if number >= self.newest:
            self._measure_jitter(packet.timestamp, now)
        self.newest = max(self.newest, number)
        self.reorder.receive(number, packet, now=now)

    def _measure_jitter(self, timestamp: int, now: float) -> None:
        """RFC 3550 section 6.4.1 and appendix A.8."""
        transit = round(now * self._clock_hz) - timestamp & 0xFFFFFFFF
        if self._transit is not None:
            difference = (transit - self._transit + 0x80000000 & 0xFFFFFFFF) - 0x80000000
            self.jitter_ticks += (abs(difference) - self.jitter_ticks) / 16
        self._transit = transit

    def on_report(self, ntp_time: int, timestamp: int, *, now: float) -> None:
        """The host told its clock: `ntp_time` (64 bits) is its RTP `timestamp`."""
        self._sender_report = (ntp_time, timestamp, now)

    def captured_at(self, timestamp: int) -> float | None:
        """See Track."""
        ntp_time, reported, _ = self._sender_report
        if not ntp_time:
            return None
        ticks = timestamp - self.timestamp_delta - reported & 0xFFFFFFFF
        signed = (ticks + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        return ntp_time / (1 << 32) + signed / self._clock_hz

    def report(self, *, now: float) -> Reception:
        """Return a report block; the fraction lost counts from the report before."""
        expected, received = self.newest - self.first + 1, self.received
        before_expected, before_received = self._reported
        self._reported = expected, received
        due = expected - before_expected
        lost = max(0, due - (received - before_received))
        ntp_time, _, came = self._sender_report
        last_report = ntp_time >> 16 & 0xFFFFFFFF
        return Reception(
            self.ssrc,
            min(255, lost * 256 // due) if due > 0 else 0,
            min(0x7FFFFF, max(0, expected - received)),
            self.newest - 0x10000 & 0xFFFFFFFF,
            round(self.jitter_ticks),
            last_report,
            round((now - came) * 65_536) & 0xFFFFFFFF if last_report else 0,
        )

    def timestamp_of(self, timestamp: int) -> int | None:
        """Return the track's timestamp for a host's, once the source has begun."""
        return timestamp + self.timestamp_delta & 0xFFFFFFFF if self.begun else None
