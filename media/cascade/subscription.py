"""What a worker sends one edge: the layers that it needs, packets that were lost, how the live is.

The worker is the live's origin, or an edge itself, whose edges know formats, numbers and timestamps
as it knows them from the origin: for them one parent is as good as another.
Pure: `now` is monotonic seconds; the hop itself is a `HopSender`'s.
"""

from collections import Counter, deque
from collections.abc import Callable
from typing import Protocol

from media.cascade.edge_source import EdgeSource
from media.forwarding.live import Live
from media.stream.frames import HEADER_BYTES, TAG_BYTES, Frame, Run
from media.stream.layer import Layer
from media.wire import hop
from media.wire.codec import Codec
from media.wire.hop import LAYERS_MAX, PARAMETERS_BYTES_MAX, Format, Formats, LayerState, State
from media.wire.rtp import unwrap

EXPIRES_S = 3.0  # an edge that was silent so long is gone; it sends something every 0.5 s
# A cached GOP is sent at once if it is that little, else so many packets every 20 ms.
AT_ONCE_PACKETS = 150
PACED_PACKETS = 150
# A message of what changed may be lost: the next answer to the edge's `Wants` has it, too.
STATE_INTERVAL_S = 0.1


class HopSender(Protocol):
    """The way to one edge. Neither call waits or raises; delivery is that of UDP."""

    def send_run(self, layer: int, run: Run) -> None:
        """Send packets of the layer of this index, with `PRIVATE` where they are a rehearsal's."""

    def send_message(self, message: hop.Message) -> None:
        """Send a message."""


class LiveFormats:
    """The tracks of a live as its edges know them; the same for all of these."""

    def __init__(self, live: Live, draw_version: Callable[[], int]) -> None:
        """`draw_version` returns a number from 1 to 0x7FFF that was not used of late."""
        self.layers: list[Layer] = []
        self.formats = Formats(0xFFFF, ())
        self._live = live
        self._draw_version = draw_version
        self._passed_on: EdgeSource | None = None  # the source, where the origin is elsewhere
        self._own = False  # the formats are this worker's
        self.refresh()

    def refresh(self) -> None:
        """Notice other tracks or layers."""
        source = self._live.source
        if isinstance(source, EdgeSource):
            if source is not self._passed_on:
                self._passed_on, self._own = source, False
                self.layers, self.formats = source.layers, source.formats
        elif not self._live.edge:  # else it is looked for
            self._passed_on = None
            self._refresh_own()

    def _refresh_own(self) -> None:
        tracks, layers = [], []
        for kind, track in sorted(self._live.tracks.items()):
            rids = tuple(layer.rid for layer in track.layers)
            tracks.append(Format(kind, _bare(track.codec), rids))
            layers += track.layers
        # Their order may change as long as they are the same.
        if (set(layers) != set(self.layers) or not self._own) and len(layers) <= LAYERS_MAX:
            self.layers = layers
            # Another origin may have counted on from the same version.
            version = self.formats.version % 0xFFFF + 1 if self._own else self._draw_version()
            self.formats, self._own = Formats(version, tuple(tracks)), True

    def number(self, layer: Layer, sequence: int) -> int | None:
        """Return the number by which edges know a packet; None: they do not know it."""
        if self._passed_on is None:
            return sequence
        # Of another source nobody knows anything before the next `refresh`.
        known = self._live.source is self._passed_on
        return self._passed_on.number(layer, sequence) if known else None

    def sequence(self, layer: Layer, number: int) -> int | None:
        """Return the layer's number of a packet, of which 16 bits count."""
        return self._passed_on.sequence(layer, number) if self._passed_on else number

    @property
    def private(self) -> bool:
        """Whether what is sent now is a rehearsal."""
        return self._passed_on.is_private if self._passed_on else self._live.private


class Subscription:
    """A `FrameSink` for one edge: `receive` what it sends, and call `tick` every few milliseconds.

    A slow edge: nothing waits for one; what UDP loses it requests again, or a key frame.
    """

    def __init__(
        self, live: Live, formats: LiveFormats, sender: HopSender, counted: Counter[str],
        *, now: float,
    ) -> None:  # fmt: skip
        self.live = live
        self.closed = False
        self.heard_at = now
        self._formats = formats
        self._sender = sender
        self._counted = counted
        self._version = 0  # of the formats that the edge knows
        self._wanted = 0
        self._replays: dict[int, deque[Frame]] = {}  # by layer: what is yet to be sent
        self._state: State | None = None
        self._state_at = 0.0
        self._echo_ms = 0

    def frame(self, layer: Layer, frame: Frame, *, now: float) -> None:
        """Send a frame, or put it behind the GOP that is being sent."""
        if self.closed or not self._wanted or layer not in self._formats.layers:
            return
        index = self._formats.layers.index(layer)
        if not self._wanted >> index & 1:
            return
        replay = self._replays.get(index)
        if replay is not None:
            replay.append(frame)
        else:
            self._send(index, frame)

    def receive(self, message: hop.Message, *, now: float) -> None:
        """Take a message of the edge."""
        self.heard_at = now
        match message:
            case hop.Wants():
                self._on_wants(message, now)
            case hop.Nack(index, numbers) if self._version == self._formats.formats.version:
                self._resend(index, numbers)
            case hop.Bye():
                self.closed = True

    def introduce(self, *, now: float) -> None:
        """Begin with an edge that knows nothing of the live yet."""
        self._sender.send_message(self._formats.formats)
        self._send_state(self._state_now(now), now)

    def uses(self, layer: Layer) -> bool:
        """Whether the edge needs a layer."""
        layers = self._formats.layers
        return layer in layers and bool(self._wanted >> layers.index(layer) & 1)

    def expired(self, *, now: float) -> bool:
        """Whether the edge is gone."""
        return self.closed or now - self.heard_at > EXPIRES_S

    def tick(self, *, now: float) -> None:
        """Go on with GOPs, and say what changed."""
        if self._version != self._formats.formats.version:
            self._wanted = 0
            self._replays.clear()
        for index in list(self._replays):
            self._replay(index, PACED_PACKETS)
        if now - self._state_at >= STATE_INTERVAL_S and self._version:
            before, state = self._state, self._state_now(now)
            if before is None or _gist(before) != _gist(state):
                self._send_state(state, now)

    def close(self) -> None:
        """The live is over, or goes on at another worker."""
        if not self.closed:
            self.closed = True
            self._sender.send_message(hop.Gone())

    def _on_wants(self, wants: hop.Wants, now: float) -> None:
        formats = self._formats.formats
        self._echo_ms = wants.sent_ms
        self._version = wants.formats
        if wants.formats != formats.version:
            self._sender.send_message(formats)
        else:
            layers = self._formats.layers
            begun = wants.layers & ~self._wanted
            self._wanted = wants.layers
            for index, layer in enumerate(layers):
                bit = 1 << index
                if begun & bit and layer.gop:
                    self._replays[index] = deque(layer.gop)
                    self._replay(index, AT_ONCE_PACKETS)
                elif not wants.layers & bit:
                    self._replays.pop(index, None)
                elif index in self._replays:
                    pass  # it has a key frame
                elif (wants.keys | begun) & bit and layer.kind == "video":
                    layer.keys.request()
        self._send_state(self._state_now(now), now)

    def _replay(self, index: int, packets: int) -> None:
        replay = self._replays[index]
        while replay and packets > 0:
            frame = replay.popleft()
            packets -= frame.packets
            self._send(index, frame)
        if not replay:
            del self._replays[index]

    def _send(self, index: int, frame: Frame) -> None:
        first = frame.runs[0].sequence
        number = self._formats.number(self._formats.layers[index], first)
        if number is None:
            return  # of the cached GOP of a source before
        layer = self._flagged(index, first)
        for run in frame.runs:
            if number != first:
                run = run._replace(sequence=run.sequence - first + number)
            self._sender.send_run(layer, run)
        self._counted["hop_packets_out"] += frame.packets

    def _resend(self, index: int, numbers: tuple[int, ...]) -> None:
        if index >= len(self._formats.layers):
            return
        layer = self._formats.layers[index]
        self._counted["hop_nacks_in"] += 1
        for number in numbers:
            sequence = self._formats.sequence(layer, number)
            if sequence is None:
                return
            whole = unwrap(sequence & 0xFFFF, layer.next_unsent)
            kept = layer.ring.get(whole)
            known_as = self._formats.number(layer, whole)
            if kept is not None and known_as is not None:
                item = kept.item
                segment = HEADER_BYTES + len(item.payload) + TAG_BYTES
                flagged = self._flagged(index, whole)
                self._sender.send_run(flagged, Run(known_as, (item,), segment, item.stamp >= 0))
                self._counted["hop_resent"] += 1

    def _flagged(self, index: int, sequence: int) -> int:
        """Return what a packet has as `layer`: of a rehearsal's the edge must know."""
        private = self._formats.private or sequence < self._formats.layers[index].public_from
        return index | hop.PRIVATE if private else index

    def _state_now(self, now: float) -> State:
        live = self.live
        return State(
            live.on_air,
            live.reorders,
            self._formats.formats.version,
            self._echo_ms,
            tuple(_layer_state(layer, now) for layer in self._formats.layers),
        )

    def _send_state(self, state: State, now: float) -> None:
        self._state, self._state_at = state, now
        self._echo_ms = 0  # what is sent on its own later answers nothing
        self._sender.send_message(state)


def _layer_state(layer: Layer, now: float) -> LayerState:
    width, height = (layer.size.width, layer.size.height) if layer.size else (0, 0)
    bits_per_s = min(0xFFFFFFFF, round(layer.bits_per_s))
    flows = layer.flows(now=now)
    return LayerState(flows, bits_per_s, width, height, layer.clock or (0, 0))


def _gist(state: State) -> tuple[object, ...]:
    """Return what an edge is to know at once, clocks among it; rates can wait."""
    layers = tuple((layer.flows, layer.height, layer.clock) for layer in state.layers)
    return state.on_air, state.reorders, state.formats, layers


def _bare(codec: Codec) -> Codec:
    """Return a codec without parameter sets: those are in the stream, and may be long."""
    parts = [part for part in codec.parameters.split(";") if "sprop-parameter-sets" not in part]
    parameters = ";".join(parts)
    if len(parameters.encode()) > PARAMETERS_BYTES_MAX:
        parameters = ""
    return Codec(codec.name, codec.payload_type, codec.clock_hz, parameters)
