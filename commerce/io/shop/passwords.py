"""Password hashes (argon2id, RFC 9106), checked in a few threads of their own.

A check takes 64 MiB and all the CPU that it gets for a tenth of a second. So few run at once, at a
lower priority than the event loop; few wait, those from known devices in front; further checks are
refused for now.
"""

import asyncio
import os
import threading
from collections import deque
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from commerce.errors import TryAgain

AT_ONCE = max(1, (os.cpu_count() or 1) // 2)
WAITING_MAX = 8
KNOWN_WAITING_MAX = 64
NICENESS = 10
"""Of the threads, setpriority(2): lives and orders go first."""


class Passwords:
    """Checks passwords; `close` when no check runs any more."""

    def __init__(self, hasher: PasswordHasher | None = None, at_once: int = AT_ONCE) -> None:
        self._hasher = hasher or PasswordHasher()
        self._pool = ThreadPoolExecutor(at_once, "passwords", initializer=_be_nice)
        self._free = at_once
        self._known: deque[asyncio.Future[None]] = deque()
        self._unknown: deque[asyncio.Future[None]] = deque()
        self._decoy: str | None = None

    async def check(self, password_hash: str, password: str, *, known: bool = False) -> bool:
        """Whether `password` is the one; an empty hash takes as long and is never right.

        Raises:
            TryAgain: Too many wait already.
        """
        async with self._turn(known):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, self._check, password_hash, password)

    async def hash(self, password: str) -> str:
        """Return the hash of a new password.

        Raises:
            TryAgain: Too many wait already.
        """
        async with self._turn(known=False):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, self._hasher.hash, password)

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    @asynccontextmanager
    async def _turn(self, known: bool) -> AsyncIterator[None]:
        if self._free:
            self._free -= 1
        else:
            queue, waiting_max = (
                (self._known, KNOWN_WAITING_MAX) if known else (self._unknown, WAITING_MAX)
            )
            if len(queue) >= waiting_max:
                raise TryAgain
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            queue.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._next()
                raise
        try:
            yield
        finally:
            self._next()

    def _next(self) -> None:
        for queue in (self._known, self._unknown):
            while queue:
                turn = queue.popleft()
                if not turn.done():
                    turn.set_result(None)
                    return
        self._free += 1

    def _check(self, password_hash: str, password: str) -> bool:
        if not password_hash:
            if self._decoy is None:
                self._decoy = self._hasher.hash("nobody has this password")
            password_hash, password = self._decoy, ""
        try:
            return self._hasher.verify(password_hash, password)
        except (Argon2Error, InvalidHashError):
            return False


def _be_nice() -> None:
    """On Linux the priority is a thread's own, and argon2's lanes inherit it."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
