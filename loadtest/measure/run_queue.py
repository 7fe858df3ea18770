"""How long the threads of a process waited for a core (Linux, schedstats of the scheduler)."""

import contextlib
from pathlib import Path

_NS = 1e9


class RunQueue:
    """Reads it for one process; 0 where the kernel does not say, and once the process is gone."""

    def __init__(self, pid: int, *, tasks: Path | None = None) -> None:
        """`tasks` stands in for the process's folder of threads."""
        self._tasks = tasks or Path(f"/proc/{pid}/task")
        self._waited_ns: dict[str, int] = {}

    def waited_s(self) -> float:
        """Return the longest that one of its threads waited in all since the last call."""
        before, self._waited_ns = self._waited_ns, self._read()
        new = (waited - before.get(thread, 0) for thread, waited in self._waited_ns.items())
        return max(new, default=0) / _NS if before else 0.0

    def _read(self) -> dict[str, int]:
        found = {}
        with contextlib.suppress(OSError):
            for task in self._tasks.iterdir():
                # Of "time on the core, time waiting for it, times on it", in ns.
                with contextlib.suppress(OSError, IndexError, ValueError):
                    found[task.name] = int((task / "schedstat").read_text("ascii").split()[1])
        return found
