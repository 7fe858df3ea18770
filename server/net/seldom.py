"""Warnings that clients can cause: one in a while, with how many there were."""

import time

import structlog

log = structlog.get_logger()


class Seldom:
    """A warning at most every `every_s` seconds; `count` is how many came since the last one."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._logged_at = float("-inf")
        self._count = 0

    def log(self, event: str, *, now: float | None = None, **values: object) -> None:
        """Log `event` with `values` if it is time; `now` in monotonic seconds."""
        now = time.monotonic() if now is None else now
        self._count += 1
        if now - self._logged_at >= self._every_s:
            self._logged_at = now
            log.warning(event, count=self._count, **values)
            self._count = 0
