"""One layer of a track: a source's packets in order, renumbered without seams, made into frames.

A source may go and come back with other numbers: the layer's own sequence numbers (48 bits, the
lower 16 on the wire) and timestamps go on as if nothing had happened, by the time that passed.
Pure: `now` is monotonic seconds; timestamps are RTP ticks.
"""

from collections.abc import Sequence
from typing import NamedTuple

from media.stream.frames import Frame, SourcePacket
from media.stream.key_requests import KeyFrameRequests
from media.stream.nack import NACK_INTERVAL_S, Nacks
from media.stream.parameter_sets import ParameterSets
from media.stream.reorder import OVERTAKEN_S, REPAIR_S
from media.stream.rtp_source import RtpSource
from media.stream.sent_frames import SentFrames
from media.stream.timeline import LAYER_DROPPED_S, Timeline
from media.wire.codec import Codec
from media.wire.frame_size import Size, frame_size_of
from media.wire.rtp import Packet, starts_key_frame, unwrap

FRAME_PACKETS_MAX = 1_000
# A retransmit that takes so long was lost more than once: a key frame is requested beside it, and
# whichever is complete first is used. Sooner, key frames would end waits that the playout delay of
# viewers covers.
KEY_FRAME_REQUEST_AFTER_S = 0.300
KEY_FRAME_SEARCH_INTERVAL_S = 0.020  # among the packets that wait
FRAMES_PER_S_MIN = 10.0  # of video that is expected to move
SILENT_S = 1.5  # without a frame for so long a layer does not flow
LAYER_DROPPED_FRAMES = 4
# Access units whose composition times differ by more are not sent in the order they are shown.
COMPOSITION_JITTER_S = 0.001
# Two packets of audio are sent in one call: half of the calls, 20 ms later.
PAIR_WAIT_S = 0.030


class Announced(NamedTuple):
    """What another worker says of a layer, which this one receives only where it is needed."""

    flows: bool
    bits_per_s: float


class Layer(SentFrames):
    """After `receive` or `add_frame`, `poll` returns the frames that are to be sent.

    `rid` names one of several layers of a video (RFC 8852); a source that sends one has "".
    """

    def __init__(
        self,
        kind: str,
        codec: Codec,
        first_sequence: int,
        rid: str = "",
        timeline: Timeline | None = None,
        *,
        keeps_times: bool = False,
    ) -> None:
        """With `keeps_times`, what comes in has timestamps of this layer's own timeline."""
        super().__init__(kind, first_sequence)
        self.codec = codec
        self.rid = rid
        self.timeline = timeline or Timeline(codec.clock_hz)
        self.received_at = float("-inf")
        self.size: Size | None = None
        self.lost = 0
        self.nacks = Nacks()
        self.keys = KeyFrameRequests()
        self.pairs = False  # packets of audio are sent by two
        self.can_start = False  # the source has sent a key frame that a decoder can start from
        self.reorders = False  # the source sends B-frames: no WebRTC viewer can be shown them
        self.parameter_sets = ParameterSets()  # of H.264
        self.public_from = first_sequence  # what was sent before was a rehearsal's
        # The source's clock: an NTP time (64 bits) and the timestamp of that moment.
        self.clock: tuple[int, int] | None = None
        self._lost_counted = 0
        self._next = first_sequence
        self._source: RtpSource | None = None
        self._searched_at = 0.0
        self._frame: list[SourcePacket] = []
        self._frame_timestamp = 0
        self._frame_key = False
        self._frame_holed = False  # a packet in the middle of it was lost
        self._added: list[Frame] = []
        self.keeps_times = keeps_times
        # For how long a gap may block what comes after it.
        self.patience_s = REPAIR_S if kind == "video" else OVERTAKEN_S
        self.announced: Announced | None = None
        self._added_delta: int | None = None  # from a source's timestamps, of `add_frame`, to ours
        self._composition: int | None = None  # of the first access unit of `add_frame`

    @property
    def waits_for_key(self) -> bool:
        """Whether a new source has yet to begin with a key frame."""
        begun = self._source.begun if self._source is not None else self._added_delta is not None
        return self.kind == "video" and not begun

    @property
    def waits(self) -> bool:
        """Whether a repair, a key frame or the second packet of a pair is awaited."""
        if self.keys.pending or self._added:
            return True
        source = self._source
        if source is None:
            return False
        return source.reorder.holds or not source.begun or (bool(self._frame) and self.pairs)

    @property
    def source(self) -> RtpSource | None:
        """The RTP source that sends now."""
        return self._source

    def flows(self, *, now: float) -> bool:
        """Whether frames arrive, and the other layers do not go on without this one."""
        if self.announced is not None:
            return self.announced.flows
        if not self.frames_sent or now - self.newest_at > SILENT_S:
            return False
        timeline = self.timeline
        alone_s = timeline.received_at - max(self.received_at, timeline.received_since)
        return alone_s < LAYER_DROPPED_S or alone_s * self.frames_per_s < LAYER_DROPPED_FRAMES

    def receive(self, packet: Packet, *, now: float) -> None:
        """Take a host's packet; then call `poll`."""
        source = self._source
        number = source.number_of(packet) if source is not None else None
        if source is None or number is None:
            if source is not None:
                self._added += self.poll(now=now)
            self._end_frame(now)
            source = self._source = RtpSource(packet, self.codec.clock_hz, self.patience_s)
            self.can_start, number = False, source.newest
        if packet.payload:
            self.received_at = now
            self.timeline.on_packet(now=now)
        source.receive(packet, number, now=now)
        if self.nacks.sent:
            self.nacks.on_packet(packet.sequence, now=now)

    def receive_retransmit(self, packet: Packet, *, now: float) -> None:
        """Take a packet that was requested and came on an SSRC of its own; then call `poll`."""
        source = self._source
        if source is not None and self.nacks.is_requested(packet.sequence):
            source.reorder.receive(unwrap(packet.sequence, source.newest), packet, now=now)
        self.nacks.on_packet(packet.sequence, now=now)

    def add_frame(
        self,
        payloads: Sequence[bytes],
        timestamp: int,
        *,
        key: bool,
        composition: int = 0,
        now: float,
    ) -> None:
        """Take an access unit that arrived whole, as the RTP payloads of it; then call `poll`.

        Of a source that is no RTP host: nothing is reordered, requested or lost. `timestamp` is the
        source's, in ticks of the codec's clock: when it is shown, `composition` ticks after it is
        decoded. Video before the first key frame is left out.
        """
        if self._added_delta is None:
            if self.kind == "video" and not key:
                return
            self._end_frame(now)
            self._added_delta = 0 if self.keeps_times else self._next_timestamp(now) - timestamp
            self._composition = composition
        if self._composition is not None:
            moved = abs(composition - self._composition)
            self.reorders |= moved > COMPOSITION_JITTER_S * self.codec.clock_hz
        if key:
            self.size = frame_size_of(self.codec.name, payloads[0]) or self.size
            self.can_start = True
        self.received_at = self.newest_at = now
        self.timeline.on_packet(now=now)
        own = timestamp + self._added_delta & 0xFFFFFFFF
        last = len(payloads) - 1
        parts = [
            SourcePacket(self._next + at, own, at == last, payload)
            for at, payload in enumerate(payloads)
        ]
        self._next += len(parts)
        self._added.append(self._keep(parts, own, key, now, composition))

    def lose_source(self) -> None:
        """The source is gone; whatever comes next is another one's."""
        self._source = self._added_delta = self._composition = self.clock = None
        self.can_start = self.reorders = False

    def leave_out(self) -> None:
        """The source sends nothing of it until it is needed again: its GOP gets old."""
        clock = self.clock
        self.lose_source()
        self.clock = clock
        self._end_frame(self.newest_at)
        self.clear_gop()
        self.nacks, self.keys.pending = Nacks(), False

    def begin_public(self) -> None:
        """Nobody is shown what was received so far, a rehearsal: what waits of it is dropped."""
        if self._source is not None:
            self.leave_out()
        self.clear_gop()
        self.public_from = self._next
        if self.kind == "video":
            self.keys.request()

    def missing(self) -> list[int]:
        """Host sequence numbers (16 bits) of the gaps that block the live."""
        return [n & 0xFFFF for n in self._source.reorder.missing()] if self._source else []

    def poll(self, *, now: float) -> list[Frame]:
        """Return the frames that are complete, in order."""
        out: list[Frame] = []
        if self._added:
            out, self._added = self._added, []
            self.prune(now=now)
        source = self._source
        if source is None:
            return out
        if (
            self.blocked_s(now=now) > KEY_FRAME_REQUEST_AFTER_S
            and now - self._searched_at >= KEY_FRAME_SEARCH_INTERVAL_S
        ):
            self._searched_at = now
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
                source.begun = True
                source.sequence_delta = self._next - number
                source.first_sent = self._next
                source.timestamp_delta = self._timestamp_delta(packet, now)
            if not packet.payload:
                # Padding that probes the host's link: its number must not become a gap.
                source.sequence_delta -= 1
                continue
            if key or self._frame_key:
                out += self._put_parameter_sets(source, number, packet, now)
            out += self._take(source, number, packet, key, now)
        if self.kind == "audio" and now - self.newest_at > PAIR_WAIT_S:
            out += self._end_frame(now)
        self.prune(now=now)
        return out

    def _put_parameter_sets(
        self, source: RtpSource, number: int, packet: Packet, now: float
    ) -> list[Frame]:
        """Put the sets, under numbers of their own, before a key frame that came without."""
        out: list[Frame] = []
        # An edge's edges know its packets by the origin's numbers: none is added to them.
        if self.codec.name != "H264" or self.announced is not None:
            return out
        for payload in self.parameter_sets.before(packet):
            self.size = frame_size_of(self.codec.name, payload) or self.size
            added = packet._replace(marker=False, payload=payload)
            out += self._take(source, number, added, True, now)
            source.sequence_delta += 1
        return out

    def _whole_key_frame(self, source: RtpSource) -> int | None:
        """Return where a key frame begins that waits for nothing but what is before it."""
        begin, expected = None, 0
        for number, packet in source.reorder.held():
            if number != expected:
                begin = None
            # With its size come its parameter sets: viewers can start at it.
            if begin is None and frame_size_of(self.codec.name, packet.payload):
                begin = number
            if begin is not None and packet.marker:
                return begin
            expected = number + 1
        return None

    def _next_timestamp(self, now: float) -> int:
        """Return the timestamp at which a new source goes on, by the time that passed."""
        if not self.frames_sent:
            return self.timeline.ticks(now=now)
        elapsed = max(0.0, now - self.newest_at)
        return self.timestamp + max(1, round(elapsed * self.codec.clock_hz))

    def _timestamp_delta(self, first: Packet, now: float) -> int:
        """Return what is added to a new source's timestamps, of which `first` has the first."""
        # Time never goes back, even where two workers' clocks differ.
        ahead = (first.timestamp - self.timestamp + 0x80000000 & 0xFFFFFFFF) > 0x80000000
        if self.keeps_times and (ahead or not self.frames_sent):
            return 0
        return self._next_timestamp(now) - first.timestamp

    def _take(
        self, source: RtpSource, number: int, packet: Packet, key: bool, now: float
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
        self._frame.append(SourcePacket(sequence, timestamp, packet.marker, packet.payload))
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
        key = self._frame_key and not self._frame_holed
        self._frame_key = self._frame_holed = False
        return [self._keep(packets, self._frame_timestamp, key, now)]

    def _keep(
        self,
        packets: list[SourcePacket],
        timestamp: int,
        key: bool,
        now: float,
        composition: int = 0,
    ) -> Frame:
        if key and self.kind == "video":
            self.keys.on_key_frame()
            self.can_start |= self.codec.name != "H264" or self.parameter_sets.complete
        return self.keep(packets, timestamp, key=key, composition=composition, now=now)

    def count_second(self, *, now: float) -> int:
        """Call about once a second: measure, and return how many packets were lost since."""
        self.measure(now=now)
        if self.announced is not None:
            self.bits_per_s = self.announced.bits_per_s
        if self._source is not None:
            self._source.reorder.decay()
        lost, self._lost_counted = self.lost - self._lost_counted, self.lost
        return lost

    def blocked_s(self, *, now: float) -> float:
        """Return for how long a gap has blocked the video; 0: there is none."""
        source = self._source
        return source.reorder.blocked_s(now=now) if source and self.kind == "video" else 0.0

    @property
    def repair_delay_s(self) -> float:
        """For how long losses of the host's link may block the video, by how long they did of late.

        A retransmit that is lost itself takes a round trip longer, and that something is missing
        shows when the next frame arrives.
        """
        source = self._source
        blocked_s = source.reorder.blocked_s_max if source and self.kind == "video" else 0.0
        if blocked_s < NACK_INTERVAL_S:
            return blocked_s
        return blocked_s + self.nacks.rtt_s + 1 / max(FRAMES_PER_S_MIN, self.frames_per_s)

    def age_s(self, frame: Frame, *, now: float) -> float:
        """Return how long ago a frame of the GOP arrived, by its timestamp."""
        # One that is shown later than the newest has a greater one.
        behind = (self.timestamp - frame.timestamp + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        return max(0, behind) / self.codec.clock_hz + now - self.newest_at

    def captured_at(self, timestamp: int) -> float | None:
        """Return when, by the host's clock (s since 1900), the layer's `timestamp` was captured.

        None: the host has not sent its clock yet.
        """
        return self._source.captured_at(timestamp) if self._source else None
