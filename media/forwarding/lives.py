"""The lives of a worker: sources and viewers that come and go, their packets, their time.

Pure: `now` is monotonic seconds, randomness is handed in, peers are known by their session's id.
"""

from collections import Counter
from collections.abc import Callable
from random import Random

from aiortc.rtp import RtcpSrPacket

from media.congestion.load import Load
from media.errors import Busy, NotLive
from media.events import MediaEvent, PublisherGone, PublisherLost, PublisherUp
from media.forwarding import feedback
from media.forwarding.encoder import Encoder
from media.forwarding.host import Host
from media.forwarding.live import Live
from media.forwarding.ports import FrameSender
from media.forwarding.viewer import Viewer
from media.stream.layer import Layer
from media.stream.ports import Source
from media.wire import rtcp
from media.wire.address import Address
from media.wire.rtp import Packet

MEDIA_TIMEOUT_S = 3.0
FIRST_MEDIA_TIMEOUT_S = 10.0  # from a host's offer to its first packet
STANDBY_S = 120.0  # how long a standby host stays away after another host's last media
RETRY_AFTER_S = 2
BUSY_RETRY_AFTER_S = 10
# While nothing of a live waits it is looked at so often: hosts expect feedback as often as this.
QUIET_TICK_S = 0.095
PAIRS_FROM_VIEWERS = 50  # in smaller lives audio goes out at once


class Lives:
    """What happens to sources is given to `listener`, which must not raise."""

    def __init__(
        self,
        sender: FrameSender,
        load: Load,
        listener: Callable[[MediaEvent], None],
        counted: Counter[str],
        rng: Random,
        zero_at: float | None = None,
        rehearses: Callable[[str], bool] = lambda room_id: False,
    ) -> None:
        """`zero_at`: when the timestamps of all lives were 0; None: when each begins.

        `rehearses` tells whether what a source of a room publishes is for its staff alone.
        """
        self._zero_at = zero_at
        self.by_room: dict[str, Live] = {}
        self._sender = sender
        self._load = load
        self._listener = listener
        self._counted = counted
        self._rng = rng
        self._rehearses = rehearses
        self._hosts: dict[str, Host] = {}
        self._viewers: dict[str, Viewer] = {}
        self._received: dict[Layer, Live] = {}  # whose packets wait for `deliver_received`
        # Room → when a source that is no standby last sent.
        self._other_source_at: dict[str, float] = {}

    # Joining and leaving

    def wait_for_turn(self, room_id: str, *, now: float) -> None:
        """A standby host wants to publish.

        Raises:
            Busy: Another host publishes, or did a moment ago.
        """
        live = self.by_room.get(room_id)
        wait_s = self._other_source_at.get(room_id, -1e9) + STANDBY_S - now
        if live is not None and live.source is not None and not live.standby:
            wait_s = BUSY_RETRY_AFTER_S
        if wait_s > 0:
            raise Busy(round(wait_s) or 1)

    def add_host(self, host: Host, *, standby: bool, now: float) -> None:
        """A WebRTC host publishes; it replaces whatever source its live has."""
        self._hosts[host.id] = host
        self.add_source(host.room_id, host, standby=standby, now=now)

    def add_source(
        self, room_id: str, source: Source, *, standby: bool, edge: bool = False, now: float
    ) -> None:
        """A source publishes; viewers of the one before stay where they can decode it.

        With `edge` it publishes at another worker: of its live nothing is given to the listener.
        """
        live = self.by_room.get(room_id)
        if live is None:
            live = self.by_room[room_id] = Live(
                room_id, self._sender, self._load, self._counted, self._zero_at
            )
        elif not live.plays(source.tracks):
            self._end_viewers(live)
            live.clear_tracks()
        previous = live.source
        if live.edge and not edge and live.on_air:
            live.on_air, live.lost_at = False, now  # the live is to begin here
        if live.edge and not edge:
            live.begin_public()  # what the other worker sent may have been a rehearsal
        live.edge = edge
        live.set_source(source, self._rng, standby=standby, now=now)
        if not edge:
            self.set_private(live, self._rehearses(room_id))
        if previous is not None:
            self._close_source(previous)

    @staticmethod
    def set_private(live: Live, private: bool) -> None:
        """A live is a rehearsal, or no longer one: nothing of it is shown then any more."""
        if live.private and not private:
            live.begin_public()
        live.private = private

    def watched(self, room_id: str) -> Live:
        """Return a live that can be watched.

        Raises:
            NotLive: Nobody publishes in that room.
        """
        live = self.by_room.get(room_id)
        if live is None or not (live.on_air or live.lost_at is not None or live.edge):
            raise NotLive(RETRY_AFTER_S)
        return live

    def add_viewer(self, viewer: Viewer) -> None:
        """A viewer joins its live, and gets media once it is connected."""
        self._viewers[viewer.id] = viewer
        self.by_room[viewer.room_id].viewers[viewer.id] = viewer

    @property
    def viewers(self) -> int:
        """How many viewers all lives have."""
        return len(self._viewers)

    def viewer(self, peer_id: str) -> Viewer | None:
        """Return the viewer of an id."""
        return self._viewers.get(peer_id)

    def on_connected(self, peer_id: str, *, now: float) -> None:
        """The peer's transport has keys."""
        host, viewer = self._hosts.get(peer_id), self._viewers.get(peer_id)
        if host is not None:
            host.connected = True
        elif viewer is not None:
            viewer.connect()
            self.by_room[viewer.room_id].forwarder.begin(viewer, now=now)

    def on_moved(self, peer_id: str, address: Address) -> None:
        """The peer is to be reached at another address."""
        viewer = self._viewers.get(peer_id)
        if viewer is not None:
            viewer.move_to(address)

    def on_handshake_resent(self, peer_id: str, *, now: float) -> None:
        """The end of the handshake was lost: a viewer could decrypt nothing so far."""
        viewer = self._viewers.get(peer_id)
        if viewer is not None and viewer.video is not None and viewer.replays.take(now=now):
            live = self.by_room[viewer.room_id]
            live.forwarder.begin_video(viewer, viewer.video, now=now)

    def on_returned(self, peer_id: str, *, now: float) -> None:
        """The peer's network was gone: too much was lost to be repaired, so a key frame is due."""
        host, viewer = self._hosts.get(peer_id), self._viewers.get(peer_id)
        live = self._live_of(host or viewer)
        if live is None or "video" not in live.tracks:
            return
        track = live.tracks["video"]
        if viewer is not None and viewer.video is not None:
            live.forwarder.request_key_frame(viewer, viewer.video, now=now)
        elif host is not None and live.source is host:
            for layer in track.flowing(now=now) or track.layers:
                layer.keys.request()
        live.send_feedback(now=now)

    def end_peer(self, peer_id: str, *, now: float) -> None:
        """A session is over: close it and forget its role; idempotent."""
        viewer = self._viewers.get(peer_id)
        if viewer is not None:
            self._end_viewer(viewer)
        host = self._hosts.get(peer_id)
        if host is not None:
            self._close_source(host)
            live = self._live_of(host)
            if live is not None and live.source is host:
                live.source = None
                self._lose(live, now)

    def end_source(self, room_id: str, source: Source, *, now: float) -> None:
        """A source that is no peer ends; the live waits for another one. Idempotent."""
        live = self.by_room.get(room_id)
        if live is not None and live.source is source:
            self._close_source(source)
            live.source = None
            self._lose(live, now)

    def become_edge(self, live: Live, *, now: float) -> None:
        """The live went to another worker; its viewers wait for what comes from there."""
        live.edge = True
        if live.private:
            live.begin_public()  # what goes on is shown as the other worker has it
        if live.source is not None:
            self._close_source(live.source)
            live.source = None
        live.interrupt()
        if live.lost_at is None:
            live.on_air, live.lost_at = False, now
        for sink in live.sinks:
            if sink is not live.forwarder:
                live.remove_sink(sink)  # the other worker has its own

    def end_live(self, live: Live) -> None:
        """Let source and viewers go."""
        self.by_room.pop(live.room_id, None)
        self._end_viewers(live)
        if live.source is not None:
            self._close_source(live.source)
        live.close()
        self._notify(live, PublisherGone(live.room_id))

    def _notify(self, live: Live, event: MediaEvent) -> None:
        # Of an edge's live its origin says what happens to it: the lease is there.
        if not live.edge:
            self._listener(event)

    def _live_of(self, peer: Host | Viewer | None) -> Live | None:
        return self.by_room.get(peer.room_id) if peer is not None else None

    def _end_viewers(self, live: Live) -> None:
        for viewer in list(live.viewers.values()):
            self._end_viewer(viewer, live)

    def _end_viewer(self, viewer: Viewer, live: Live | None = None) -> None:
        del self._viewers[viewer.id]
        viewer.transport.close()
        live = live or self.by_room[viewer.room_id]
        del live.viewers[viewer.id]
        live.forwarder.end(viewer)

    def _close_source(self, source: Source) -> None:
        self._hosts.pop(source.id, None)
        source.close()

    def _lose(self, live: Live, now: float) -> None:
        """The source's media broke off."""
        live.interrupt()
        if live.on_air:
            live.on_air = False
            live.lost_at = now
            self._notify(live, PublisherLost(live.room_id))
        elif live.lost_at is None:
            # It never began: nobody can have watched.
            self.by_room.pop(live.room_id, None)

    # Packets

    def on_rtp(self, peer_id: str, packet: Packet, clear: bytes, *, now: float) -> None:
        """A host's packet; `clear` is the whole of it, unprotected."""
        self.receive_rtp(peer_id, packet, clear, now=now)
        self.deliver_received(now=now)

    def receive_rtp(self, peer_id: str, packet: Packet, clear: bytes, *, now: float) -> None:
        """A host's packet, one of several; then call `deliver_received`."""
        self._counted["in"] += 1
        host = self._hosts.get(peer_id)
        live = self._live_of(host)
        if host is None or live is None or live.source is not host:
            return
        layer = host.take(packet, clear, now=now)
        if layer is not None:
            self._received[layer] = live

    def deliver_received(self, *, now: float) -> None:
        """Hand on what hosts sent since the last call."""
        if not self._received:
            return
        received, self._received = self._received, {}
        for layer, live in received.items():
            layer.pairs = len(live.viewers) >= PAIRS_FROM_VIEWERS
            self.deliver(live, layer, now=now)

    def deliver(self, live: Live, layer: Layer, *, now: float) -> None:
        """Hand on what a layer received; the first of it puts the live on air."""
        flows = live.deliver(layer, now=now)
        if layer.reorders and live.viewers and live.reorders:
            self._end_viewers(live)
        if flows and not live.on_air and (layer.kind == "video" or "video" not in live.tracks):
            returned, live.on_air, live.lost_at = live.lost_at is not None, True, None
            self._notify(live, PublisherUp(live.room_id, returned))

    def deliver_edge(self, live: Live, layer: Layer, *, now: float) -> None:
        """Hand on what came from another worker."""
        layer.pairs = len(live.viewers) >= PAIRS_FROM_VIEWERS
        self.deliver(live, layer, now=now)

    def on_rtcp(self, peer_id: str, packets: list[rtcp.Packet], *, now: float) -> None:
        """A host's sender reports, or a viewer's reports and requests."""
        viewer = self._viewers.get(peer_id)
        if viewer is not None:
            live = self.by_room[viewer.room_id]
            for packet in packets:
                feedback.on_packet(live, viewer, packet, now=now)
            live.forwarder.choose(viewer, now=now)
            return
        host_live = self._live_of(self._hosts.get(peer_id))
        for packet in packets if host_live is not None else ():
            if host_live is not None and isinstance(packet, RtcpSrPacket):
                for track in host_live.tracks.values():
                    for layer in track.layers:
                        feedback.pass_sender_report(host_live, track, layer, packet, now=now)

    def send_clock(self, room_id: str, encoder: Encoder, *, now: float) -> None:
        """Send viewers the encoder's clock; call it about once a second."""
        live = self.by_room.get(room_id)
        for kind, track in live.tracks.items() if live is not None else ():
            clock = encoder.clock(kind)
            if live is not None and live.source is encoder and clock is not None:
                if track.original is not None:
                    track.original.clock = clock
                feedback.send_clock(live, track, track.layers[0], *clock, now=now)

    def pass_clock(
        self, live: Live, layer: Layer, ntp_time: int, timestamp: int, *, now: float
    ) -> None:
        """Send viewers the clock of a layer that came from another worker."""
        feedback.send_clock(live, live.tracks[layer.kind], layer, ntp_time, timestamp, now=now)

    # Time

    def tick(self, *, now: float) -> None:
        """Go on with what waits: reordered packets, feedback to sources, viewers that catch up."""
        for live in list(self.by_room.values()):
            if now - live.ticked_at < QUIET_TICK_S and not live.waits:
                continue
            live.ticked_at = now
            if live.source is not None:
                for layer in live.layers():
                    self.deliver(live, layer, now=now)
                live.send_feedback(now=now)
            live.forwarder.tick(now=now)
            live.send_keepalives(now=now)

    def count_second(self, *, now: float) -> None:
        """Measure the layers, choose for viewers, notice sources that fell silent."""
        for room_id, at in list(self._other_source_at.items()):
            if now - at > STANDBY_S:
                del self._other_source_at[room_id]
        for live in list(self.by_room.values()):
            for track in live.tracks.values():
                for layer in track.all_layers:
                    self._counted["lost_in"] += layer.count_second(now=now)
                track.order()
            for viewer in list(live.viewers.values()):
                live.forwarder.choose(viewer, now=now)
                viewer.count_second()
            live.check_decodability(now=now)
            self._watch_source(live, now)

    def _watch_source(self, live: Live, now: float) -> None:
        source = live.source
        if source is None:
            return
        if source.last_media_at and not live.standby:
            self._other_source_at[live.room_id] = source.last_media_at
        if source.last_media_at:
            is_silent = now - source.last_media_at > MEDIA_TIMEOUT_S
        else:
            is_silent = now - live.source_since > FIRST_MEDIA_TIMEOUT_S
        if live.on_air and is_silent:
            self._lose(live, now)

    def end_lost(self, *, now: float, grace_s: float) -> None:
        """End the lives whose source did not come back in time."""
        for live in list(self.by_room.values()):
            returns = live.source is not None and now - live.source_since < FIRST_MEDIA_TIMEOUT_S
            if live.lost_at is not None and now - live.lost_at > grace_s and not returns:
                self.end_live(live)
