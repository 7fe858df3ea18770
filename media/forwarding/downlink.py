"""One track for one viewer: a layer at a time, its numbers and timestamps without a seam.

A layer has numbers of its own. What the viewer gets is shifted, so that where a layer ends and the
next one begins (at a key frame), where it paused, or where a GOP was replayed, numbers go on by one
and timestamps by the time that passed. Pure: `now` is monotonic seconds.
"""

from collections import deque
from collections.abc import Sequence

from media.congestion.estimator import Arrival, Estimator
from media.forwarding.leg import Leg
from media.forwarding.spans import JoiningViewer, RetransmitItem, Span
from media.forwarding.track import Track
from media.stream.frames import Frame, Item, padding, part_of
from media.stream.layer import Layer
from media.wire.rtp import sets_parameters, starts_key_frame, unwrap
from media.wire.transport_cc import TransportFeedback

SPANS_MAX = 8
ROLLOVER_NEAR = 0x10000 - 4_096
RESENT_KEPT_MAX = 2_000
# A larger key frame would leave nothing of a viewer's retransmits for its losses.
RESENT_KEY_FRAME_PACKETS_MAX = 24
SENT_BY_MAX = 100  # ten seconds of transport-wide feedback
# Replayed frames follow each other this closely: a decoder goes through them at once.
REPLAY_STEP_S = 0.002
REPLAY_AHEAD_S_MAX = 0.010
# A congested link's queue may be shorter than a key frame, and still hold older packets: one packet
# at once, the rest paced.
PACED_BURST_BYTES = 1_200
# How much later than by its arrival the key frame of another layer may be presented.
CROSSING_S_MAX = 0.075
CROSSING_S_MIN = 0.001


class Downlink:
    """State of one track for one viewer; the live's `Forwarder` drives it."""

    def __init__(
        self, track: Track, leg: Leg, repair: Leg | None, estimator: Estimator | None = None
    ) -> None:
        self.track = track
        self.leg = leg
        self.estimator = estimator  # of a viewer that sends transport-wide feedback
        self.repair = repair  # RTX (RFC 4588); None: retransmits are the same packets
        self.repair_number = 0
        self.layer: Layer | None = None  # whose frames it gets
        self.target: Layer | None = None  # whose next key frame it waits for
        self.on = False  # among the legs of the layer
        self.paused = False
        self.pace_bits_per_s = 0.0  # bit/s at which a congested link catches up; 0: any
        self.probed_at = 0.0
        self.replayed_at = -1e9
        self.joining: JoiningViewer | None = None
        self.key_frame_resent_at = -1e9
        self._resent_key_frame: Frame | None = None
        self._duplicated = -1  # the newest packet that was sent twice as the end of a frame
        self.changes = 0
        self.answered = 0  # the report of ours (LSR) that the viewer's newest one is about
        self._clock_hz = track.codec.clock_hz
        self._next = -1  # while not `on`
        self._prompt_from = -1  # from here on sent as they arrived from the host
        self._left: tuple[int, float | None, float] | None = None  # timestamp, captured, arrived
        self._spans: deque[Span] = deque(maxlen=SPANS_MAX)
        self._unreceived = -1  # the first number not received by the newest report
        self._sent_by: deque[tuple[float, int]] = deque(maxlen=SENT_BY_MAX)  # when, next number
        self._resent: dict[int, float] = {}
        self._missed_to = self._reported_to = -1
        # Catching up: where in the layer's GOP, and how its timestamps are moved.
        self._at = self._begun = 0  # which frame, how many of its packets were sent
        self._group = -1
        self._ticks: list[int] = []
        self._credit = 0.0  # bytes, when paced
        self._credited_at = 0.0

    def begin(self, first: int) -> None:
        """The first number that the viewer gets will be `first`, or far from a rollover."""
        if first & 0xFFFF >= ROLLOVER_NEAR:
            first -= 0x8000  # a receiver that missed its beginning would not know of a rollover
        self._next = first
        self.leg.base = first >> 16 << 16

    def pad(self, layer: Layer, *, now: float) -> tuple[int, Item]:
        """Return a packet of padding to send ahead of the first frame, and its number.

        Once it arrived, browsers send NACKs for what is missing after it.
        """
        if self._next < 0:
            self.begin(layer.next_unsent)
        number = self._next
        self._next += 1
        return number, padding(layer.timestamp, now)

    def join(self, layer: Layer) -> Leg:
        """Get all of `layer` from now on, as the first layer; return the leg."""
        self.begin(layer.next_unsent)
        self._take_leg(layer, self._next - layer.next_unsent, 0)
        return self.go_on()

    def next_number(self) -> int:
        """Return the number that the next packet to the viewer will have."""
        if self.on and self.layer is not None:
            return self.layer.next_unsent + self.leg.shift
        return self._next

    @property
    def needed_from(self) -> int:
        """The first number of the current layer; the next one if only another layer is awaited."""
        if not self._spans or (self.target is not None and not self.on):
            return self._next
        return self._spans[-1].first

    def cross(self, layer: Layer, frame: Frame) -> Leg:
        """Switch to `layer`, whose `frame` comes next; return the leg to send it on."""
        self.leave()
        if self._next < 0:
            self.begin(frame.runs[0].sequence)
        shift = self._next - frame.runs[0].sequence
        self._take_leg(layer, shift, self._crossing_ticks(layer, frame))
        return self.leg

    def go_on(self) -> Leg:
        """Get frames as they arrive from now on."""
        assert self.layer is not None
        self.on, self.pace_bits_per_s = True, 0.0
        if self.target is self.layer:
            self.target = None
        self._prompt_from = self.next_number()
        return self.leg

    def leave(self) -> None:
        """The layer is not sent any longer; the numbers stay."""
        if self.layer is None:
            return
        self._next = self.next_number()
        if self.on:
            self._note_left(self.layer, self.layer.timestamp + self.leg.ticks)
        self.on, self._group = False, -1

    def _note_left(self, layer: Layer, timestamp: int) -> None:
        if self._left is not None and self._left[0] - timestamp & 0xFFFFFFFF < 0x80000000:
            timestamp = self._left[0]  # no frame since the replay
        self._left = timestamp, layer.captured_at(layer.timestamp), layer.newest_at

    def _take_leg(self, layer: Layer, shift: int, ticks: int) -> None:
        if self.layer is not layer and self.layer is not None:
            self.changes += 1
        self.layer, self.joining = layer, None
        if (shift, ticks & 0xFFFFFFFF) != (self.leg.shift, self.leg.ticks):
            self.leg = self.leg.moved(shift, ticks)
        self._spans.append(Span(self._next, layer, self.leg, {}))

    def _crossing_ticks(self, layer: Layer, frame: Frame) -> int:
        """Return how to move the timestamps of `layer` to present `frame` in its turn."""
        if self._left is None:
            return 0
        timestamp, captured, arrived_at = self._left
        elapsed = by_arrival = layer.newest_at - arrived_at
        begins = layer.captured_at(frame.timestamp)
        if captured is not None and begins is not None:
            elapsed = begins - captured
        elapsed = max(CROSSING_S_MIN, min(elapsed, by_arrival + CROSSING_S_MAX))
        return timestamp + round(elapsed * self._clock_hz) - frame.timestamp

    # Catching up

    def replay(self, layer: Layer) -> None:
        """Begin to catch up with `layer` from its newest key frame on."""
        assert layer.gop
        self.leave()
        ticks = 0
        if self._left is not None:
            # The newest frame has its turn when the layer's next one would have arrived.
            newest = layer.gop[-1]._replace(timestamp=layer.timestamp)
            ticks = self._crossing_ticks(layer, newest)
        if self._next < 0:
            self.begin(layer.gop[0].runs[0].sequence)
        self._take_leg(layer, self._next - layer.gop[0].runs[0].sequence, ticks)
        self._squeeze(layer)

    def _squeeze(self, layer: Layer) -> None:
        """Move the timestamps of the whole GOP to just before the newest frame's."""
        count = len(layer.gop)
        step_s = min(REPLAY_STEP_S, REPLAY_AHEAD_S_MAX / count) if self._left else REPLAY_STEP_S
        step = max(1, round(step_s * self._clock_hz))
        ahead = step * count if self._left else 0  # what was presented before must stay before
        self._at, self._begun, self._group = 0, 0, layer.key_frames
        self._ticks = [
            layer.timestamp + ahead - (count - 1 - at) * step - frame.timestamp
            for at, frame in enumerate(layer.gop)
        ]

    def slow_down(self, bits_per_s: float, *, now: float) -> None:
        """The link is congested: what follows is paced, with credit from `now` on."""
        self.pace_bits_per_s, self._credit, self._credited_at = bits_per_s, 0.0, now

    def earn(self, *, now: float) -> None:
        """Time has passed: a paced link may be sent more."""
        elapsed, self._credited_at = now - self._credited_at, now
        self._credit = min(PACED_BURST_BYTES, self._credit + self.pace_bits_per_s / 8 * elapsed)

    def allowed(self, packets: int) -> int:
        """Return how many of `packets` may be sent next."""
        if not self.pace_bits_per_s:
            return packets
        return 1 if self._credit > 0 else 0

    def next_replayed(self, packets: int) -> Frame | None:
        """Return the next frame to catch up with, its timestamp moved, or `packets` of it.

        None: it has caught up.
        """
        layer = self.layer
        assert layer is not None
        if self._group != layer.key_frames:
            # A key frame arrived meanwhile: nothing before it is needed any more.
            if not layer.gop:
                return None
            shift = self._next - layer.gop[0].runs[0].sequence
            self._take_leg(layer, shift, self.leg.ticks)
            self._at, self._begun, self._group, self._ticks = 0, 0, layer.key_frames, []
        if self._at >= len(layer.gop):
            return None
        frame = layer.gop[self._at]
        ticks = self._ticks[self._at] if self._at < len(self._ticks) else 0
        begin, end = self._begun, min(frame.packets, self._begun + packets)
        if end == frame.packets:
            self._at, self._begun = self._at + 1, 0
        else:
            self._begun = end
        if end - begin < frame.packets:
            frame = frame._replace(runs=part_of(frame.runs, begin, end), packets=end - begin)
        self._credit -= sum(len(item.payload) for run in frame.runs for item in run.items)
        span = self._spans[-1]
        if ticks:
            for run in frame.runs:
                for number in range(run.sequence, run.sequence + len(run.items)):
                    span.replayed[number] = ticks
        last = frame.runs[-1]
        self._next = last.sequence + len(last.items) + self.leg.shift
        self._left = (
            frame.timestamp + ticks + self.leg.ticks,
            layer.captured_at(frame.timestamp),
            layer.newest_at,
        )
        return frame._replace(shift=ticks)

    def key_frame_items(self, *, since: float, whole: bool) -> list[RetransmitItem]:
        """Return the packets of the newest H.264 key frame, if it arrived `since` and was sent.

        Slice heads come first; if it is to be `whole`, and is not large, all of it follows.
        Parameter sets are left out but for a second request of the same key frame.
        """
        layer = self.layer
        if layer is None or not self.on or not layer.gop or layer.codec.name != "H264":
            return []
        key = layer.gop[0]
        if layer.ring[key.runs[0].sequence].at < since:
            return []
        with_sets, self._resent_key_frame = self._resent_key_frame is key, key
        span = self._spans[-1]
        items = [
            RetransmitItem(number + span.leg.shift, item, span, span.replayed.get(number, 0))
            for run in key.runs
            for number, item in enumerate(run.items, run.sequence)
            if number + span.leg.shift >= span.first
            and (with_sets or not sets_parameters(item.payload))
        ]
        heads = [one for one in items if starts_key_frame("H264", one.item.payload)]
        return heads + items if whole and len(items) <= RESENT_KEY_FRAME_PACKETS_MAX else heads

    def last_packet_item(self) -> RetransmitItem | None:
        """Return the newest packet, which ends a frame; None: it was returned before."""
        layer = self.layer
        if layer is None or not self.on:
            return None
        span, own = self._spans[-1], layer.next_unsent - 1
        kept = layer.ring.get(own)
        if kept is None or own + span.leg.shift < max(span.first, self._duplicated + 1):
            return None
        self._duplicated = own + span.leg.shift
        return RetransmitItem(self._duplicated, kept.item, span, span.replayed.get(own, 0))

    @property
    def caught_up(self) -> bool:
        """Whether all frames of the layer so far were sent."""
        layer = self.layer
        return (
            layer is not None
            and bool(layer.gop)
            and self._group == layer.key_frames
            and self._at == len(layer.gop)
        )

    # Losses and reports

    def missed(
        self, sequence: int, *, now: float, rtt_s: float, newest_only: bool = False
    ) -> RetransmitItem | None:
        """Return the lost packet of a 16-bit number, if it is still kept.

        None as well while an earlier retransmit may be in flight. With `newest_only` what is older
        than the key frame at which the current layer began, or shall begin, is left alone.
        """
        following = self.next_number()
        number = unwrap(sequence, following)
        if newest_only and number < self.needed_from:
            return None
        if number >= following or now - self._resent.get(number, -1e9) < rtt_s:
            return None
        for span in reversed(self._spans):
            if number >= span.first:
                own = number - span.leg.shift
                kept = span.layer.ring.get(own)
                if kept is None:
                    return None
                return RetransmitItem(number, kept.item, span, span.replayed.get(own, 0))
        return None

    def in_flight(self, highest: int) -> int:
        """Return how many packets were sent after number `highest` (16 bits)."""
        following = self.next_number()
        return following - 1 - unwrap(highest & 0xFFFF, following)

    def retransmits_in_flight(self, highest: int) -> int:
        """Return how many retransmits were sent after number `highest` (16 bits) of their SSRC."""
        return self.repair_number - 1 - unwrap(highest & 0xFFFF, self.repair_number)

    def queuing_delay_s(self, in_flight: int, *, now: float) -> float | None:
        """Return how long ago the first of the newest `in_flight` packets was sent; 0: none.

        None if that is unknown: it was sent later than it arrived from the host.
        """
        number = self.next_number() - in_flight
        if not self.on or self.layer is None or number < self._prompt_from:
            return None
        kept = self.layer.ring.get(number - self.leg.shift)
        return now - kept.at if kept is not None else 0.0

    def oldest_in_flight_s(self, in_flight: int, *, now: float) -> float | None:
        """Return the least age of the oldest of the newest `in_flight` packets; 0 if there is none.

        It follows from what had been sent at earlier calls, of whatever layer. None if nothing was
        received since: an outage, or the rest is lost.
        """
        following, sent = self.next_number(), self._sent_by
        unreceived, before = following - in_flight, self._unreceived
        self._unreceived = unreceived
        while sent and sent[0][1] <= unreceived:
            sent.popleft()
        oldest_in_flight_s = now - sent[0][0] if sent else 0.0
        sent.append((now, following))
        return oldest_in_flight_s if unreceived > before or not in_flight else None

    def arrival(self, report: TransportFeedback, in_flight: int) -> Arrival | None:
        """Return the arrival of the newest packet received, after which `in_flight` were sent.

        Transport-wide numbers are our sequence numbers: those of one viewer have no gaps. None if
        there is nothing new.
        """
        number = self.next_number() - 1 - in_flight
        since = max(self._reported_to, self._prompt_from - 1)
        if not self.on or self.layer is None or in_flight < 0 or number <= since:
            return None
        kept = self.layer.ring.get(number - self.leg.shift)
        if kept is None:
            return None
        self._reported_to = number
        received = (number - since) * report.received / report.packets
        return Arrival(kept.at, report.at, received * self.layer.packet_bits)

    def newly_missed(self, lost: Sequence[int]) -> int:
        """Return how many of `lost`, 16-bit numbers, are in a NACK for the first time.

        Only of what was sent as it arrived from the host: losses of a GOP that was sent at once do
        not show how much the link carries.
        """
        following = self.next_number()
        numbers = [unwrap(sequence, following) for sequence in lost]
        after = max(self._missed_to, self._prompt_from - 1) if self.on else following
        self._missed_to = max(self._missed_to, *numbers)
        return sum(number > after for number in numbers)

    def note_retransmit(self, number: int, *, now: float) -> None:
        """A packet was resent."""
        if len(self._resent) > RESENT_KEPT_MAX:
            self._resent.clear()
        self._resent[number] = now
