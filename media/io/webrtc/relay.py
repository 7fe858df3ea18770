"""The rooms of a worker: hosts' packets to viewers, what viewers say back, what time brings."""

import secrets
from collections import Counter
from collections.abc import Callable
from time import monotonic

from aiortc.rtp import RtcpSrPacket

from media.congestion.estimator import Estimator
from media.errors import Busy, NotLive
from media.events import MediaEvent, PublisherGone, PublisherLost, PublisherUp
from media.forwarding import feedback
from media.forwarding.downlink import Downlink
from media.forwarding.forwarder import Forwarder
from media.forwarding.leg import Leg
from media.forwarding.live import Live, Track
from media.forwarding.uplink import Uplink
from media.io.webrtc.session import Role, Session
from media.io.webrtc.sessions import Sessions
from media.stream.layer import Layer, Timeline
from media.wire import rtcp, sdp, transport_cc
from media.wire.rtp import Packet

MEDIA_TIMEOUT_S = 3.0
COMES_WITHIN_S = 10.0  # from a host's offer to its first packet
REASSURE_EVERY_S = 0.5
STANDBY_S = 120.0  # how long a standby host stays away after another host's last media
RETRY_AFTER_S = 2
PAIRS_FROM_VIEWERS = 50  # in smaller rooms sound goes out at once
REPEATS_SHARE = 0.15  # of what is sent anyway
REPEATS_PER_S_MIN = 10.0
NO_EXTENSION_ID = 15  # who reads this reads no further (RFC 8285 section 4.2)
SEQUENCE_START_MAX = 30_000  # far from a rollover, which a lost first packet would hide


class Relay:
    """What happens to hosts is told to `listener`, which must not raise."""

    def __init__(
        self,
        sessions: Sessions,
        forwarder: Forwarder,
        listener: Callable[[MediaEvent], None],
        counted: Counter[str],
    ) -> None:
        self.rooms: dict[str, Live] = {}
        self._sessions = sessions
        self._forwarder = forwarder
        self._listener = listener
        self._counted = counted
        # Room → when a host that is no standby last sent.
        self._other_host_at: dict[str, float] = {}

    # Who comes and goes

    def wait_for_turn(self, room_id: str, *, now: float) -> None:
        """A standby host asks for the room.

        Raises:
            Busy: Another host publishes, or did a moment ago.
        """
        room = self.rooms.get(room_id)
        host = room.publisher if room else None
        wait_s = self._other_host_at.get(room_id, -1e9) + STANDBY_S - now
        if host is not None and not host.standby:
            wait_s = RETRY_AFTER_S * 5
        if wait_s > 0:
            raise Busy(round(wait_s) or 1)

    def add_host(self, session: Session, chosen: dict[str, sdp.Sending]) -> None:
        """A host takes the room's place, and the streams it will send that of those before."""
        room = self.rooms.get(session.room_id)
        if room is not None and not _same_codecs(room, chosen):
            self._end_viewers(room)
            room.tracks = {}
            room.legs.clear()
            room.waiting.clear()
        if room is None:
            room = Live(session.room_id, {}, counted=self._counted)
            self.rooms[session.room_id] = room
        previous, room.publisher = room.publisher, session
        if previous is not None:
            for layer in room.layers():
                layer.lose_source()
            self.end(previous)
        self._set_streams(room, chosen)
        room.uplink = Uplink(
            room.tracks,
            chosen,
            self._counted,
        )

    def _set_streams(self, room: Live, chosen: dict[str, sdp.Sending]) -> None:
        """Make what the host will send, keeping of each stream the layers that stay."""
        for kind, sending in chosen.items():
            rids = sending.section.rids or ("",)
            track = room.tracks.get(kind)
            if track is None:
                ssrc = secrets.randbelow(0xFFFFFFF0) + 2
                timeline = Timeline(sending.codec.clock_hz)
                layers = [_track(kind, sending.codec, rid, timeline) for rid in rids]
                room.tracks[kind] = Track(kind, sending.codec, ssrc, layers)
                continue
            kept = {layer.rid: layer for layer in track.layers}
            layers = [
                kept.get(rid) or _track(kind, track.codec, rid, track.timeline) for rid in rids
            ]
            self._forwarder.replace_layers(room, track, layers)

    def watched(self, room_id: str) -> Live:
        """Return a room that can be watched.

        Raises:
            NotLive: Nobody publishes in it.
        """
        room = self.rooms.get(room_id)
        if room is None or not (room.live or room.lost_at is not None):
            raise NotLive(RETRY_AFTER_S)
        return room

    def add_viewer(self, session: Session, sendings: list[sdp.Sending]) -> None:
        """A viewer comes into its room, and gets media once it is connected."""
        room = self.rooms[session.room_id]
        for sending in sendings:
            if sending.section.kind in room.tracks:
                session.downlinks[sending.section.kind] = _downlink(sending)
        room.viewers[session.id] = session

    def connected(self, session: Session) -> None:
        """Media may flow to and from the session."""
        room = self.rooms.get(session.room_id)
        if session.role is Role.PUBLISH or room is None:
            return
        for kind, downlink in session.downlinks.items():
            track = room.tracks[kind]
            session.connect_leg(downlink.leg, track.ssrc)
            if downlink.repair is not None:
                session.connect_leg(downlink.repair, track.repair_ssrc)
        self._forwarder.begin(room, session, now=monotonic())

    def not_ready(self, session: Session, *, now: float) -> None:
        """A viewer could read nothing so far."""
        room = self.rooms.get(session.room_id)
        if room is None or session.role is not Role.PLAY or "video" not in session.downlinks:
            return
        if session.replays.take(now=now):
            self._forwarder.begin_picture(room, session, now=now)

    def returned(self, session: Session, *, now: float) -> None:
        """The peer had lost its network: what it missed, or what we did, is too much to repair."""
        room = self.rooms.get(session.room_id)
        if room is None or "video" not in room.tracks:
            return
        track = room.tracks["video"]
        if session.role is Role.PLAY and "video" in session.downlinks:
            self._forwarder.request_key_frame(room, session, track, now=now)
        elif room.publisher is session:
            for layer in track.flowing(now=now) or track.layers:
                layer.keys.request()
        self._ask_host(room, now)

    def end(self, session: Session) -> None:
        """Forget a session everywhere; the peer is told."""
        if not self._sessions.remove(session):
            return
        session.handshake.close()
        room = self.rooms.get(session.room_id)
        if room is None:
            return
        if session.role is Role.PLAY:
            room.viewers.pop(session.id, None)
            self._forwarder.end(room, session)
        elif room.publisher is session:
            room.publisher = room.uplink = None
            self._lose(room)

    def end_room(self, room: Live) -> None:
        """Let host and viewers go."""
        self.rooms.pop(room.id, None)
        self._end_viewers(room)
        if room.publisher is not None:
            self.end(room.publisher)
        self._listener(PublisherGone(room.id))

    def _end_viewers(self, room: Live) -> None:
        for viewer in list(room.viewers.values()):
            self.end(viewer)

    def _lose(self, room: Live) -> None:
        """The host's media broke off."""
        for layer in room.layers():
            layer.lose_source()
        if room.live:
            room.live = False
            room.lost_at = monotonic()
            self._listener(PublisherLost(room.id))
        elif room.lost_at is None:
            # It never began: nobody can have watched.
            self.rooms.pop(room.id, None)

    # Packets

    def take_rtp(self, session: Session, packet: Packet, clear: bytes, *, now: float) -> None:
        """A host's packet; `clear` is the whole of it, unprotected."""
        session.last_media = now
        self._counted["in"] += 1
        room = self.rooms.get(session.room_id)
        if room is None or room.uplink is None or room.publisher is not session:
            return
        layer = room.uplink.take(packet, clear, now=now)
        if layer is None:
            return
        layer.pairs = len(room.viewers) >= PAIRS_FROM_VIEWERS
        self._forward(room, layer, now)

    def _forward(self, room: Live, layer: Layer, now: float) -> None:
        track = room.tracks[layer.kind]
        began = self._forwarder.forward(room, track, layer, now=now)
        if began and not room.live and (layer.kind == "video" or "video" not in room.tracks):
            returned, room.live, room.lost_at = room.lost_at is not None, True, None
            self._listener(PublisherUp(room.id, returned))

    def take_rtcp(self, session: Session, packets: list[rtcp.Packet], *, now: float) -> None:
        """A host's sender reports, or a viewer's feedback."""
        room = self.rooms.get(session.room_id)
        if room is None:
            return
        for packet in packets:
            if session.role is Role.PLAY:
                self._take_feedback(room, session, packet, now)
            elif isinstance(packet, RtcpSrPacket):
                for track in room.tracks.values():
                    for layer in track.layers:
                        feedback.pass_sender_report(room, track, layer, packet, now=now)
        if session.role is Role.PLAY:
            self._forwarder.choose(room, session, now=now)

    def _take_feedback(self, room: Live, session: Session, packet: rtcp.Packet, now: float) -> None:
        if isinstance(packet, transport_cc.TransportFeedback):
            feedback.on_transport_feedback(session, packet, now=now)
            return
        for block in rtcp.report_blocks(packet):
            feedback.on_report(room, session, block, now=now)
        estimate = rtcp.estimate(packet)
        if estimate is not None:
            feedback.on_estimate(session, estimate, now=now)
            return
        if rtcp.is_key_frame_request(packet):
            if "video" in session.downlinks:
                self._forwarder.request_key_frame(room, session, room.tracks["video"], now=now)
                self._ask_host(room, now)
            return
        lost = rtcp.lost_packets(packet)
        for kind in session.downlinks if lost else ():
            if room.tracks[kind].ssrc == getattr(packet, "media_ssrc", 0):
                self._forwarder.repeat(room, session, room.tracks[kind], lost, now=now)

    def _ask_host(self, room: Live, now: float) -> None:
        """Ask for lost packets and for key frames, and tell when packets came, as is due."""
        if room.uplink is not None and room.publisher is not None:
            for text in room.uplink.repairs(now=now):
                _feedback(room.publisher, text)

    # Time

    def tick(self, *, now: float) -> None:
        """Go on with what waits: reordered packets, feedback to hosts, viewers that catch up."""
        for room in list(self.rooms.values()):
            if room.publisher is not None and room.publisher.up:
                for layer in room.layers():
                    self._forward(room, layer, now)
                self._ask_host(room, now)
            self._forwarder.tick(room, now=now)
            _reassure(room, now)

    def count_second(self, *, now: float) -> None:
        """Measure the layers, choose for viewers, report to hosts, miss those who are gone."""
        for room_id, at in list(self._other_host_at.items()):
            if now - at > STANDBY_S:
                del self._other_host_at[room_id]
        for room in list(self.rooms.values()):
            for track in room.tracks.values():
                for layer in track.layers:
                    self._counted["lost_in"] += layer.count_second(now=now)
                track.order()
            for viewer in list(room.viewers.values()):
                self._forwarder.choose(room, viewer, now=now)
                sent = [downlink.layer for downlink in viewer.downlinks.values()]
                per_s = sum(one.packets_per_s for one in sent if one)
                viewer.repeats.per_s = max(REPEATS_PER_S_MIN, per_s * REPEATS_SHARE)
            self._watch_host(room, now)

    def _watch_host(self, room: Live, now: float) -> None:
        host = room.publisher
        if host is not None and host.up and host.last_media:
            if not host.standby:
                self._other_host_at[room.id] = host.last_media
            report = room.uplink.report(now=now) if room.uplink is not None else None
            if report is not None:
                _feedback(host, report)
        if host is not None and room.live and _is_silent(host, now):
            self._lose(room)

    def end_lost(self, *, now: float, grace_s: float) -> None:
        """End the rooms whose host did not come back in time."""
        for room in list(self.rooms.values()):
            comes = room.publisher is not None and now - room.publisher.created < COMES_WITHIN_S
            if room.lost_at is not None and now - room.lost_at > grace_s and not comes:
                self.end_room(room)


def _is_silent(host: Session, now: float) -> bool:
    if host.last_media:
        return now - host.last_media > MEDIA_TIMEOUT_S
    return now - host.created > COMES_WITHIN_S


def _reassure(room: Live, now: float) -> None:
    """While a host is silent, let viewers know that their line is well: they miss nothing."""
    newest = max((layer.newest_at for layer in room.layers()), default=now)
    if now - max(newest, room.reassured_at) < REASSURE_EVERY_S:
        return
    room.reassured_at = now
    for viewer in room.viewers.values():
        if viewer.up and viewer.outbound is not None:
            viewer.send(viewer.outbound.protect_rtcp(rtcp.empty_report()))


def _feedback(host: Session, text: bytes) -> None:
    if host.outbound is not None:
        host.send(host.outbound.protect_rtcp(text))


def _track(kind: str, codec: sdp.Codec, rid: str, timeline: Timeline) -> Layer:
    return Layer(kind, codec, secrets.randbelow(SEQUENCE_START_MAX), rid, timeline)


def _downlink(sending: sdp.Sending) -> Downlink:
    ids = sending.section.extensions
    stamp_id = ids.get(sdp.SEND_TIME_URI, NO_EXTENSION_ID)
    number_id = ids[transport_cc.URI] if sending.sends_transport_feedback else 0
    leg = Leg(sending.codec.payload_type, stamp_id, number_id)
    repair = Leg(sending.repair.payload_type, stamp_id) if sending.repair else None
    estimator = Estimator() if sending.sends_transport_feedback else None
    return Downlink(leg, repair, sending.codec.clock_hz, estimator)


def _same_codecs(room: Live, chosen: dict[str, sdp.Sending]) -> bool:
    """Whether viewers of the room can decode what the new host will send."""
    return {kind: track.codec.name.upper() for kind, track in room.tracks.items()} == {
        kind: sending.codec.name.upper() for kind, sending in chosen.items()
    }
