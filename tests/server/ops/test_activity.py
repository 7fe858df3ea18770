"""What a process does, read from /proc."""

import os
from pathlib import Path

import pytest

from server.ops.activity import TICKS_PER_S, activity
from server.ops.supervision import Activity


def stat(state: str, user_ticks: int = 0, system_ticks: int = 0) -> str:
    return f"42 (a (b) c) {state} 1 1 1 0 -1 4194304 1 2 3 4 {user_ticks} {system_ticks} 0 0 20 0\n"


def written(proc: Path, whole: str, *threads: str) -> Path:
    (proc / "42").mkdir()
    (proc / "42/stat").write_text(whole)
    for number, text in enumerate(threads):
        (proc / f"42/task/{number}").mkdir(parents=True)
        (proc / f"42/task/{number}/stat").write_text(text)
    return proc


@pytest.mark.parametrize(
    ("threads", "waits"),
    [("S", False), ("T", False), ("SSR", True), ("DS", True), ("tt", True), ("SSI", False)],
)
def test_one_thread_that_wants_to_run_or_waits_for_a_disk_is_enough(
    tmp_path: Path, threads: str, waits: bool
) -> None:
    proc = written(tmp_path, stat("S", 3 * TICKS_PER_S, TICKS_PER_S), *map(stat, threads))
    assert activity(42, proc) == Activity(cpu_s=4.0, waits=waits)


def test_process_that_is_gone_or_a_machine_without_proc_tells_nothing(tmp_path: Path) -> None:
    assert activity(42, tmp_path) is None
    assert activity(42, tmp_path / "none") is None
    assert activity(42, written(tmp_path, "42 (", stat("S"))) is None


def test_process_that_runs_is_seen_to() -> None:
    own = activity(os.getpid())
    assert own is not None and own.waits and own.cpu_s > 0.0
