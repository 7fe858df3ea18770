"""What roads other than WebRTC do with the lives of a worker, by room id."""

from collections.abc import Callable
from time import monotonic

from media.errors import NotLive
from media.forwarding.encoder import Encoder
from media.forwarding.live import Live
from media.forwarding.lives import RETRY_AFTER_S, Lives
from media.io.thumbnails import KeyFrame
from media.stream.layer import Layer
from media.stream.ports import Source


class Roads:
    """The media plane's lives as RTMP, HLS and thumbnails see them; made by the plane."""

    def __init__(self, lives: Lives, on_take_over: Callable[[str], None]) -> None:
        """`on_take_over` is called with the room of a live before it gets another source."""
        self._lives = lives
        self._on_take_over = on_take_over

    def lives(self) -> list[Live]:
        """Return the lives of this worker."""
        return list(self._lives.by_room.values())

    def live(self, room_id: str) -> Live:
        """Return a live that can be watched: sinks are added to it.

        Raises:
            NotLive: Nobody publishes in that room, or to another worker, which has the sinks.
        """
        live = self._lives.watched(room_id)
        if live.edge:
            raise NotLive(RETRY_AFTER_S)
        return live

    def publish_source(self, room_id: str, source: Source) -> None:
        """Give a live this source in place of the one it has."""
        self._on_take_over(room_id)
        self._lives.add_source(room_id, source, standby=False, now=monotonic())

    def deliver(self, room_id: str, source: Source, layer: Layer) -> None:
        """Hand on what a layer of the source received."""
        live = self._lives.by_room.get(room_id)
        if live is not None and live.source is source:
            self._lives.deliver(live, layer, now=monotonic())

    def send_clock(self, room_id: str, encoder: Encoder) -> None:
        """Send viewers the encoder's clock."""
        self._lives.send_clock(room_id, encoder, now=monotonic())

    def end_source(self, room_id: str, source: Source) -> None:
        """The source is over; idempotent."""
        self._lives.end_source(room_id, source, now=monotonic())

    def end_host(self, room_id: str) -> None:
        """The source of a live is over, whatever it is; the live waits for another one."""
        live = self._lives.by_room.get(room_id)
        if live is not None and live.source is not None:
            self._lives.end_source(room_id, live.source, now=monotonic())

    def key_frame(self, room_id: str) -> KeyFrame | None:
        """Return the newest key frame of a live on this worker; None: there is none."""
        layer, now = self._smallest_layer(room_id), monotonic()
        if layer is None or not layer.gop:
            return None
        frame = layer.gop[0]
        age_s = layer.age_s(frame, now=now)
        return KeyFrame(layer.codec.name, frame, layer.key_frames, age_s)

    def request_key_frame(self, room_id: str) -> None:
        """Have the host of a live send another key frame soon."""
        layer = self._smallest_layer(room_id)
        if layer is not None:
            layer.keys.request()

    def _smallest_layer(self, room_id: str) -> Layer | None:
        live = self._lives.by_room.get(room_id)
        video = (
            live.tracks.get("video") if live is not None and live.on_air and not live.edge else None
        )
        layers = video.flowing(now=monotonic()) if video is not None else []
        return layers[0] if layers else None
