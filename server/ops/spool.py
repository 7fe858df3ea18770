"""Where a worker spools recordings until the blob store has them."""

from pathlib import Path

import structlog

from server.worker import Worker

log = structlog.get_logger()


def open_spool(data_dir: Path, worker: Worker) -> Path:
    """Return the worker's folder: its number's, so that it takes up what it had when it ended.

    The first worker also takes over the folders of numbers that this node no longer has.
    """
    if worker.number:
        return data_dir / f"spool-{worker.number}"
    folder = data_dir / "spool"
    for other in sorted(data_dir.glob("spool-*")):
        number = other.name.removeprefix("spool-")
        if number.isdecimal() and int(number) >= worker.count:
            _take_over(other, folder)
    return folder


def _take_over(other: Path, folder: Path) -> None:
    """Move recordings; one that lies in both places stays where it is."""
    for recording in sorted(other.glob("*/*")):
        target = folder / recording.parent.name / recording.name
        if target.exists():
            log.warning("recording is in two spools", live=recording.name, stays_in=other.name)
            continue
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        recording.rename(target)
