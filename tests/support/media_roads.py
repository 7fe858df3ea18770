"""Roads of a live that have no network: a source of whole access units, a sink in memory."""

from collections import deque
from collections.abc import Mapping, Sequence

from media.stream.frames import Frame
from media.stream.layer import Layer
from media.stream.ports import TrackFormat


class UnitSource:
    """A `Source` whose access units arrive whole, as an RTMP encoder's do."""

    round_trip_s = 0.0

    def __init__(self, source_id: str, tracks: Mapping[str, TrackFormat]) -> None:
        self.id = source_id
        self.tracks = tracks
        self.last_media_at = 0.0
        self.layers: Mapping[str, Sequence[Layer]] = {}
        self.key_frames_requested = 0
        self.closed = False

    def attach(self, layers: Mapping[str, Sequence[Layer]]) -> None:
        self.layers = layers

    def send(self, kind: str, unit: bytes, timestamp: int, *, key: bool, now: float) -> Layer:
        """Fill the only layer of a kind; return it, to be delivered."""
        self.last_media_at = now
        [layer] = self.layers[kind]
        half = len(unit) // 2
        layer.add_frame((unit[:half], unit[half:]), timestamp, key=key, now=now)
        return layer

    def send_feedback(self, *, now: float) -> None:
        for layer in (layer for layers in self.layers.values() for layer in layers):
            self.key_frames_requested += layer.keys.due(now=now)

    def close(self) -> None:
        self.closed = True


class MemorySink:
    """A `FrameSink` that keeps frames until they are `read`.

    It is slow when `frames_max` wait: it then drops everything up to the next key frame, for which
    it asks.
    """

    def __init__(self, frames_max: int = 1_000) -> None:
        self._frames_max = frames_max
        self._waiting: deque[tuple[Layer, Frame]] = deque()
        self._skips: set[Layer] = set()
        self.dropped = 0
        self.closes = 0

    def frame(self, layer: Layer, frame: Frame, *, now: float) -> None:
        if len(self._waiting) >= self._frames_max:
            self._skips.add(layer)
            layer.keys.request()
        elif frame.key:
            self._skips.discard(layer)
        if layer in self._skips:
            self.dropped += 1
        else:
            self._waiting.append((layer, frame))

    def close(self) -> None:
        self.closes += 1

    def read(self) -> list[tuple[Layer, Frame]]:
        """Take what waits, oldest first."""
        out = list(self._waiting)
        self._waiting.clear()
        return out
