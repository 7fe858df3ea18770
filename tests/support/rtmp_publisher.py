"""FFmpeg as an RTMP publisher: a small test pattern and a tone, in real time."""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator
from fractions import Fraction

import av
import numpy as np
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

FPS, RATE_HZ = 15, 44_100
WIDTH, HEIGHT = 320, 240
# FFmpeg gives up a connection that the server closed with one of these.
CLOSED = (av.FFmpegError, OSError)


@contextlib.asynccontextmanager
async def publishing(
    url: str, *, b_frames: int = 0, start_s: int = 0, flashes: bool = False
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Publish to `url` until the block ends, or the server ends it (then the process is over).

    `start_s` is where the encoder's clock begins. With `flashes` the video is white and the tone is
    on for the first fifth of each second, else the video is black and silent. A process of its own,
    since PyAV connects with the interpreter's lock held.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, url, str(b_frames), str(start_s), str(int(flashes))
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _publish(url: str, b_frames: int, start_s: int, flashes: bool) -> None:
    with contextlib.suppress(*CLOSED), av.open(url, "w", format="flv") as container:
        video = container.add_stream("libx264", rate=FPS)
        audio = container.add_stream("aac", rate=RATE_HZ, layout="mono")
        assert isinstance(video, VideoStream) and isinstance(audio, AudioStream)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.codec_context.gop_size = FPS
        tune = {} if b_frames else {"tune": "zerolatency"}
        video.codec_context.options = {"preset": "ultrafast", "bf": str(b_frames), **tune}
        began = time.monotonic()
        samples = 0
        for number in range(1_000_000):
            time.sleep(max(0.0, began + number / FPS - time.monotonic()))
            brightness = 255 * (number % FPS < FPS / 5) if flashes else number * 7 % 256
            pixels = np.full((HEIGHT, WIDTH, 3), brightness, dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = start_s * FPS + number, Fraction(1, FPS)
            for packet in video.encode(frame):
                container.mux(packet)
            while samples < (number + 1) * RATE_HZ / FPS:
                times = (samples + np.arange(1_024)) / RATE_HZ
                tone = np.sin(2 * np.pi * 440 * times).astype(np.float32)[None]
                if flashes:
                    tone *= times % 1 < 0.2
                sound = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
                sound.sample_rate, sound.time_base = RATE_HZ, Fraction(1, RATE_HZ)
                sound.pts = start_s * RATE_HZ + samples
                samples += 1_024
                for packet in audio.encode(sound):
                    container.mux(packet)


if __name__ == "__main__":
    _publish(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), flashes=sys.argv[4] == "1")
