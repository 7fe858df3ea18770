"""AAC into Opus, once per stream, for viewers of WebRTC. CPU only: call it on a worker thread."""

from fractions import Fraction
from typing import NamedTuple

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.resampler import AudioResampler

from media.forwarding.encoder import AUDIO_HZ
from media.wire.flv import AacConfig

OPUS_BITS_PER_S = 96_000
PACKET_SAMPLES = AUDIO_HZ // 50
# A timestamp this far from where the sound should go on is a gap, or another clock: begin anew.
GAP_SAMPLES_MAX = AUDIO_HZ // 10
_TIME_BASE = Fraction(1, AUDIO_HZ)


class OpusPacket(NamedTuple):
    """20 ms of sound, from `ticks` (48 kHz, the source's clock) on."""

    data: bytes
    ticks: int


class AacToOpus:
    """State of one stream. Sound keeps its place in time: codec delays are taken off."""

    def __init__(self, config: AacConfig) -> None:
        self._config = config
        self._next: int | None = None  # ticks of the next decoded sample
        self._begin(0)

    def _begin(self, ticks: int) -> None:
        """Begin anew: the next sample is that of `ticks`."""
        decoder = av.CodecContext.create("aac", "r")
        decoder.extradata = self._config.record
        encoder = av.CodecContext.create("libopus", "w")
        assert isinstance(decoder, AudioCodecContext) and isinstance(encoder, AudioCodecContext)
        encoder.sample_rate, encoder.format, encoder.layout = AUDIO_HZ, "s16", "stereo"
        encoder.bit_rate, encoder.time_base = OPUS_BITS_PER_S, _TIME_BASE
        encoder.options = {"application": "audio", "frame_duration": "20"}
        self._decoder: AudioCodecContext = decoder
        self._encoder: AudioCodecContext = encoder
        self._resampler = AudioResampler("s16", "stereo", AUDIO_HZ, frame_size=PACKET_SAMPLES)
        self._began, self._samples = ticks, 0

    def feed(self, data: bytes, timestamp_ms: int) -> list[OpusPacket]:
        """Take one AAC frame; return the packets that are complete.

        A frame that cannot be decoded is left out; its place stays silent.
        """
        ticks = timestamp_ms * (AUDIO_HZ // 1_000)
        if self._next is None or abs(ticks - self._next) > GAP_SAMPLES_MAX:
            self._begin(ticks)
            self._next = ticks
        try:
            frames = self._decoder.decode(av.Packet(data))
        except av.FFmpegError:
            return []
        out: list[OpusPacket] = []
        for frame in frames:
            rate_hz = frame.sample_rate
            frame.time_base = Fraction(1, rate_hz)
            frame.pts = self._began * rate_hz // AUDIO_HZ + self._samples
            self._samples += frame.samples
            self._next = self._began + self._samples * AUDIO_HZ // rate_hz
            for piece in self._resampler.resample(frame):
                for packet in self._encoder.encode(piece):
                    assert packet.pts is not None
                    out.append(OpusPacket(bytes(packet), packet.pts))
        return out
