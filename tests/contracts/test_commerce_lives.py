"""Where lives stand, in both kinds of record."""

from commerce.catalogue.values import Live, LiveState
from tests.support.commerce_shop import running_shop, shop_plan


async def test_a_live_that_is_over_is_not_announced_until_its_last_owner_says_so(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=shop_plan(5, target=9)) as shop:
        lives = shop.commerce.lives
        on_air = Live("demo", LiveState.LIVE, 1, fence=1)
        assert await lives.set_live(on_air, "w1")
        assert (await lives.live("demo")).announced
        over = Live("demo", LiveState.OVER, 1, fence=1)
        assert await lives.set_live(over, "w1")
        assert not (await lives.live("demo")).announced

        again = Live("demo", LiveState.OVER, 1, fence=2)
        assert await lives.set_live(again, "w2")
        await lives.note_announced(over, "w1")
        await lives.note_announced(again, "w1")
        assert not (await lives.live("demo")).announced, "those were not the last owner"
        assert not await lives.set_live(on_air, "w1")
        for _ in range(2):
            await lives.note_announced(again, "w2")
        found = {live.room_id: live.announced for live in await lives.lives()}
        assert (await lives.live("demo")).announced and found["demo"]
