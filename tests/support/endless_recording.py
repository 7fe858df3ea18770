"""Records a camera that never stops into argv[1]; run as a process of its own, to be killed."""

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from media.io.blobs.files import FileBlobs
from media.io.recording.live import LiveRecording, Workers
from tests.support.recorded_lives import FilmedStream


async def _record(folder: Path) -> None:
    blobs = FileBlobs(folder / "blobs")
    workers = Workers(blobs, folder / "spool", ThreadPoolExecutor(1), ThreadPoolExecutor(1))
    recording, stream = LiveRecording(workers, "demo", "1"), FilmedStream()
    await recording.open(resumes=False)
    recording.follow(stream)
    while True:
        stream.camera.film(5)
        await recording.events()  # behind what waits for the writer thread
        print("recorded", len(recording.index.fragments) // 20 * 20, flush=True)


if __name__ == "__main__":
    asyncio.run(_record(Path(sys.argv[1])))
