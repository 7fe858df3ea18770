"""The viewers of one live, as a sink of its frames: who gets which layer, from which frame on.

Pure: `now` is monotonic seconds. `legs`, `waiting`, `catching_up`, `probing` and `duplicating` are
changed here and nowhere else.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import inf

from media.congestion.link import LayerOption, Link
from media.congestion.load import Load
from media.forwarding.downlink import Downlink
from media.forwarding.leg import Leg
from media.forwarding.ports import FrameSender
from media.forwarding.retransmitter import Retransmitter
from media.forwarding.spans import JoiningViewer
from media.forwarding.track import Track
from media.forwarding.viewer import Viewer
from media.stream.frames import Frame
from media.stream.layer import SILENT_S, Layer

# A viewer that joins, or lost its video, is sent the newest GOP at once if it is that little, else
# so many packets a tick: ten seconds are made up for in about one.
AT_ONCE_PACKETS_MAX = 120
PACED_PACKETS = 24
# With a GOP this long a key frame is requested, so that the next viewers have less to catch up.
OLD_GOP_PACKETS = 600
# Above this RTT a GOP that is sent at once arrives reordered and with losses, and is all NACKed:
# such a viewer waits for the host's next key frame, unless the newest is this near, or the
# next one takes this long.
HIGH_RTT_S = 0.020
HIGH_RTT_GOP_FRAMES_MAX = 4
KEY_FRAME_WAIT_S = 0.4
# The end of the handshake may be overtaken there, and a browser sends no NACK for what came before
# it: until it has arrived, padding is sent first.
PADDING_S = 0.10
PADDING_INTERVAL_S = 0.02
# A loss at the end of a frame shows with the next frame, too late for a viewer without a playout
# delay yet: for so long the last packet is sent twice.
DUPLICATE_LAST_PACKET_S = 0.5
# From a key frame this near a viewer crosses over to another layer at once.
CROSS_PACKETS_MAX = 40
AT_ONCE_S = 0.4  # on a link that is known to be congested
PACKET_BYTES = 1_200
# The pace of a key frame on such a link, in bit rates of its layer, as in WebRTC's own pacer.
CONGESTED_PACING = 2.5
REPLAY_INTERVAL_S = 0.2


class Forwarder:
    """A `FrameSink`: sends a live's frames to its viewers by way of the fan-out.

    Slow viewers: one whose link is congested gets a smaller layer, or pauses until a key frame;
    where the worker itself cannot keep up, the fan-out drops whole frames.
    """

    def __init__(
        self,
        tracks: Mapping[str, Track],
        viewers: Mapping[str, Viewer],
        sender: FrameSender,
        load: Load,
        counted: Counter[str],
    ) -> None:
        """`tracks` by kind and `viewers` by id are the live's, and change with it."""
        self._tracks = tracks
        self._viewers = viewers
        self._sender = sender
        self._load = load
        self._counted = counted
        self._retransmitter = Retransmitter(sender, load, counted)
        # Legs of connected viewers, by layer; replaced, never changed, since frames that wait to be
        # sent hold on to the sequence of their time.
        self.legs: dict[Layer, tuple[Leg, ...]] = {}
        # Downlinks that wait for a key frame of a layer, catch up with it, or probe their link.
        self.waiting: dict[Layer, list[Downlink]] = {}
        self.catching_up: dict[Downlink, None] = {}
        self.probing: dict[Downlink, Link] = {}
        # High-RTT viewers that just got their first frame, or will, and until when that counts.
        self.duplicating: dict[Viewer, float] = {}

    def frame(self, layer: Layer, frame: Frame, *, now: float) -> None:
        """Send a frame to the viewers of `layer`."""
        if frame.key and layer in self.waiting:
            self._cross(layer, frame, now)
        self._sender.send_frame(frame, self._tracks[layer.kind].ssrc, self.legs.get(layer, ()))
        for downlink, link in self.probing.items():
            if downlink.layer is layer and downlink.on:
                self._retransmitter.probe(downlink, link.probe_bits_per_s, now=now)

    def uses(self, layer: Layer) -> bool:
        """Whether a viewer gets a layer, or is to get it."""
        return bool(
            self.legs.get(layer)
            or self.waiting.get(layer)
            or any(downlink.layer is layer for downlink in self.catching_up)
        )

    @property
    def waits(self) -> bool:
        """Whether a viewer is to be sent something by `tick`."""
        return bool(self.waiting or self.catching_up or self.duplicating)

    def clear(self) -> None:
        """Nobody watches any more, and the tracks will be others."""
        self.legs.clear()
        self.waiting.clear()

    def close(self) -> None:
        """The live is over; its viewers are gone already."""
        self.clear()

    def _cross(self, layer: Layer, frame: Frame, now: float) -> None:
        """Bring over the viewers that wait for the key frame that comes now."""
        left: dict[Layer, list[Leg]] = {}
        legs: list[Leg] = []
        for downlink in self.waiting.pop(layer):
            if downlink.target is not layer:
                continue
            joining = downlink.joining
            if downlink.paused or (joining and now < joining.settled_at):
                self.waiting.setdefault(layer, []).append(downlink)
                continue
            if downlink.pace_bits_per_s:
                # From the next tick on, since this frame goes to all legs there are now.
                self._stop(downlink)
                self._replay(downlink, layer)
                continue
            if downlink.on and downlink.layer is not None:
                left.setdefault(downlink.layer, []).append(downlink.leg)
            self.catching_up.pop(downlink, None)
            legs.append(downlink.cross(layer, frame))
            downlink.go_on()
        for before, gone in left.items():
            self._remove_legs(before, gone)
        self._add_legs(layer, legs)

    def _add_legs(self, layer: Layer, legs: Iterable[Leg]) -> None:
        """Viewers get this layer from the next frame on."""
        self.legs[layer] = (*self.legs.get(layer, ()), *legs)

    def _remove_legs(self, layer: Layer, legs: Iterable[Leg]) -> None:
        """Viewers do not get this layer any longer."""
        gone = set(legs)
        self.legs[layer] = tuple(leg for leg in self.legs.get(layer, ()) if leg not in gone)

    # Viewers

    def begin(self, viewer: Viewer, *, now: float) -> None:
        """A viewer is connected: audio from now on, video from a key frame on."""
        for kind, downlink in viewer.downlinks.items():
            if kind == "audio":
                layer = downlink.track.layers[0]
                self._add_legs(layer, (downlink.join(layer),))
            else:
                self.begin_video(viewer, downlink, now=now)

    def begin_video(self, viewer: Viewer, downlink: Downlink, *, now: float) -> None:
        """Bring a viewer its first video, as if nothing of it had been sent so far."""
        track = downlink.track
        flowing = track.flowing(now=now) or track.layers
        # Neither the largest, which would congest a thin link, nor the smallest.
        layer = flowing[(len(flowing) - 1) // 2]
        if viewer.rtt.handshake_s < HIGH_RTT_S:
            self._show(downlink, layer)
            return
        self._stop(downlink)
        settled_at = now + PADDING_S
        downlink.joining = JoiningViewer(settled_at, settled_at + KEY_FRAME_WAIT_S, now)
        self.duplicating[viewer] = inf
        self._wait(downlink, layer)
        if not 0 < len(layer.gop) <= HIGH_RTT_GOP_FRAMES_MAX:
            layer.keys.request()

    def end(self, viewer: Viewer) -> None:
        """A viewer is gone."""
        self.duplicating.pop(viewer, None)
        for downlink in viewer.downlinks.values():
            self._stop(downlink)
            downlink.target = None

    def _stop(self, downlink: Downlink) -> None:
        self.catching_up.pop(downlink, None)
        self.probing.pop(downlink, None)
        if downlink.on and downlink.layer is not None:
            self._remove_legs(downlink.layer, (downlink.leg,))
        downlink.leave()

    def _show(self, downlink: Downlink, layer: Layer) -> None:
        """Send a layer from its newest key frame on, or from the next one if there is none."""
        self._stop(downlink)
        if not layer.gop:
            self._await_key_frame(downlink, layer)
            return
        if layer.gop_packets > OLD_GOP_PACKETS:
            layer.keys.request()
        self._replay(downlink, layer)
        self._catch_up(downlink, AT_ONCE_PACKETS_MAX)

    def _replay(self, downlink: Downlink, layer: Layer) -> None:
        """Begin to catch up from the newest key frame on; `_catch_up` sends it."""
        downlink.target = None
        downlink.replay(layer)
        self.catching_up[downlink] = None

    def _await_key_frame(self, downlink: Downlink, layer: Layer) -> None:
        self._wait(downlink, layer)
        layer.keys.request()

    def _wait(self, downlink: Downlink, layer: Layer) -> None:
        if downlink.target is not layer:
            downlink.target = layer
            self.waiting.setdefault(layer, []).append(downlink)

    def _catch_up(self, downlink: Downlink, packets: int) -> None:
        while (allowed := downlink.allowed(packets)) > 0:
            frame = downlink.next_replayed(allowed)
            if frame is None:
                break
            self._sender.send_frame(frame, downlink.track.ssrc, (downlink.leg,))
            packets -= frame.packets
        if downlink.caught_up:
            del self.catching_up[downlink]
            assert downlink.layer is not None
            self._add_legs(downlink.layer, (downlink.go_on(),))
        elif allowed > 0 and downlink.layer is not None:
            # What was to be caught up with is no longer kept.
            del self.catching_up[downlink]
            self._await_key_frame(downlink, downlink.layer)

    def tick(self, *, now: float) -> None:
        """Call every few milliseconds: viewers catch up, and leave a layer that went silent."""
        track = self._tracks.get("video")
        if track is None:
            return
        if track.newly_silent(now=now):
            for viewer in self._viewers.values():
                self.choose(viewer, now=now)
        for layer, waiting in list(self.waiting.items()):
            for downlink in list(waiting):
                if downlink.joining and downlink.target is layer and not downlink.paused:
                    self._go_on_joining(downlink, layer, downlink.joining, now)
        for downlink in list(self.catching_up):
            downlink.earn(now=now)
            self._catch_up(downlink, PACED_PACKETS)
        for viewer, until in list(self.duplicating.items()):
            video = viewer.downlinks["video"]
            if now > until:
                del self.duplicating[viewer]
            elif video.on:
                self.duplicating[viewer] = min(until, now + DUPLICATE_LAST_PACKET_S)
                self._retransmitter.duplicate_last_packet(viewer, video, now=now)

    def _go_on_joining(
        self, downlink: Downlink, layer: Layer, joining: JoiningViewer, now: float
    ) -> None:
        """Bring a high-RTT viewer on: first padding, then a key frame."""
        if now < joining.settled_at:
            if now >= joining.pad_at:
                joining.pad_at = now + PADDING_INTERVAL_S
                self._retransmitter.pad(downlink, layer, now=now)
            return
        near = len(layer.gop) <= HIGH_RTT_GOP_FRAMES_MAX
        if layer.gop and (near or layer.keys.ignored or now > joining.patient_until):
            self.waiting[layer].remove(downlink)
            self._show(downlink, layer)
        else:
            layer.keys.request()

    # Feedback

    def request_key_frame(self, viewer: Viewer, downlink: Downlink, *, now: float) -> None:
        """A viewer's decoder needs a key frame (PLI, FIR): replay the GOP, or request one."""
        layer = downlink.layer
        if layer is None or downlink.paused or downlink in self.catching_up:
            return
        high_rtt = viewer.rtt.handshake_s >= HIGH_RTT_S
        if high_rtt and self._retransmitter.resend_key_frame(viewer, downlink, now=now):
            return
        keys = (downlink.target or layer).keys
        few = layer.gop_packets <= _affordable(viewer, AT_ONCE_PACKETS_MAX)
        can_replay = downlink.target is None and layer.gop and (few or layer.keys.ignored)
        # A whole GOP arrives reordered and with losses there.
        long_gop = high_rtt and len(layer.gop) > HIGH_RTT_GOP_FRAMES_MAX
        requests = (long_gop and not layer.keys.ignored) or not can_replay
        if requests and (keys.pending or viewer.key_frames.take(now=now)):
            keys.request()
        elif can_replay and now - downlink.replayed_at >= REPLAY_INTERVAL_S:
            if viewer.replays.take(now=now):
                downlink.replayed_at = now
                self._counted["shown_again"] += 1
                self._show(downlink, layer)

    def retransmit(
        self, viewer: Viewer, downlink: Downlink, lost: Sequence[int], *, now: float
    ) -> None:
        """Answer a NACK, within what the viewer's link has left for that."""
        viewer.nacks += 1
        if not self._load.retransmits:
            self._counted["repeats_refused"] += len(lost)
            return
        if downlink.layer is not None:
            missed, per_s = downlink.newly_missed(lost), downlink.layer.packets_per_s
            queuing_delay_s = downlink.queuing_delay_s(downlink.in_flight(lost[-1]), now=now)
            viewer.link.on_nack(missed, per_s, queuing_delay_s, now=now)
            self.choose(viewer, now=now)
        self._retransmitter.resend_lost(viewer, downlink, lost, now=now)

    # Layers

    def choose(self, viewer: Viewer, *, now: float) -> None:
        """Give a viewer the layer that its link carries and its player has a use for."""
        downlink, link = viewer.video, viewer.link
        if downlink is None or not viewer.connected:
            return
        track = downlink.track
        if len(track.layers) == 1 and link.is_uncongested and not downlink.paused:
            return
        flowing = track.flowing(now=now)
        aim = downlink.target or downlink.layer
        if not flowing:
            track.silent_at = now
            return
        if aim not in flowing and now - track.silent_at < SILENT_S:
            return  # after a pause of the host not all layers resume at once
        # For a layer that the host dropped, or returned without, the next smaller stands in.
        to_aim = track.layers[: track.layers.index(aim) + 1] if aim in track.layers else []
        at = max(0, sum(layer in flowing for layer in to_aim) - 1)
        options = [
            LayerOption(layer.rid, layer.bits_per_s, layer.size.short_side if layer.size else 0)
            for layer in flowing
        ]
        chosen = flowing[link.choose(options, at, now=now)]
        if chosen is not aim:
            congested = link.capacity is not None and aim in flowing[flowing.index(chosen) :]
            self._switch(viewer, downlink, chosen, now if congested else None)
        self._pause_or_resume(viewer, downlink, now)
        if link.probe_bits_per_s:
            self.probing[downlink] = link
        else:
            self.probing.pop(downlink, None)

    def _switch(
        self, viewer: Viewer, downlink: Downlink, layer: Layer, congested_at: float | None
    ) -> None:
        """Change to another layer; a link that is congested since then must drain its queue."""
        waits = downlink.paused or downlink.joining
        self._counted["layer_changes"] += 1
        viewer.retransmits.fill()
        downlink.pace_bits_per_s = 0.0
        if layer is downlink.layer and downlink.on:
            downlink.target = None
        elif congested_at is not None and not layer.keys.ignored:
            pace_bits_per_s = max(viewer.link.capacity or 0.0, CONGESTED_PACING * layer.bits_per_s)
            self._stop(downlink)
            downlink.slow_down(pace_bits_per_s, now=congested_at)
            self._await_key_frame(downlink, layer)
        elif layer.gop and layer.gop_packets <= CROSS_PACKETS_MAX and not waits:
            self._show(downlink, layer)
        else:
            self._await_key_frame(downlink, layer)

    def _pause_or_resume(self, viewer: Viewer, downlink: Downlink, now: float) -> None:
        """Where even the smallest layer congests the link, leave out all up to a key frame."""
        smallest = downlink.track.flowing(now=now)[0]
        if not downlink.paused and (downlink.target or downlink.layer) is not smallest:
            return
        should_pause = viewer.link.should_pause(now=now)
        if should_pause and not downlink.paused:
            self._counted["skips"] += 1
            self._stop(downlink)
            downlink.paused = True
            self._await_key_frame(downlink, smallest)
        elif downlink.paused and not should_pause:
            downlink.paused = False
            (downlink.target or smallest).keys.request()

    def replace_layers(self, track: Track, layers: Sequence[Layer]) -> None:
        """A host came back with other layers: viewers wait for a key frame of the new ones."""
        track.layers = list(layers)
        for viewer in self._viewers.values():
            downlink = viewer.downlinks.get(track.kind)
            if downlink is not None and viewer.connected and downlink.layer not in layers:
                self._stop(downlink)
                self._await_key_frame(downlink, layers[(len(layers) - 1) // 2])
        for kept in (self.legs, self.waiting):
            for gone in [layer for layer in kept if layer.kind == track.kind]:
                if gone not in layers:
                    del kept[gone]


def _affordable(viewer: Viewer, packets: int) -> int:
    """Return how many of `packets` a viewer's link takes at once, as far as that is known."""
    capacity = viewer.link.capacity
    if capacity is None:
        return packets
    return min(packets, round(capacity * AT_ONCE_S / 8 / PACKET_BYTES))
