"""An encoder that pushes whole access units (RTMP) as the source of a live. Pure.

Its timestamps are milliseconds of the encoder's own clock, 32 bits. Viewers get them as RTP time
and, by sender reports, as wall-clock time, so that sound and video stay together.
"""

from collections.abc import Callable, Mapping, Sequence

from media.stream.layer import Layer
from media.stream.ports import TrackFormat
from media.wire import h264
from media.wire.codec import Codec
from media.wire.flv import AvcConfig, AvcUnit
from media.wire.rtp import PAYLOAD_BYTES_MAX

VIDEO_HZ, AUDIO_HZ = 90_000, 48_000
_NTP_EPOCH_S = 2_208_988_800  # from 1900 to 1970
_LEFT_OUT = (h264.SPS, h264.PPS, h264.ACCESS_UNIT_DELIMITER, h264.FILLER)


class Encoder:
    """A `Source` of H.264 and, if `has_audio`, Opus. The shell delivers what `add_*` returns."""

    def __init__(
        self,
        source_id: str,
        config: AvcConfig,
        *,
        has_audio: bool,
        at_s: float,
        on_close: Callable[[], object] = lambda: None,
    ) -> None:
        """`at_s` is the wall clock (s since 1970) at which the encoder's clock is taken as 0."""
        self.id = source_id
        self.last_media_at = 0.0
        self.round_trip_s = 0.0
        profile = config.sps[0][1:4].hex()
        parameters = f"level-asymmetry-allowed=1;packetization-mode=1;profile-level-id={profile}"
        self.tracks: Mapping[str, TrackFormat] = {
            "video": TrackFormat(Codec("H264", 96, VIDEO_HZ, parameters), ("",))
        } | ({"audio": TrackFormat(Codec("opus", 111, AUDIO_HZ), ("",))} if has_audio else {})
        self._config = config
        self._began_s = at_s
        self._on_close = on_close
        self._layers: Mapping[str, Sequence[Layer]] = {}
        self._newest: dict[str, float] = {}  # by kind: the encoder's time, s

    def attach(self, layers: Mapping[str, Sequence[Layer]]) -> None:
        """Fill these from now on, by kind."""
        self._layers = layers

    def send_feedback(self, *, now: float) -> None:
        """RTMP knows no way back: viewers start from the cached GOP."""

    def close(self) -> None:
        """The live goes on without it; idempotent."""
        if self._layers:
            self._layers = {}
            self._on_close()

    def configure(self, config: AvcConfig) -> None:
        """The encoder begins with other parameter sets at its next key frame."""
        self._config = config

    def add_video(self, unit: AvcUnit, timestamp_ms: int, *, now: float) -> Layer | None:
        """Take an access unit; return the layer to deliver."""
        layer = self._layer("video")
        if layer is None:
            return None
        self.last_media_at = now
        units = [each for each in unit.nal_units if each[0] & 31 not in _LEFT_OUT]
        if unit.key:
            units = [*self._config.sps, *self._config.pps, *units]
        payloads = h264.payloads(units, PAYLOAD_BYTES_MAX)
        if payloads:
            composition = unit.composition_ms * (VIDEO_HZ // 1_000)
            ticks = timestamp_ms * (VIDEO_HZ // 1_000) + composition
            layer.add_frame(payloads, ticks, key=unit.key, composition=composition, now=now)
            self._newest["video"] = ticks / VIDEO_HZ
        return layer

    def add_audio(self, packet: bytes, ticks: int, *, now: float) -> Layer | None:
        """Take an Opus packet that begins at `ticks` (48 kHz) of the encoder's clock."""
        layer = self._layer("audio")
        if layer is None:
            return None
        self.last_media_at = now
        layer.add_frame([packet], ticks, key=False, now=now)
        self._newest["audio"] = ticks / AUDIO_HZ
        return layer

    def clock(self, kind: str) -> tuple[int, int] | None:
        """Return an NTP time (64 bits) and the layer's timestamp of that moment.

        None: nothing of this kind arrived yet.
        """
        layer = self._layer(kind)
        if layer is None or kind not in self._newest:
            return None
        ntp_s = self._began_s + self._newest[kind] + _NTP_EPOCH_S
        return int(ntp_s * (1 << 32)) & 0xFFFFFFFFFFFFFFFF, layer.timestamp

    def _layer(self, kind: str) -> Layer | None:
        layers = self._layers.get(kind)
        return layers[0] if layers else None
