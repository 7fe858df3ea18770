"""An origin and edges of its live in virtual time, with emulated hops between them."""

from collections import Counter
from random import Random

from media.cascade.edge_source import EdgeSource
from media.cascade.subscription import LiveFormats, Subscription
from media.congestion.load import Load
from media.emulator import Conditions, EmulatedLink
from media.events import MediaEvent
from media.forwarding.downlink import Downlink
from media.forwarding.leg import Leg
from media.forwarding.live import Live
from media.forwarding.lives import Lives
from media.forwarding.rtt import Rtt
from media.forwarding.viewer import Viewer
from media.stream.frames import Run
from media.stream.layer import Layer
from media.wire import hop
from tests.support.media_forwarding import FRAME_S, ClearTransport, LiveRig, Recorder, Seen

ROOM = "demo"
TICK_S = 0.02


class _ToEdge:
    """A `HopSender` that writes datagrams without a cipher."""

    def __init__(self, rig: "HopRig") -> None:
        self._rig = rig

    def send_run(self, layer: int, run: Run) -> None:
        for number, item in enumerate(run.items, run.sequence):
            datagram = bytearray(hop.MEDIA_HEADER_BYTES) + item.payload
            flags = layer | item.marker | hop.PADDED * bool(item.first & 0x20)
            hop.write_media_header(datagram, 1, 0, flags, number, item.timestamp)
            self._rig.to_edge.send(bytes(datagram), now=self._rig.now)

    def send_message(self, message: hop.Message) -> None:
        datagram = hop.write_control_header(1, 0) + hop.write(message)
        self._rig.to_edge.send(datagram, now=self._rig.now)


class HopRig:
    """A host's live at an origin, which `run` sends over the hop to an edge with viewers.

    Of an edge `below` another one the origin is the same; drive the first one, or either.
    """

    def __init__(
        self,
        rids: tuple[str, ...] = ("",),
        conditions: Conditions | None = None,
        *,
        below: "HopRig | None" = None,
    ) -> None:
        if below is None:
            self.origin = LiveRig(rids)
            self.origin.live.on_air = True
            self.formats = LiveFormats(self.origin.live, lambda: 7)
            self.root = self
            self.rigs = [self]  # all of the tree
        else:
            self.origin, self.root = below.origin, below.root
            self.root.rigs.append(self)
        self.parent = below
        self.children: list[HopRig] = []
        self.conditions = conditions = conditions or Conditions(delay_s=0.001)
        self.counted = Counter[str]()
        self.events: list[MediaEvent] = []
        self.recorder = Recorder()
        load = Load(now=0, busy_s=0)
        self.edge = Lives(self.recorder, load, self.events.append, Counter(), Random(3))
        self.source: EdgeSource | None = None
        self.gone = False
        self.joined = 0
        self.media_received = Counter[int]()  # by layer
        self._below: LiveFormats | None = None  # of the edge's own live
        self.attach(below)

    def attach(self, parent: "HopRig | None") -> None:
        """Receive from an edge, or from the origin, from now on."""
        if self.parent is not None and self in self.parent.children:
            self.parent.children.remove(self)
        self.parent = parent
        if parent is not None:
            parent.children.append(self)
        self.to_edge = EmulatedLink(self.conditions, Random(1))
        self.to_origin = EmulatedLink(self.conditions, Random(2))
        self.subscribe()

    def formats_below(self) -> LiveFormats:
        """What edges of the edge know of the live."""
        if self._below is None:
            self._below = LiveFormats(self.live, lambda: 9)
        return self._below

    def subscribe(self) -> None:
        """Begin an association, in place of the one before if there is one."""
        live = self.origin.live if self.parent is None else self.parent.live
        formats = self.root.formats if self.parent is None else self.parent.formats_below()
        before = getattr(self, "subscription", None)
        if before is not None:
            before.live.remove_sink(before)
        self.gone = False
        self.subscription = Subscription(live, formats, _ToEdge(self), self.counted, now=self.now)
        live.add_sink(self.subscription)
        if self.source is not None:
            self.source.go_on(self._send, now=self.now)
        else:
            self._send(hop.Wants(0, 0, 0, 0))
            for _ in range(5):
                self.tick()

    def uses(self, layer: Layer) -> bool:
        """Whether viewers or edges of the edge need a layer."""
        below = (child.subscription for child in self.children)
        return self.live.forwarder.uses(layer) or any(each.uses(layer) for each in below)

    @property
    def now(self) -> float:
        return self.origin.now

    @property
    def live(self) -> Live:
        """The live at the edge."""
        return self.edge.by_room[ROOM]

    def _send(self, message: hop.Message) -> None:
        datagram = hop.write_control_header(1, 0) + hop.write(message)
        self.to_origin.send(datagram, now=self.now)

    def tick(self) -> None:
        """Let 20 ms pass at all workers, in steps of one."""
        root = self.root
        for _ in range(20):
            root.origin.pass_time(TICK_S / 20)
            for rig in root.rigs:
                rig.exchange()
        root.formats.refresh()
        root.origin.tick()
        for rig in root.rigs:
            rig.tick_edge()

    def tick_edge(self) -> None:
        """Go on with what waits at this edge."""
        self.subscription.tick(now=self.now)
        if self._below is not None:
            self._below.refresh()
        self.edge.tick(now=self.now)

    def exchange(self) -> None:
        """Hand over what has arrived here."""
        for datagram in self.to_origin.ready(now=self.now):
            message = hop.parse(datagram[hop.CONTROL_HEADER_BYTES :])
            self.subscription.receive(message, now=self.now)
        for datagram in self.to_edge.ready(now=self.now):
            if hop.kind_of(datagram) == hop.MEDIA:
                self._take_media(datagram)
            else:
                self._take_message(hop.parse(datagram[hop.CONTROL_HEADER_BYTES :]))

    def _take_media(self, datagram: bytes) -> None:
        header, payload = hop.media_header(datagram), datagram[hop.MEDIA_HEADER_BYTES :]
        self.media_received[header.layer] += 1
        if self.source is not None:
            payload = hop.unpadded(payload) if header.padded else payload
            layer = self.source.take(header, payload, now=self.now)
            if layer is not None:
                self.edge.deliver_edge(self.live, layer, now=self.now)

    def _take_message(self, message: hop.Message) -> None:
        if isinstance(message, hop.Formats):
            if self.source is None or self.source.formats.version != message.version:
                self.source = EdgeSource(
                    f"edge {message.version}",
                    message,
                    self._send,
                    self.uses,
                    self.counted,
                )
                self.edge.add_source(ROOM, self.source, standby=False, edge=True, now=self.now)
        elif isinstance(message, hop.State) and self.source is not None:
            for layer, ntp_time, timestamp in self.source.on_state(message, now=self.now):
                self.edge.pass_clock(self.live, layer, ntp_time, timestamp, now=self.now)
        elif isinstance(message, hop.Gone):
            self.gone = True

    def frames(self, count: int, *keys: str) -> None:
        """Frames of all layers, the first of them a key frame of the layers `keys`."""
        for at in range(count):
            self.origin.frame(*(keys if at == 0 else ()))
            self.origin.now -= FRAME_S
            for _ in range(round(FRAME_S / TICK_S)):
                self.tick()
            if self.origin.frame_number % 25 == 0:
                for rig in self.root.rigs:
                    rig.edge.count_second(now=self.now)

    def viewer(self) -> Viewer:
        """Somebody joins at the edge."""
        self.joined += 1
        transport = ClearTransport(("edge", self.joined))
        viewer = Viewer(f"viewer{self.joined}", ROOM, transport, Rtt(), now=self.now)
        viewer.downlinks["video"] = Downlink(self.live.tracks["video"], Leg(96, 2), Leg(97, 2))
        self.edge.add_viewer(viewer)
        self.edge.on_connected(viewer.id, now=self.now)
        return viewer

    def seen(self, viewer: Viewer) -> list[Seen]:
        """What a viewer of the edge got so far."""
        return self.recorder.seen[viewer.downlinks["video"].leg.address]
