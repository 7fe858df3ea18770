"""A flash sale of 500 units before 2,000 buyers in 10 s, while the gate's Valkey is killed."""

import asyncio
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.exceptions import RedisError
from sqlalchemy import text

from commerce.errors import Refusal, Refused, TryAgain
from commerce.flash.sale import WaitingState
from commerce.io.shop.orders import CONFIRM_S, OrderRequest
from commerce.orders.states import OrderState
from commerce.views import OrderView
from tests.support.commerce_checks import quiet, sound
from tests.support.commerce_shop import Shop, flash_tap, open_flash, running_shop, shop_plan
from tests.support.valkey import Valkey

pytestmark = pytest.mark.soak

BUYERS = 2_000
UNITS = 500
RUSH_S = 10.0
KILLED_AFTER = 200
"""Orders before the gate dies."""
GIVEN_BACK, WAITING = 5, 8
RETRY_S = 0.5


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    """One that may be killed; its socket needs a short path."""
    folder = Path(tempfile.mkdtemp(prefix="lnl-"))
    child = Valkey(folder)
    child.start()
    yield child
    child.kill()
    shutil.rmtree(folder)


@pytest.mark.timeout(1_200)
async def test_a_rush_sells_every_unit_once_though_the_gate_is_killed(
    database_url: str, valkey: Valkey
) -> None:
    dice = random.Random(7)
    plan = shop_plan(units=UNITS + BUYERS)
    async with running_shop(database_url, valkey.url, plan=plan) as shop:
        sale = await open_flash(shop, units=UNITS)
        await quiet(shop)  # a gate that does not know the sale yet refuses taps that name it
        answers: dict[str, OrderView | Refusal] = {}
        killed = asyncio.Event()

        async def buy(guest: str) -> None:
            await asyncio.sleep(dice.uniform(0, RUSH_S))
            answers[guest] = await _answer(shop, flash_tap(shop, sale, guest))
            if sum(isinstance(one, OrderView) for one in answers.values()) >= KILLED_AFTER:
                killed.set()

        async def kill() -> None:
            await killed.wait()
            valkey.kill()
            await asyncio.to_thread(valkey.start)

        await asyncio.gather(kill(), *(buy(f"guest-{n}") for n in range(BUYERS)))
        orders = {who: one for who, one in answers.items() if isinstance(one, OrderView)}
        refused = Counter(one for one in answers.values() if isinstance(one, Refusal))
        assert (len(orders), refused) == (UNITS, {Refusal.FLASH_SOLD_OUT: BUYERS - UNITS})
        assert {order.total_fen for order in orders.values()} == {sale.price_fen}

        flash = shop.commerce.activities.flash
        waiting = sorted(answers.keys() - orders.keys())[:WAITING]
        for guest in waiting:
            await flash.wait_for("demo", sale.id, guest)
        for order in list(orders.values())[:GIVEN_BACK]:
            await shop.commerce.fulfilment.move(order.id, OrderState.CANCELLED, "clerk")
        await quiet(shop)
        again = [flash_tap(shop, sale, guest, f"again-{guest}") for guest in waiting]
        served = await asyncio.gather(*(_answer(shop, tap) for tap in again))
        late = [Refusal.FLASH_SOLD_OUT] * (WAITING - GIVEN_BACK)
        assert [one for one in served if isinstance(one, Refusal)] == late
        states = [await flash.waiting_of("demo", sale.id, guest) for guest in waiting]
        taken = [WaitingState.TAKEN] * GIVEN_BACK
        assert [one and one.state for one in states][:GIVEN_BACK] == taken
        assert await _sold(shop) == UNITS
        await sound(shop)


async def _answer(shop: Shop, tap: OrderRequest) -> OrderView | Refusal:
    """Send a tap with its key until there is an answer, as pages do."""
    while True:
        try:
            placed = await shop.commerce.orders.place(tap, wait_s=CONFIRM_S)
        except Refused as error:
            return error.refusal
        except (TryAgain, RedisError, OSError):
            await asyncio.sleep(RETRY_S)
            continue
        if isinstance(placed, OrderView):
            return placed


async def _sold(shop: Shop) -> int:
    """Units that were sold and not given back."""
    query = text("SELECT COUNT(*) FROM orders WHERE state <> 'cancelled' AND refused IS NULL")
    async with shop.commerce.record.read() as connection:
        return int(await connection.scalar(query) or 0)
