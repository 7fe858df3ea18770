"""Requests that wait for a part of a stream, thousands of them for the same one."""

import asyncio
from collections import deque
from collections.abc import Callable

# Answered at one go; in between the loop does what else is due. About 5 ms.
AT_ONCE_MAX = 256

Answer = Callable[[bool], None]  # whether it came; must not raise


class Waiters:
    """Answers are called on the loop's thread, never from within `add`."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        # By segment and part, in the order in which they came; each with its deadline.
        self._waiting: dict[tuple[int, int], deque[tuple[float, Answer]]] = {}
        self._due: deque[Answer] = deque()

    def __bool__(self) -> bool:
        return bool(self._waiting or self._due)

    def add(self, msn: int, part: int, deadline: float, answer: Answer) -> None:
        """Call `answer` once the part is there, or a little after the `deadline`."""
        self._waiting.setdefault((msn, part), deque()).append((deadline, answer))

    def settle(self, is_there: Callable[[int, int], bool]) -> None:
        """Answer all whose part is there."""
        for key in [key for key in self._waiting if is_there(*key)]:
            self._due.extend(answer for _, answer in self._waiting.pop(key))
        self._serve()

    def expire(self, *, now: float) -> None:
        """Answer those who have waited for too long."""
        for key, waiting in list(self._waiting.items()):
            while waiting and waiting[0][0] <= now:
                waiting.popleft()[1](False)
            if not waiting:
                del self._waiting[key]

    def _serve(self) -> None:
        for _ in range(min(AT_ONCE_MAX, len(self._due))):
            self._due.popleft()(True)
        if self._due:
            self._loop.call_soon(self._serve)
