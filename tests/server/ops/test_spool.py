"""Spools of a node whose number of workers changes."""

from pathlib import Path

from server.ops.spool import open_spool
from server.worker import Worker

LIVE = "demo/20260101-120000"


def spooled(folder: Path, text: str) -> Path:
    path = folder / LIVE / "index.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def test_each_worker_number_has_a_spool_of_its_own(tmp_path: Path) -> None:
    spools = {open_spool(tmp_path, Worker("0a1b2c", number, 3)) for number in range(3)}
    assert len(spools) == 3


def test_first_worker_takes_over_what_numbers_left_that_no_longer_run(tmp_path: Path) -> None:
    kept, left = spooled(tmp_path / "spool-1", "kept"), spooled(tmp_path / "spool-2", "left")
    folder = open_spool(tmp_path, Worker("0a1b2c", 0, 2))
    assert (folder / LIVE / "index.jsonl").read_text() == "left"
    assert kept.read_text() == "kept" and not left.exists()


def test_recording_that_is_in_two_spools_is_not_overwritten(tmp_path: Path) -> None:
    first, second = spooled(tmp_path / "spool", "first"), spooled(tmp_path / "spool-1", "second")
    assert open_spool(tmp_path, Worker()) == tmp_path / "spool"
    assert (first.read_text(), second.read_text()) == ("first", "second")
