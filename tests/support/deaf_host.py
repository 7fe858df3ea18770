"""A host like OBS with rare key frames: `python -m tests.stories.deaf_host WHIP TOKEN SECONDS`."""

import asyncio
import signal
import sys

from loadtest.actors.publish import BITRATE_BPS
from loadtest.clients.whip import WhipSession
from loadtest.sources.encoded import AmbienceSource, PatternSource


async def main(url: str, token: str, key_frame_every_s: float) -> None:
    """Publish until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    video = PatternSource(BITRATE_BPS, key_frame_every_s=key_frame_every_s, ignores_pli=True)
    async with WhipSession(url, token, video, AmbienceSource()):
        await stop.wait()


asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))
