"""Opus into AAC, once per stream. CPU only: call it on a worker thread."""

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import av
from av.audio.codeccontext import AudioCodecContext

from media.wire import fmp4

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RATE_HZ = 48_000
AAC_BITS_PER_S = 96_000
FRAME_SAMPLES = 1_024
# AAC-LC, 48 kHz, stereo (ISO/IEC 14496-3 section 1.6.2.1).
TRACK = fmp4.Aac(RATE_HZ, 2, b"\x11\x90")
# Sound that is so far from where it should go on is moved there.
MOVE_SAMPLES_MIN = RATE_HZ // 50
SILENCE_SAMPLES_MAX = 30 * RATE_HZ


class OpusToAac:
    """State of one stream, from sample `start` of the timeline on.

    What is missing is silence: players wait for sound that is not there. The 1,024 samples that AAC
    puts in front keep their place, so the first frame begins before `start`.
    """

    def __init__(self, start: int) -> None:
        decoder = av.CodecContext.create("libopus", "r")
        encoder = av.CodecContext.create("aac", "w")
        assert isinstance(decoder, AudioCodecContext) and isinstance(encoder, AudioCodecContext)
        decoder.sample_rate, decoder.format, decoder.layout = RATE_HZ, "s16", "stereo"
        encoder.sample_rate, encoder.format, encoder.layout = RATE_HZ, "fltp", "stereo"
        encoder.bit_rate, encoder.time_base = AAC_BITS_PER_S, Fraction(1, RATE_HZ)
        self._decoder: AudioCodecContext = decoder
        self._encoder: AudioCodecContext = encoder
        self.next = start  # where the next sample goes
        self._kept: NDArray[np.float32] | None = None  # less than a frame

    def feed(self, packets: Sequence[tuple[int, bytes]], until: int) -> list[tuple[int, bytes]]:
        """Take packets with their places, then go on with silence up to `until`.

        Returns:
            AAC frames with their places, each right after the one before.
        """
        pieces = []
        for place, data in packets:
            missing = place - self.next
            samples = self._decode(data)
            if missing > SILENCE_SAMPLES_MAX:
                continue
            if missing >= MOVE_SAMPLES_MIN:
                pieces.append(self._silence(missing))
            elif missing <= -MOVE_SAMPLES_MIN:
                samples = samples[:, -missing:]
            pieces.append(samples)
            self.next += samples.shape[1]
        if until > self.next:
            pieces.append(self._silence(min(until - self.next, SILENCE_SAMPLES_MAX)))
        return self._encode(pieces)

    def _silence(self, count: int) -> "NDArray[np.float32]":
        import numpy as np  # 9 MB that a worker without such a stream does not need

        self.next += count
        return np.zeros((2, count), np.float32)

    def _decode(self, data: bytes) -> "NDArray[np.float32]":
        import numpy as np

        try:
            frames = self._decoder.decode(av.Packet(data))
        except av.FFmpegError:
            frames = []  # its place becomes silence
        pieces = [
            (frame.to_ndarray().reshape(-1, 2).T / np.float32(32_768)).astype(np.float32)
            for frame in frames
        ]
        return np.concatenate(pieces, axis=1) if pieces else np.zeros((2, 0), np.float32)

    def _encode(self, pieces: "list[NDArray[np.float32]]") -> list[tuple[int, bytes]]:
        import numpy as np

        before = [] if self._kept is None else [self._kept]
        if not (pieces := [*before, *pieces]):
            return []
        samples = np.concatenate(pieces, axis=1)
        at = self.next - samples.shape[1]
        out = []
        for begin in range(0, samples.shape[1] - FRAME_SAMPLES + 1, FRAME_SAMPLES):
            piece = np.ascontiguousarray(samples[:, begin : begin + FRAME_SAMPLES])
            frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts = RATE_HZ, at + begin
            frame.time_base = Fraction(1, RATE_HZ)
            for packet in self._encoder.encode(frame):
                assert packet.pts is not None
                out.append((packet.pts, bytes(packet)))
        self._kept = samples[:, samples.shape[1] // FRAME_SAMPLES * FRAME_SAMPLES :]
        return out
