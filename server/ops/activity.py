"""What a process on this machine does now, from /proc (proc_pid_stat(5))."""

import os
from pathlib import Path

from server.ops.supervision import Activity

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
# Running or runnable, in a sleep of the kernel's that no signal ends, held by a debugger.
WAITING = frozenset("RDt")
# Fields after the command's closing parenthesis.
STATE, UTIME, STIME = 0, 11, 12


def activity(pid: int, proc: Path = Path("/proc")) -> Activity | None:
    """Look at all threads of a process; None: it is gone, or there is no /proc.

    One thread may wait for a lock that another one has, which waits for a core.
    """
    folder = proc / str(pid)
    try:
        whole = _fields(folder / "stat")
        ticks = int(whole[UTIME]) + int(whole[STIME])
        states = [_fields(task / "stat")[STATE] for task in (folder / "task").iterdir()]
    except (OSError, IndexError):  # a thread ended meanwhile
        return None
    return Activity(ticks / TICKS_PER_S, waits=not WAITING.isdisjoint(states))


def _fields(path: Path) -> list[str]:
    # A command's name may have spaces and parentheses.
    return path.read_text().rpartition(")")[2].split()
