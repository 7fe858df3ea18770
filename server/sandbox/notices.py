"""The sandbox's notices: sent when they are due, and again until they are acknowledged."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import structlog

from server.sandbox.faults import Faults

TIMEOUT_S = 5.0  # as WeChat Pay waits
WAITING_MAX = 100_000
# WeChat Pay: 15s/15s/30s/3m/10m/20m/30m/30m/30m/60m/3h/3h/3h/6h/6h.
WECHAT_RETRIES_S = (
    *(15, 15, 30, 180, 600, 1_200, 1_800, 1_800, 1_800, 3_600),
    *(10_800, 10_800, 10_800, 21_600, 21_600),
)
ALIPAY_RETRIES_S = (240, 600, 600, 3_600, 7_200, 21_600, 54_000)
STRIPE_RETRIES_S = (60, 300, 1_800, 7_200, 18_000, 36_000, 43_200, 43_200, 43_200, 43_200)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Post:
    """A notice as it goes out, signed at that moment."""

    url: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Notice:
    """What a provider reports: how it is written, and what acknowledges it."""

    written: Callable[[int], Post]
    acknowledged: Callable[[int, bytes], bool]
    retries_s: tuple[int, ...]


@dataclass(order=True, slots=True)
class _Waiting:
    due_ms: int
    number: int
    notice: Notice = field(compare=False)
    attempt: int = field(compare=False, default=0)


class Notices:
    """The queue of notices."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._waiting: list[_Waiting] = []
        self._number = 0

    def add(self, notice: Notice, *, now_ms: int) -> None:
        """Queue a notice, unless it is lost; some come twice."""
        if self._faults.is_lost():
            return
        self._push(notice, now_ms + self._faults.delay_ms(), 0)
        if self._faults.is_twice():
            self._push(notice, now_ms + self._faults.delay_ms(), 0)

    def next_ms(self) -> int | None:
        """When the next one is due."""
        return self._waiting[0].due_ms if self._waiting else None

    async def send_due(self, client: httpx.AsyncClient, *, now_ms: int) -> int:
        """Send what is due; return how many were acknowledged."""
        taken = 0
        due: list[_Waiting] = []
        while self._waiting and self._waiting[0].due_ms <= now_ms:
            due.append(heapq.heappop(self._waiting))
        for one in due:
            if await _posted(client, one.notice, now_ms):
                taken += 1
            elif one.attempt < len(one.notice.retries_s):
                wait_ms = one.notice.retries_s[one.attempt] * 1_000
                self._push(one.notice, now_ms + wait_ms, one.attempt + 1)
        return taken

    def _push(self, notice: Notice, due_ms: int, attempt: int) -> None:
        if len(self._waiting) < WAITING_MAX:
            self._number += 1
            heapq.heappush(self._waiting, _Waiting(due_ms, self._number, notice, attempt))


async def _posted(client: httpx.AsyncClient, notice: Notice, now_ms: int) -> bool:
    post = notice.written(now_ms)
    try:
        answer = await client.post(
            post.url, headers=post.headers, content=post.body, timeout=TIMEOUT_S
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        log.info("notice not taken", error=type(error).__name__)
        return False
    taken = notice.acknowledged(answer.status_code, answer.content)
    if not taken:
        log.info("notice not taken", status=answer.status_code)
    return taken
