"""Figures of the plane and of one live: the host's layers, and each viewer's link."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from media.congestion.load import Load
from media.forwarding.decodability import Undecodable
from media.forwarding.live import Live
from media.forwarding.lives import Lives
from media.forwarding.viewer import Viewer
from media.io.webrtc.fanout import Fanout
from media.io.webrtc.session import Direction
from media.io.webrtc.sessions import Sessions
from media.stream.layer import Layer


@dataclass(frozen=True, slots=True)
class PlaneStats:
    """Figures of this worker since its start; gauges where the name says so."""

    rooms_live: int
    sessions_publish: int
    sessions_play: int
    packets_in: int
    packets_out: int
    octets_out: int
    packets_lost_in: int
    nacks_out: int
    key_requests_out: int
    resent: int
    repeats_refused: int
    shown_again: int
    layer_changes: int
    skips: int
    send_blocked: int
    send_errors: int
    frames_dropped: int
    gso: bool
    busy: float
    rejected: dict[str, int]  # by reason, as `Intake` names them


@dataclass(frozen=True, slots=True)
class StreamStats:
    """One layer of the host. Rates are of the last second."""

    kind: str
    rid: str  # of a layer, else empty
    codec: str
    width: int | None
    height: int | None
    flows: bool
    bits_per_s: int
    frames_per_s: float
    packets: int
    packets_lost: int  # never came, repairs included
    jitter_ms: float
    key_frames: int
    key_frames_asked: int


@dataclass(frozen=True, slots=True)
class ViewerStats:
    """One viewer. `round_trip_ms` is None until the first report came with one."""

    since_s: int
    connected: bool
    gcm: bool
    round_trip_ms: float | None
    lost: dict[str, float]  # by kind: part of the packets, by the newest report
    nacks: int
    resent: int
    repairs: bool  # retransmits go by RFC 4588
    layer: str | None  # the rid of what it gets
    layer_changes: int
    skips: bool  # even the smallest layer is too much: it waits for a key frame
    estimate_bits_per_s: int | None  # of its browser, or ours of arrivals
    limit_bits_per_s: int | None  # what its link carries, if it was congested


@dataclass(frozen=True, slots=True)
class Layers:
    """The layers that a viewer may get, from small to large, and the rid of what it gets."""

    layers: list[StreamStats]
    current: str | None


@dataclass(frozen=True, slots=True)
class LiveStats:
    """One live on this worker."""

    live: bool
    undecodable: Undecodable | None  # why no viewer can decode the host's video
    streams: list[StreamStats]
    viewers: list[ViewerStats]


def plane_stats_of(
    lives: Lives,
    sessions: Sessions,
    fanout: Fanout,
    load: Load,
    counted: Counter[str],
    rejected: Counter[str],
) -> PlaneStats:
    """Return the figures of a worker."""
    directions = Counter(session.direction for session in sessions)
    return PlaneStats(
        rooms_live=sum(live.on_air and not live.edge for live in lives.by_room.values()),
        sessions_publish=directions[Direction.PUBLISH],
        sessions_play=directions[Direction.PLAY],
        packets_in=counted["in"],
        packets_out=fanout.packets,
        octets_out=fanout.octets,
        packets_lost_in=counted["lost_in"],
        nacks_out=counted["nacks"],
        key_requests_out=counted["keys"],
        resent=counted["resent"],
        repeats_refused=counted["repeats_refused"],
        shown_again=counted["shown_again"],
        layer_changes=counted["layer_changes"],
        skips=counted["skips"],
        send_blocked=fanout.blocked,
        send_errors=fanout.send_errors,
        frames_dropped=fanout.dropped_frames,
        gso=fanout.gso,
        busy=round(load.busy, 3),
        rejected=dict(rejected),
    )


def stats_of(live: Live, uses_gcm: Callable[[str], bool], *, now: float) -> LiveStats:
    """Return the figures of a live; `uses_gcm` knows the cipher of a viewer's session."""
    return LiveStats(
        live.on_air,
        live.decodability.problem,
        [_layer(layer, now) for layer in live.layers()],
        [_viewer(viewer, uses_gcm(viewer.id), now) for viewer in live.viewers.values()],
    )


def layers_of(live: Live, viewer: Viewer, *, now: float) -> Layers:
    """Return what a viewer may get of the video."""
    video = viewer.video
    aim = (video.target or video.layer) if video is not None else None
    layers = live.tracks["video"].layers if "video" in live.tracks else []
    return Layers([_layer(layer, now) for layer in layers], aim.rid if aim is not None else None)


def _layer(layer: Layer, now: float) -> StreamStats:
    jitter_ticks = layer.source.jitter_ticks if layer.source else 0.0
    return StreamStats(
        layer.kind,
        layer.rid,
        layer.codec.name,
        layer.size.width if layer.size else None,
        layer.size.height if layer.size else None,
        layer.flows(now=now),
        round(layer.bits_per_s),
        round(layer.frames_per_s, 1),
        layer.packets_sent,
        layer.lost,
        round(jitter_ticks / layer.codec.clock_hz * 1_000, 1),
        layer.key_frames,
        layer.keys.sent,
    )


def _viewer(viewer: Viewer, gcm: bool, now: float) -> ViewerStats:
    video, link = viewer.video, viewer.link
    return ViewerStats(
        round(now - viewer.created),
        viewer.connected,
        gcm,
        round(viewer.rtt.smoothed_s * 1_000, 1) if viewer.rtt.known else None,
        {kind: round(lost, 4) for kind, lost in viewer.lost.items()},
        viewer.nacks,
        viewer.resent,
        video is not None and video.repair is not None,
        video.layer.rid if video is not None and video.layer is not None else None,
        video.changes if video is not None else 0,
        video is not None and video.paused,
        round(link.estimate) or None,
        round(link.capacity) if link.capacity is not None else None,
    )
