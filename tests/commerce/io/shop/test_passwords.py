"""Password checks: few at once, few waiting, known devices in front."""

import asyncio
import os
import threading

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from commerce.errors import TryAgain
from commerce.io.shop.passwords import NICENESS, WAITING_MAX, Passwords
from tests.support.waiting import wait_until

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class SlowHasher(PasswordHasher):
    """Checks that take until `go` is set, and are right when hash and password are the same."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.checked: list[str] = []
        self.niceness = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]
        self.go.wait(10)
        self.niceness = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        self.checked.append(str(password))
        if hash != password:
            raise VerifyMismatchError
        return True


async def test_only_the_right_password_is_right() -> None:
    passwords = Passwords(QUICK)
    good = QUICK.hash("open sesame")
    assert await passwords.check(good, "open sesame")
    assert not await passwords.check(good, "open")
    assert not await passwords.check("", "")
    assert not await passwords.check("no hash", "open sesame")
    passwords.close()


async def test_a_known_device_waits_for_one_check_and_not_for_strangers() -> None:
    hasher = SlowHasher()
    passwords = Passwords(hasher, at_once=1)
    tries = [
        asyncio.create_task(passwords.check("x", f"stranger {n}")) for n in range(WAITING_MAX + 1)
    ]
    await asyncio.sleep(0)
    owner = asyncio.create_task(passwords.check("owner", "owner", known=True))
    await asyncio.sleep(0)
    with pytest.raises(TryAgain):
        await passwords.check("x", "one stranger too many")
    hasher.go.set()
    assert await owner
    assert not any(await asyncio.gather(*tries))
    assert hasher.checked[:2] == ["stranger 0", "owner"]
    assert hasher.niceness >= NICENESS
    passwords.close()


async def test_a_cancelled_check_frees_its_place_in_the_queue() -> None:
    hasher = SlowHasher()
    passwords = Passwords(hasher, at_once=1)
    first, second, third = (
        asyncio.create_task(passwords.check(name, name)) for name in ("first", "second", "third")
    )
    await asyncio.sleep(0)
    second.cancel()
    hasher.go.set()
    assert await first
    assert await third
    await wait_until(lambda: second.cancelled())
    assert await passwords.check("again", "again")
    passwords.close()
