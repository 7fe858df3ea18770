"""What a live looks like to whoever runs it: the host's streams and each viewer's line."""

from dataclasses import dataclass

from media.io.room import MediaRoom
from media.io.session import Session
from media.track import Track


@dataclass(frozen=True, slots=True)
class StreamStats:
    """One stream of the host. Rates are of the last second."""

    kind: str
    codec: str
    bits_per_s: int
    frames_per_s: float
    packets: int
    packets_lost: int  # never came, repairs included
    jitter_ms: float
    key_frames: int


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


@dataclass(frozen=True, slots=True)
class LiveStats:
    """One live on this worker."""

    live: bool
    key_frames_asked: int
    streams: list[StreamStats]
    viewers: list[ViewerStats]


def stats_of(room: MediaRoom, *, now: float) -> LiveStats:
    """Return the figures of `room`; `now` is monotonic seconds."""
    return LiveStats(
        room.live,
        room.keys.asked,
        [_stream(track) for track in room.tracks.values()],
        [_viewer(viewer, now) for viewer in room.viewers.values()],
    )


def _stream(track: Track) -> StreamStats:
    jitter_ticks = track.source.jitter_ticks if track.source else 0.0
    return StreamStats(
        track.kind,
        track.codec.name,
        round(track.bits_per_s),
        round(track.frames_per_s, 1),
        track.packets_sent,
        track.lost,
        round(jitter_ticks / track.codec.clock_hz * 1_000, 1),
        track.key_frames,
    )


def _viewer(viewer: Session, now: float) -> ViewerStats:
    return ViewerStats(
        round(now - viewer.created),
        viewer.up,
        viewer.gcm is not None,
        round(viewer.rtt_s * 1_000, 1) if viewer.rtt_known else None,
        {kind: round(lost, 4) for kind, lost in viewer.lost.items()},
        viewer.nacks,
        viewer.resent,
    )
