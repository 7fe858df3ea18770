"""A host like OBS with rare key frames: `python -m tests.stories.deaf_host WHIP TOKEN SECONDS`."""

import asyncio
import signal
import sys

from loadtest.actors.publish import BITRATE_BPS
from loadtest.clients.whip import WhipSession
from loadtest.sources.encoded import AmbientSource, PictureSource


async def main(url: str, token: str, key_frame_every_s: float) -> None:
    """Publish until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    video = PictureSource(BITRATE_BPS, key_frame_every_s=key_frame_every_s, deaf=True)
    async with WhipSession(url, token, video, AmbientSource()):
        await stop.wait()


asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
