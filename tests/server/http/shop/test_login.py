"""Guessing is slowed by address and account; a login from a known device is not."""

from collections import Counter
from collections.abc import AsyncIterator
from types import SimpleNamespace

import httpx
import pytest
from redis.asyncio import Redis
from starlette.applications import Starlette

from commerce.catalogue.values import Staff
from commerce.errors import TryAgain
from commerce.io.shop.staff_totp import Factor, TotpState
from server.access.tokens import Access
from server.http.shop import people
from server.limits import Limits
from server.net.addresses import Proxies
from server.problem import Problem, problem_handler

OWNER = Staff("u1", "clerk", "Clerk", ("store",), "", "s1")
PROXY = "10.0.0.1"


class People:
    """Staff of one, whose password is checked at no cost."""

    def __init__(self) -> None:
        self.checked: Counter[bool] = Counter()
        self.full = False

    async def login(self, username: str, password: str, *, known: bool = False) -> Staff | None:
        if self.full and not known:
            raise TryAgain
        self.checked[known] += 1
        return OWNER if (username, password) == ("clerk", "open sesame") else None


class NoAuthenticator:
    """Nobody has one, and no brand asks for it."""

    async def check(self, staff_id: str, code: str) -> Factor:
        return Factor.GOOD

    async def state(self, staff_id: str) -> TotpState:
        return TotpState(False, None, 0, False)


class Door:
    """The log-in route, and who stands behind it."""

    def __init__(self, client: httpx.AsyncClient, staff: People) -> None:
        self.client = client
        self.staff = staff

    async def knock(self, password: str, username: str = "clerk", address: str = "7.7.7.7") -> int:
        """Try to log in from `address`."""
        answer = await self.client.post(
            "/api/login",
            json={"username": username, "password": password},
            headers={"X-Forwarded-For": address, "X-Forwarded-Proto": "https"},
        )
        return answer.status_code


@pytest.fixture
async def door(valkey_url: str) -> AsyncIterator[Door]:
    staff = People()
    app = Starlette(routes=people.routes, exception_handlers={Problem: problem_handler})
    transport = httpx.ASGITransport(app, client=(PROXY, 1))
    async with (
        Redis.from_url(valkey_url) as redis,
        httpx.AsyncClient(transport=transport, base_url="https://shop.example") as client,
    ):
        app.state.services = SimpleNamespace(
            access=Access("s" * 32),
            limits=Limits(redis, proxies=Proxies.parse([PROXY])),
            commerce=SimpleNamespace(
                people=staff, catalogue=SimpleNamespace(brand=None), staff_totp=NoAuthenticator()
            ),
        )
        yield Door(client, staff)


async def test_many_addresses_cannot_guess_at_one_account(door: Door) -> None:
    answers = Counter(
        [
            await door.knock("guess", address=f"9.9.9.{number}")
            for number in range(12)
            for _ in range(8)
        ]
    )
    assert answers[401] <= 21
    assert answers[429] >= 75


async def test_an_owner_logs_in_on_a_known_device_while_others_guess(door: Door) -> None:
    assert await door.knock("open sesame") == 200
    cookies = door.client.cookies.jar
    kept = list(cookies)
    cookies.clear()
    for number in range(40):
        await door.knock("guess", address=f"9.9.9.{number}")
    assert await door.knock("open sesame", address="8.8.8.8") == 429
    for cookie in kept:
        cookies.set_cookie(cookie)
    door.staff.full = True
    assert await door.knock("open sesame", address="8.8.8.8") == 200
    assert door.staff.checked[True] == 1


async def test_a_known_device_may_not_guess_for_ever_either(door: Door) -> None:
    assert await door.knock("open sesame") == 200
    answers = Counter([await door.knock("guess") for _ in range(40)])
    assert answers[401] <= 11


async def test_one_address_cannot_try_all_names(door: Door) -> None:
    answers = Counter([await door.knock("x", f"name-{number}") for number in range(150)])
    assert answers[429] >= 110
    assert await door.knock("open sesame", address="8.8.8.8") == 200


async def test_a_login_beyond_the_queue_gets_503(door: Door) -> None:
    door.staff.full = True
    assert await door.knock("open sesame") == 503
