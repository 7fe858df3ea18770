"""What a household may claim is bounded, also by several orders at once; both records."""

import asyncio
from dataclasses import replace

import pytest

from commerce.after_sales.claims import (
    AUTO_CLAIMS_MAX,
    CLAIMS_MAX,
    STANDING_MS,
    ClaimState,
    Desk,
    Fault,
    TooManyClaims,
)
from commerce.io.shop.after_sales.values import NewClaim, Verdict
from commerce.io.shop.orders import RequestedLine
from commerce.orders.states import OrderState
from commerce.views import OrderView
from tests.support.commerce_checks import sound
from tests.support.commerce_shop import Shop, running_shop, shop_plan
from tests.support.ready_orders import TO_READY, code_of
from tests.support.records import each_record

database_url = each_record

TEA, PEAR = 0, 1  # lines: 9.90 and 8.00 a unit


async def test_after_some_claims_a_person_decides_and_after_many_none_is_taken(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=shop_plan(100)) as shop:
        order, other = await _collected(shop, "anna", 15), await _collected(shop, "otto", 4)
        uncollected = await _bought(shop, "anna", 1, key="much later")
        claims = shop.commerce.claims
        for _ in range(AUTO_CLAIMS_MAX - 1):
            made = await claims.make("anna", NewClaim(order, PEAR, 0, 1, Fault.STALE))
            assert (made.state, made.desk) == (ClaimState.APPROVED, Desk.RULE)
        # The last that the rule may approve is asked for by two of the household at once.
        both = await asyncio.gather(
            claims.make("anna", NewClaim(order, PEAR, 0, 1, Fault.STALE)),
            claims.make("otto", NewClaim(other, PEAR, 0, 1, Fault.STALE)),
        )
        assert sorted(one.desk for one in both) == [Desk.RULE, Desk.STORE]
        refuse = Verdict(False, "they were fine")
        for _ in range(CLAIMS_MAX - AUTO_CLAIMS_MAX - 1):
            made = await claims.make("anna", NewClaim(order, TEA, 0, 1, Fault.STALE))
            [waiting] = [
                one for one in await claims.queue(store_id="s1") if one.claim.id == made.id
            ]
            assert waiting.why == "often"
            await claims.decide(made.id, refuse, "clerk", store_id="s1")
        for guest, of in (("anna", order), ("otto", other)):
            with pytest.raises(TooManyClaims):
                await claims.make(guest, NewClaim(of, TEA, 0, 1, Fault.BROKEN))
        # Another household is not to blame, nor is this one for ever.
        next_door = await _collected(shop, "bo", 1, household="next door")
        made = await claims.make("bo", NewClaim(next_door, TEA, 0, 1, Fault.STALE))
        assert made.desk is Desk.RULE
        shop.clock.ahead_ms += STANDING_MS
        await _collect(shop, "anna", uncollected)
        made = await claims.make("anna", NewClaim(uncollected, TEA, 0, 1, Fault.STALE))
        assert made.desk is Desk.RULE
        await sound(shop)


async def _collected(shop: Shop, guest: str, units: int, household: str = "home") -> str:
    """So many teas and pears, taken home."""
    order_id = await _bought(shop, guest, units, household)
    await _collect(shop, guest, order_id)
    return order_id


async def _bought(
    shop: Shop, guest: str, units: int, household: str = "home", key: str = ""
) -> str:
    tap = shop.tap(guest, "tea", quantity=units, household=household, key=key)
    order = await shop.commerce.orders.place(replace(tap, further=(RequestedLine("pear", units),)))
    assert isinstance(order, OrderView)
    return order.id


async def _collect(shop: Shop, guest: str, order_id: str) -> None:
    for state in TO_READY:
        await shop.commerce.fulfilment.move(order_id, state, "clerk")
    await shop.commerce.fulfilment.hand_over("s1", await code_of(shop, guest, order_id), "clerk")
    assert (await shop.commerce.orders.get(order_id)).state is OrderState.HANDED_OVER
