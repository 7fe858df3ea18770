"""More neighbours than there are boxes of eggs order at once, and the server is killed."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path

import httpx
import pytest

from server.ops.maintenance import examine
from tests.support.running import Running, running
from tests.support.waiting import WAIT_S, wait_until

BUYERS = 140
UNITS = 100
CONNECTIONS = 100
TRIES_MAX = 1_000
CONFIRMED = 201
SOLD_OUT = 409


@pytest.mark.soak
async def test_a_rush_sells_exactly_the_units_that_there_are(linli: Running) -> None:
    async with _client(linli) as client:
        guests = await _guests(client)
        answers = await _everybody(guests, lambda guest: _order(client, guest))
        assert Counter(answer.status_code for answer in answers) == {
            CONFIRMED: UNITS,
            SOLD_OUT: BUYERS - UNITS,
        }
        for answer in answers:
            if answer.status_code == SOLD_OUT:
                assert answer.json()["type"] == "urn:linli:problem:sold-out"
        again = await _everybody(guests, lambda guest: _order(client, guest))
        assert [_outcome(answer) for answer in again] == [_outcome(answer) for answer in answers]
        await _record_is_sound(linli)


@pytest.mark.soak
async def test_a_killed_server_keeps_confirmed_orders_and_oversells_nothing(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, LINLI_RATE_LIMITS="false") as linli:
        async with _client(linli) as client:
            guests = await _guests(client)
            promised: dict[str, str] = {}
            rush = asyncio.create_task(
                _everybody(guests, lambda guest: _order_until_answered(client, guest, promised))
            )
            await wait_until(lambda: len(promised) >= UNITS // 4, what="a quarter of the sales")
            await linli.kill()
            before = dict(promised)
            await linli.start()
            answers = await rush
        assert len(before) < BUYERS
        async with _client(linli) as client:
            for guest, order_id in before.items():
                mine = await client.get("/api/me/orders", headers=_bearer(guest))
                assert order_id in [order["id"] for order in mine.json()["orders"]]
        assert Counter(answer.status_code for answer in answers) == {
            CONFIRMED: UNITS,
            SOLD_OUT: BUYERS - UNITS,
        }
        await _record_is_sound(linli)


def _client(linli: Running) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=CONNECTIONS)
    return httpx.AsyncClient(base_url=linli.url, limits=limits, timeout=WAIT_S)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def _everybody(
    guests: list[str], act: Callable[[str], Coroutine[None, None, httpx.Response]]
) -> list[httpx.Response]:
    """Let all guests act at once; answers in the order of guests."""
    return list(await asyncio.gather(*(act(guest) for guest in guests)))


async def _guests(client: httpx.AsyncClient) -> list[str]:
    """Return the tokens of as many new guests as there are buyers."""

    async def arrive(number: int) -> str:
        answer = await client.post(
            "/api/guests", json={"nickname": f"邻居{number}", "estate_id": "chunjiang"}
        )
        assert answer.status_code == 201, answer.text
        token: str = answer.json()["token"]
        return token

    return list(await asyncio.gather(*(arrive(number) for number in range(BUYERS))))


async def _order(client: httpx.AsyncClient, guest: str) -> httpx.Response:
    """One tap; the key is the guest's own, so that a second call is the same tap again."""
    return await client.post(
        "/api/orders",
        headers={**_bearer(guest), "Idempotency-Key": guest[-40:]},
        json={"room_id": "demo", "product_id": "eggs", "quantity": 1},
    )


async def _order_until_answered(
    client: httpx.AsyncClient, guest: str, promised: dict[str, str]
) -> httpx.Response:
    """Tap, and tap again with the same key while the server is away, as the page does."""
    for _ in range(TRIES_MAX):
        try:
            answer = await _order(client, guest)
        except httpx.TransportError:
            await asyncio.sleep(0.1)
            continue
        if answer.status_code == CONFIRMED:
            promised[guest] = answer.json()["order"]["id"]
        if answer.status_code in (CONFIRMED, SOLD_OUT):
            return answer
        assert answer.status_code in (202, 503), answer.text
        await asyncio.sleep(0.1)
    raise AssertionError("no answer")


def _outcome(answer: httpx.Response) -> tuple[int, str]:
    """What the answer says: the order's id, or the problem's type."""
    body = answer.json()
    return answer.status_code, body["order"]["id"] if "order" in body else body["type"]


async def _record_is_sound(linli: Running) -> None:
    """The invariants of the record hold, as `linli doctor` sees them."""
    findings = await examine(linli.settings)
    record = [finding for finding in findings if finding.name.startswith("record:")]
    assert record
    assert [finding for finding in record if not finding.ok] == []
