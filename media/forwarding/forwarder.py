"""From a host's layers to viewers: who gets which layer, from which frame on, and what again.

Runs on the event loop's thread. A room's `waiting`, `catching_up`, `probing`, `beginning` and
`legs` are changed here and nowhere else.
"""

from collections.abc import Sequence
from math import inf

from media.congestion.link import LayerOption
from media.congestion.load import Load
from media.forwarding.downlink import Downlink, JoiningViewer, RetransmitItem
from media.forwarding.leg import Leg
from media.forwarding.live import Live, Track
from media.io.webrtc.fanout import Fanout
from media.io.webrtc.session import Session
from media.stream.frames import Item
from media.stream.layer import SILENT_S, Frame, Layer

# A viewer that comes, or lost its picture, is sent the newest key frame and all since at once if it
# is that little, else so many packets a tick: ten seconds are made up for in about one.
AT_ONCE_PACKETS_MAX = 120
PACED_PACKETS = 24
# A key frame that far back is asked for anew, so that the next viewers have less to catch up with.
OLD_GOP_PACKETS = 600
# On a long way what is sent at once comes in no order and with holes, and is all asked for again:
# who comes that way gets the host's next key frame instead, unless the newest is this near, or the
# next one takes this long.
HIGH_RTT_S = 0.020
HIGH_RTT_GOP_FRAMES_MAX = 4
KEY_FRAME_WAIT_S = 0.4
# The end of the handshake may be overtaken there, and what comes before it is never asked for:
# until it is there, padding makes the beginning.
PADDING_S = 0.10
PADDING_INTERVAL_S = 0.02
PADDING_PACKETS = 2
# A slice that overtook its parameter sets is dropped, not asked for, nor is what came before the
# first packet that was taken: what a browser wants so soon after a key frame is that one.
KEY_FRAME_RESEND_S = 0.4
# What is lost of the end of a picture shows with the next one, too late for who has no delay yet:
# for so long the newest packet is said twice.
DUPLICATE_LAST_PACKET_S = 0.5
# From a key frame this near we cross over to another layer at once.
CROSS_PACKETS_MAX = 40
AT_ONCE_S = 0.4  # on a line that is known to be thin
PACKET_BYTES = 1_200
# At how many times a layer's rate such a line is sent its key frame, as WebRTC's own pacer has it.
THIN_PACE = 2.5
REPLAY_INTERVAL_S = 0.2
REPEATS_PER_NACK_MAX = 100
PROBE_GAP_S = 0.2  # what a pause leaves out is not made up for


class Forwarder:
    """Sends what hosts send to who watches, by way of the fan-out."""

    def __init__(self, fanout: Fanout, load: Load) -> None:
        self._fanout = fanout
        self._load = load

    def forward(self, room: Live, track: Track, layer: Layer, *, now: float) -> bool:
        """Send the frames of `track` that are complete; return whether there were any to watch."""
        began = False
        for frame in layer.poll(now=now):
            if frame.key and layer in room.waiting:
                self._cross(room, layer, frame, now)
            began |= frame.key or track.kind == "audio"
            self._fanout.send_frame(frame, track.ssrc, room.legs.get(layer, ()))
            for downlink, link in room.probing.items():
                if downlink.layer is layer and downlink.on:
                    self._probe(track, downlink, link.probe_bits_per_s, now)
        if layer.waits_for_key:
            layer.keys.request()
        return began

    def _cross(self, room: Live, layer: Layer, frame: Frame, now: float) -> None:
        """Bring over those who wait for the key frame that comes now."""
        left: dict[Layer, list[Leg]] = {}
        legs: list[Leg] = []
        for downlink in room.waiting.pop(layer):
            if downlink.target is not layer:
                continue
            joining = downlink.joining
            if downlink.paused or (joining and now < joining.settled_at):
                room.waiting.setdefault(layer, []).append(downlink)
                continue
            if downlink.pace_per_s:
                # From the next tick on, since this frame goes to all legs there are now.
                self._stop(room, downlink)
                self._replay(room, downlink, layer)
                continue
            if downlink.on and downlink.layer is not None:
                left.setdefault(downlink.layer, []).append(downlink.leg)
            room.catching_up.pop(downlink, None)
            legs.append(downlink.cross(layer, frame))
            downlink.go_on()
        for before, gone in left.items():
            room.remove_legs(before, gone)
        room.add_legs(layer, legs)

    # Viewers

    def begin(self, room: Live, session: Session, *, now: float) -> None:
        """A viewer is connected: it gets sound from now on, and the picture from a key frame on."""
        for kind, downlink in session.downlinks.items():
            if kind == "audio":
                layer = room.tracks[kind].layers[0]
                room.add_legs(layer, (downlink.join(layer),))
            else:
                self.begin_picture(room, session, now=now)

    def begin_picture(self, room: Live, session: Session, *, now: float) -> None:
        """Bring a viewer its first picture, as if nothing of it had been sent so far."""
        track, downlink = room.tracks["video"], session.downlinks["video"]
        flowing = track.flowing(now=now) or track.layers
        # Neither the largest, which a weak line would choke on, nor the smallest.
        layer = flowing[(len(flowing) - 1) // 2]
        if session.handshake_rtt_s < HIGH_RTT_S:
            self._show(room, track, downlink, layer)
            return
        self._stop(room, downlink)
        settled_at = now + PADDING_S
        downlink.joining = JoiningViewer(settled_at, settled_at + KEY_FRAME_WAIT_S, now)
        room.beginning[session] = inf
        self._wait(room, downlink, layer)
        if not 0 < len(layer.gop) <= HIGH_RTT_GOP_FRAMES_MAX:
            layer.keys.request()

    def end(self, room: Live, session: Session) -> None:
        """A viewer is gone."""
        room.beginning.pop(session, None)
        for downlink in session.downlinks.values():
            self._stop(room, downlink)
            downlink.target = None

    def _stop(self, room: Live, downlink: Downlink) -> None:
        room.catching_up.pop(downlink, None)
        room.probing.pop(downlink, None)
        if downlink.on and downlink.layer is not None:
            room.remove_legs(downlink.layer, (downlink.leg,))
        downlink.leave()

    def _show(self, room: Live, track: Track, downlink: Downlink, layer: Layer) -> None:
        """Send a layer from its newest key frame on, or from the next one if there is none."""
        self._stop(room, downlink)
        if not layer.gop:
            self._await_key(room, downlink, layer)
            return
        if layer.gop_packets > OLD_GOP_PACKETS:
            layer.keys.request()
        self._replay(room, downlink, layer)
        self._catch_up(room, track, downlink, AT_ONCE_PACKETS_MAX)

    def _replay(self, room: Live, downlink: Downlink, layer: Layer) -> None:
        """Begin to catch up from the newest key frame on; `_catch_up` sends it."""
        downlink.target = None
        downlink.replay(layer)
        room.catching_up[downlink] = None

    def _await_key(self, room: Live, downlink: Downlink, layer: Layer) -> None:
        self._wait(room, downlink, layer)
        layer.keys.request()

    def _wait(self, room: Live, downlink: Downlink, layer: Layer) -> None:
        if downlink.target is not layer:
            downlink.target = layer
            room.waiting.setdefault(layer, []).append(downlink)

    def _catch_up(self, room: Live, track: Track, downlink: Downlink, packets: int) -> None:
        while (allowed := downlink.allowed(packets)) > 0:
            frame = downlink.next_replayed(allowed)
            if frame is None:
                break
            self._fanout.send_frame(frame, track.ssrc, (downlink.leg,))
            packets -= frame.packets
        if downlink.caught_up:
            del room.catching_up[downlink]
            assert downlink.layer is not None
            room.add_legs(downlink.layer, (downlink.go_on(),))
        elif allowed > 0 and downlink.layer is not None:
            # What was to be caught up with is no longer kept.
            del room.catching_up[downlink]
            self._await_key(room, downlink, downlink.layer)

    def tick(self, room: Live, *, now: float) -> None:
        """Call every few milliseconds: those who catch up get on, a dead layer is left."""
        track = room.tracks.get("video")
        if track is None:
            return
        if track.newly_silent(now=now):
            for session in room.viewers.values():
                self.choose(room, session, now=now)
        for layer, waiting in list(room.waiting.items()):
            for downlink in list(waiting):
                if downlink.joining and downlink.target is layer and not downlink.paused:
                    self._welcome(room, track, downlink, layer, downlink.joining, now)
        for downlink in list(room.catching_up):
            downlink.earn(now=now)
            self._catch_up(room, track, downlink, PACED_PACKETS)
        for session, until in list(room.beginning.items()):
            if now > until:
                del room.beginning[session]
            elif session.downlinks["video"].on:
                room.beginning[session] = min(until, now + DUPLICATE_LAST_PACKET_S)
                self._duplicate_last_packet(room, session, track, now)

    def _welcome(
        self,
        room: Live,
        track: Track,
        downlink: Downlink,
        layer: Layer,
        joining: JoiningViewer,
        now: float,
    ) -> None:
        """Bring somebody from far on: to where packets arrive, and to a picture."""
        if now < joining.settled_at:
            if now >= joining.pad_at:
                joining.pad_at = now + PADDING_INTERVAL_S
                leg = downlink.leg
                for _ in range(PADDING_PACKETS):
                    number, item = downlink.pad(layer, now=now)
                    self._fanout.send_retransmit(number - leg.shift, item, 0, track.ssrc, leg)
            return
        near = len(layer.gop) <= HIGH_RTT_GOP_FRAMES_MAX
        if layer.gop and (near or layer.keys.ignored or now > joining.patient_until):
            room.waiting[layer].remove(downlink)
            self._show(room, track, downlink, layer)
        else:
            layer.keys.request()

    def _probe(self, track: Track, downlink: Downlink, per_s: float, now: float) -> None:
        """Send packets again that were not missed, as many as the next layer would be more.

        They follow a frame at once: what a full queue on the way then drops are they, and the next
        frame finds it shorter.
        """
        layer, repair, leg = downlink.layer, downlink.repair, downlink.leg
        elapsed, downlink.probed_at = min(PROBE_GAP_S, now - downlink.probed_at), now
        if layer is None or repair is None or not self._load.retransmits:
            return
        due = round(per_s / 8 * elapsed)
        number = layer.next_unsent - 1
        while due > 0 and number + leg.shift >= downlink.needed_from:
            kept = layer.ring.get(number)
            if kept is not None:
                self._repeat(track, downlink, number + leg.shift, kept.item, leg, 0)
                due -= len(kept.item.payload)
            number -= 1

    def request_key_frame(self, room: Live, session: Session, track: Track, *, now: float) -> None:
        """A viewer's decoder lost the picture: show it again what we have, or ask the host."""
        downlink = session.downlinks[track.kind]
        layer = downlink.layer
        if layer is None or downlink.paused or downlink in room.catching_up:
            return
        far = session.handshake_rtt_s >= HIGH_RTT_S
        if far and self._resend_key_frame(room, session, track, now):
            return
        keys = (downlink.target or layer).keys
        few = layer.gop_packets <= _affordable(session, AT_ONCE_PACKETS_MAX)
        can_show = downlink.target is None and layer.gop and (few or layer.keys.ignored)
        # Whole groups of pictures go a long way in no order and with holes.
        rather_asks = far and len(layer.gop) > HIGH_RTT_GOP_FRAMES_MAX and not layer.keys.ignored
        asks = rather_asks or not can_show
        if asks and (keys.pending or session.key_frames.take(now=now)):
            keys.request()
        elif can_show and now - downlink.replayed_at >= REPLAY_INTERVAL_S:
            if session.replays.take(now=now):
                downlink.replayed_at = now
                room.counted["shown_again"] += 1
                self._show(room, track, downlink, layer)

    def _resend_key_frame(self, room: Live, session: Session, track: Track, now: float) -> bool:
        """Send the newest key frame by itself once more; False: it is not new, or no H.264."""
        downlink = session.downlinks[track.kind]
        in_flight = now - downlink.key_frame_resent_at < session.rtt_s_min
        packets = downlink.key_frame_items(since=now - KEY_FRAME_RESEND_S, whole=not in_flight)
        if not packets or not self._load.retransmits:
            return False
        downlink.key_frame_resent_at = now
        for again in packets:
            if session.repeats.take(now=now):
                self._send_again(room, session, track, again, now)
        return True

    def _duplicate_last_packet(
        self, room: Live, session: Session, track: Track, now: float
    ) -> None:
        end = session.downlinks[track.kind].last_packet_item()
        if end is not None and self._load.retransmits and session.repeats.take(now=now):
            self._send_again(room, session, track, end, now)

    # Lines

    def choose(self, room: Live, session: Session, *, now: float) -> None:
        """Give a viewer the layer that its line carries, and what it shows needs."""
        track, downlink = room.tracks.get("video"), session.downlinks.get("video")
        if track is None or downlink is None or not session.up:
            return
        if len(track.layers) == 1 and session.link.is_uncongested and not downlink.paused:
            return
        flowing = track.flowing(now=now)
        aim = downlink.target or downlink.layer
        if not flowing:
            track.silent_at = now
            return
        if aim not in flowing and now - track.silent_at < SILENT_S:
            return  # after a pause of the host not all layers go on at once
        # One that the host switched off, or came back without, is as good as the next smaller.
        to_aim = track.layers[: track.layers.index(aim) + 1] if aim in track.layers else []
        at = max(0, sum(layer in flowing for layer in to_aim) - 1)
        rungs = [
            LayerOption(layer.rid, layer.bits_per_s, layer.size.short_side if layer.size else 0)
            for layer in flowing
        ]
        link = session.link
        chosen = flowing[link.choose(rungs, at, now=now)]
        if chosen is not aim:
            full = link.capacity is not None and aim in flowing[flowing.index(chosen) :]
            self._go_to(room, session, track, chosen, now if full else None)
        self._skip(room, session, track, downlink, now)
        if link.probe_bits_per_s:
            room.probing[downlink] = link
        else:
            room.probing.pop(downlink, None)

    def _go_to(
        self,
        room: Live,
        session: Session,
        track: Track,
        layer: Layer,
        full_at: float | None,
    ) -> None:
        """Change to another layer; `full_at`: since when the line is, whose queue must drain."""
        downlink = session.downlinks[track.kind]
        waits = downlink.paused or downlink.joining
        room.counted["layer_changes"] += 1
        session.repeats.fill()
        downlink.pace_per_s = 0.0
        if layer is downlink.layer and downlink.on:
            downlink.target = None
        elif full_at is not None and not layer.keys.ignored:
            pace_per_s = max(session.link.capacity or 0.0, THIN_PACE * layer.bits_per_s)
            self._stop(room, downlink)
            downlink.slow_down(pace_per_s, now=full_at)
            self._await_key(room, downlink, layer)
        elif layer.gop and layer.gop_packets <= CROSS_PACKETS_MAX and not waits:
            self._show(room, track, downlink, layer)
        else:
            self._await_key(room, downlink, layer)

    def _skip(
        self, room: Live, session: Session, track: Track, downlink: Downlink, now: float
    ) -> None:
        """Where even the smallest layer is too much, leave out all up to a key frame."""
        smallest = track.flowing(now=now)[0]
        if not downlink.paused and (downlink.target or downlink.layer) is not smallest:
            return
        should_pause = session.link.should_pause(now=now)
        if should_pause and not downlink.paused:
            room.counted["skips"] += 1
            self._stop(room, downlink)
            downlink.paused = True
            self._await_key(room, downlink, smallest)
        elif downlink.paused and not should_pause:
            downlink.paused = False
            (downlink.target or smallest).keys.request()

    def replace_layers(self, room: Live, track: Track, layers: Sequence[Layer]) -> None:
        """A host came back with other layers: viewers wait for a key frame of the new ones."""
        track.layers = list(layers)
        for session in room.viewers.values():
            downlink = session.downlinks.get(track.kind)
            if downlink is not None and session.up and downlink.layer not in layers:
                self._stop(room, downlink)
                self._await_key(room, downlink, layers[(len(layers) - 1) // 2])
        for kept in (room.legs, room.waiting):
            for gone in [layer for layer in kept if layer.kind == track.kind]:
                if gone not in layers:
                    del kept[gone]

    # Repairs

    def repeat(
        self, room: Live, session: Session, track: Track, lost: Sequence[int], *, now: float
    ) -> None:
        """Send again what a viewer misses, within what its line has left for that."""
        session.nacks += 1
        if not self._load.retransmits:
            room.counted["repeats_refused"] += len(lost)
            return
        downlink = session.downlinks[track.kind]
        if downlink.layer is not None:
            missed, per_s = downlink.newly_missed(lost), downlink.layer.packets_per_s
            queuing_delay_s = downlink.queuing_delay_s(downlink.in_flight(lost[-1]), now=now)
            session.link.on_nack(missed, per_s, queuing_delay_s, now=now)
            self.choose(room, session, now=now)
        # A thin line has better things to carry than what the newest key frame made needless.
        thin = session.link.capacity is not None
        for sequence in lost[:REPEATS_PER_NACK_MAX]:
            again = downlink.missed(sequence, now=now, rtt_s=session.rtt_s_min, newest_only=thin)
            if again is None:
                continue
            if not session.repeats.take(now=now):
                room.counted["repeats_refused"] += 1
                return
            self._send_again(room, session, track, again, now)

    def _send_again(
        self, room: Live, session: Session, track: Track, again: RetransmitItem, now: float
    ) -> None:
        downlink, leg = session.downlinks[track.kind], again.span.leg
        downlink.note_retransmit(again.number, now=now)
        self._repeat(track, downlink, again.number, again.item, leg, again.ticks)
        session.resent += 1
        room.counted["resent"] += 1

    def _repeat(
        self, track: Track, downlink: Downlink, number: int, item: Item, leg: Leg, ticks: int
    ) -> None:
        if downlink.repair is None:
            self._fanout.send_retransmit(number - leg.shift, item, ticks, track.ssrc, leg)
            return
        moved = item._replace(
            timestamp=item.timestamp + leg.ticks + ticks & 0xFFFFFFFF,
            payload=(number & 0xFFFF).to_bytes(2, "big") + item.payload,
        )
        own = downlink.repair_number
        downlink.repair_number += 1
        self._fanout.send_retransmit(own, moved, 0, track.repair_ssrc, downlink.repair)


def _affordable(session: Session, packets: int) -> int:
    """Return how many of `packets` a viewer's line takes at once, as far as that is known."""
    capacity = session.link.capacity
    if capacity is None:
        return packets
    return min(packets, round(capacity * AT_ONCE_S / 8 / PACKET_BYTES))
