"""The schedule of rooms in both kinds of record."""

import pytest

from commerce.catalogue.values import Live, LiveState
from commerce.errors import InvalidField, NotFound, OnAir
from commerce.io.shop.schedule.rehearsals import REHEARSAL_MS_MAX
from commerce.lives.next_room import SHOWN_MS
from commerce.views import OrderView
from tests.support.commerce_shop import running_shop, shop_plan
from tests.support.waiting import wait_until

HOUR_MS = 3_600_000


async def test_a_room_shows_its_next_live_until_it_begins(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=shop_plan(5, target=9)) as shop:
        schedule, now_ms = shop.commerce.schedule, shop.clock()

        async def add(starts_at_ms: int, *goods: str) -> str:
            texts = ("周五海鲜", "八点见")
            live = await schedule.add("demo", *texts, goods, starts_at_ms, actor="u1")
            return live.id

        product = next(iter(shop.commerce.catalogue.products))
        later = await add(now_ms + 30 * HOUR_MS)
        first = await add(now_ms + HOUR_MS // 4, product)
        with pytest.raises(NotFound):
            await add(now_ms + HOUR_MS, "nothing")
        with pytest.raises(InvalidField):
            await add(now_ms - 1)
        shown = await schedule.shown("demo")
        assert [live.id for live in shown] == [first, later]
        assert [good.id for good in shown[0].goods] == [product]

        live = Live("demo", LiveState.LIVE, now_ms, fence=1)
        assert await shop.commerce.lives.set_live(live, "w1")
        assert [live.id for live in await schedule.upcoming("demo")] == [later]
        await schedule.cancel("demo", later, actor="u1")
        await schedule.cancel("demo", later, actor="u1")
        with pytest.raises(NotFound):
            await schedule.cancel("demo", "nothing", actor="u1")
        await wait_until(lambda: shop.feed.schedules.get("demo") == [], what="the empty schedule")

        await shop.commerce.live_runs.note_viewers("demo", now_ms, 12, 120, at_ms=now_ms)
        guest = (await shop.commerce.people.add_guest("anna", "e1")).guest
        await shop.commerce.activities.questions.ask("demo", guest.id, "辣吗?")
        order = await shop.commerce.orders.place(shop.tap(guest.id, quantity=2))
        assert isinstance(order, OrderView)
        shop.clock.ahead_ms += 90_000
        over = Live("demo", LiveState.OVER, now_ms, fence=1)
        assert await shop.commerce.lives.set_live(over, "w1")
        at_once = await shop.commerce.live_runs.summary("demo")
        assert (at_once.orders, at_once.units, at_once.total_fen) == (1, 2, order.total_fen)
        assert at_once.best_minute is not None and at_once.best_minute.orders == 1
        assert (at_once.viewers_max, at_once.questions_open) == (12, ("辣吗?",))
        shop.clock.ahead_ms += 90_000
        assert await shop.commerce.lives.set_live(over, "w1")
        runs = shop.commerce.live_runs
        await runs.note_viewers("demo", now_ms, 99, 990, at_ms=shop.clock())
        summary = await shop.commerce.live_runs.summary("demo")
        assert (summary.started_at_ms, summary.minutes) == (now_ms, 2)
        assert summary == at_once, "it was final when the live was over"
        await runs.note_viewers("demo", now_ms, 13, 60, at_ms=summary.ended_at_ms)
        assert (await runs.summary("demo")).viewers_max == 13, (
            "what was seen before is its audience"
        )
        with pytest.raises(NotFound):
            await shop.commerce.live_runs.summary("demo", 1)


async def test_a_room_rehearses_and_leads_its_audience_to_another_live(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=shop_plan(5, target=9)) as shop:
        rehearsals = shop.commerce.rehearsals
        await rehearsals.begin("demo", actor="u1")
        await rehearsals.begin("demo", actor="u1")
        assert await rehearsals.runs("demo") and shop.commerce.catalogue.rehearsals == {"demo"}
        await rehearsals.step()
        assert await rehearsals.runs("demo")
        shop.clock.ahead_ms += REHEARSAL_MS_MAX + 1
        await rehearsals.step()
        assert not await rehearsals.runs("demo") and not shop.commerce.catalogue.rehearsals

        live = Live("demo", LiveState.LIVE, shop.clock(), fence=1)
        assert await shop.commerce.lives.set_live(live, "w1")
        with pytest.raises(OnAir):
            await rehearsals.begin("demo", actor="u1")
        assert not await rehearsals.runs("demo")
        with pytest.raises(NotFound):
            await rehearsals.begin("nothing", actor="u1")

        next_rooms = shop.commerce.next_rooms
        with pytest.raises(NotFound):
            await next_rooms.set("demo", "other", actor="u1")
        other = Live("other", LiveState.LIVE, shop.clock(), fence=1)
        assert await shop.commerce.lives.set_live(other, "w1")
        assert [room.id for room in await next_rooms.candidates("demo")] == ["other"]
        with pytest.raises(NotFound):
            await next_rooms.set("demo", "demo", actor="u1")
        led = await next_rooms.set("demo", "other", actor="u1")
        await wait_until(lambda: shop.feed.next_rooms.get("demo") == led, what="the next room")
        shop.clock.ahead_ms += SHOWN_MS
        assert await next_rooms.shown("demo") is None
        await next_rooms.clear("demo", actor="u1")
