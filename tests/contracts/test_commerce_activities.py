"""Polls, questions and notices in both kinds of record."""

import pytest

from commerce.catalogue.values import Guest, Live, LiveState
from commerce.errors import InvalidField, NotFound
from commerce.io.shop.activities.errors import NotLive, PollClosed, PollOpen, TooManyQuestions
from tests.support.commerce_shop import Shop, running_shop, shop_plan
from tests.support.waiting import wait_until

START_MS = 1_700_000_000_000


async def neighbour(shop: Shop, nickname: str) -> Guest:
    """A new guest of estate e1."""
    return (await shop.commerce.people.add_guest(nickname, "e1")).guest


async def go_live(shop: Shop, started_at_ms: int = START_MS) -> None:
    """The room's live begins."""
    live = Live("demo", LiveState.LIVE, started_at_ms, fence=started_at_ms)
    assert await shop.commerce.lives.set_live(live, "w1")


def _votes(shop: Shop) -> tuple[int, ...]:
    poll = shop.feed.polls.get("demo")
    return poll.votes if poll else ()


async def test_a_household_votes_once_and_the_room_sees_the_sum(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url, plan=shop_plan(5, target=9)) as shop:
        polls = shop.commerce.activities.polls
        poll = await polls.open("demo", "晚上吃什么?", ["鱼", "豆腐"], 60)
        with pytest.raises(PollOpen):
            await polls.open("demo", "And then?", ["a", "b"], 60)
        anna, bo = [await neighbour(shop, name) for name in ("anna", "bo")]
        assert await polls.vote("demo", poll.id, anna.id, 1) == 1
        assert await polls.vote("demo", poll.id, anna.id, 0) == 1
        assert await polls.vote("demo", poll.id, bo.id, 1) == 1
        with pytest.raises(NotFound):
            await polls.vote("demo", poll.id, bo.id, 2)
        closed = await polls.close("demo", poll.id)
        assert closed.votes == (0, 2)
        with pytest.raises(PollClosed):
            await polls.vote("demo", poll.id, (await neighbour(shop, "cai")).id, 0)
        await wait_until(lambda: _votes(shop) == (0, 2), what="the sum")


async def test_a_question_is_asked_once_and_voted_for(database_url: str, valkey_url: str) -> None:
    async with running_shop(database_url, valkey_url, plan=shop_plan(5, target=9)) as shop:
        questions = shop.commerce.activities.questions
        anna, bo = [await neighbour(shop, name) for name in ("anna", "bo")]
        with pytest.raises(NotLive):
            await questions.ask("demo", anna.id, "辣吗?")
        await go_live(shop)
        first = await questions.ask("demo", anna.id, "辣吗?")
        assert await questions.ask("demo", bo.id, " 辣吗 ") == first
        other = await questions.ask("demo", anna.id, "How long does it keep?")
        await questions.vote("demo", other, anna.id)
        assert [(q.id, q.votes) for q in await questions.listed("demo")] == [(first, 2), (other, 1)]
        await questions.answer("demo", first)
        assert [q.id for q in await questions.listed("demo")] == [other, first]
        await questions.hide("demo", other, actor="u1")
        with pytest.raises(NotFound):
            await questions.vote("demo", other, bo.id)
        await questions.ask("demo", bo.id, "one")
        with pytest.raises(InvalidField):
            await questions.ask("demo", bo.id, "\n")
        await questions.ask("demo", bo.id, "two")
        await questions.ask("demo", bo.id, "three")
        with pytest.raises(TooManyQuestions):
            await questions.ask("demo", bo.id, "four")
        await go_live(shop, START_MS + 1)
        await wait_until(lambda: shop.feed.room_questions.get("demo") == (), what="a new list")


async def test_a_notice_replaces_the_one_before(database_url: str, valkey_url: str) -> None:
    async with running_shop(database_url, valkey_url, plan=shop_plan(5, target=9)) as shop:
        notices = shop.commerce.activities.notices
        await notices.set("demo", "Strawberries at eight", actor="u1")
        assert await notices.set("demo", " 八点  草莓 ", actor="u1") == "八点 草莓"
        await wait_until(lambda: shop.feed.notices.get("demo") == "八点 草莓", what="the notice")
        await notices.clear("demo", actor="u1")
        assert await notices.shown("demo") is None
