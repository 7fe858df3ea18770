"""FFmpeg's own WHIP muxer publishes: `python -m tests.support.ffmpeg_host URL TOKEN CLIP PEM`.

In a process of its own, since PyAV holds the GIL while the muxer shakes hands. PEM holds a P-256
key and certificate: what this FFmpeg build makes by itself is P-224, which OpenSSL 4 refuses.
"""

import sys
import time
from fractions import Fraction

import av
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

FPS, WIDTH, HEIGHT = 25, 640, 360
AUDIO_HZ, AUDIO_FRAME = 48_000, 960


def main(url: str, token: str, clip: str, pem: str) -> None:
    """Publish `clip` once, in its own time, with silence beside it."""
    options = {"authorization": token, "cert_file": pem, "key_file": pem}
    with av.open(url, "w", format="whip", options=options) as whip, av.open(clip) as source:
        video = whip.add_stream("libx264", rate=FPS)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.options = {"profile": "baseline", "tune": "zerolatency", "g": str(FPS)}
        audio = whip.add_stream("libopus", rate=AUDIO_HZ)
        audio.layout = "stereo"
        started, silence = time.monotonic(), 0
        for frame in source.decode(video=0):
            assert isinstance(frame, VideoFrame) and frame.time is not None
            time.sleep(max(0.0, started + frame.time - time.monotonic()))
            resized = frame.reformat(WIDTH, HEIGHT, "yuv420p")
            resized.pts, resized.time_base = round(frame.time * FPS), Fraction(1, FPS)
            whip.mux(video.encode(resized))
            while silence < frame.time * AUDIO_HZ:
                quiet = AudioFrame("s16", "stereo", AUDIO_FRAME)
                quiet.sample_rate, quiet.pts = AUDIO_HZ, silence
                for plane in quiet.planes:
                    plane.update(bytes(plane.buffer_size))
                silence += AUDIO_FRAME
                whip.mux(audio.encode(quiet))


if __name__ == "__main__":
    main(*sys.argv[1:])
