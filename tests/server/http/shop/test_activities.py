"""Polls, questions and notices over HTTP."""

from collections.abc import AsyncIterator

import httpx
import pytest

from commerce.catalogue.values import Live, LiveState
from tests.support.shop_routes import bearer, clerk, guest, shop_routes

DEMO = "/api/rooms/demo"


def problem_of(answer: httpx.Response) -> str:
    """The id of a problem document."""
    return str(answer.json()["type"]).rpartition(":")[2]


@pytest.fixture
async def web(sqlite_url: str, valkey_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the routes."""
    async with shop_routes(sqlite_url, valkey_url) as client:
        yield client


async def test_a_host_asks_and_neighbours_vote(web: httpx.AsyncClient) -> None:
    host, anna = bearer(await clerk(web)), bearer(await guest(web))
    new = {"question": "晚上吃什么?", "options": ["鱼", "豆腐"], "duration_s": 60}
    assert (await web.post(f"{DEMO}/polls", json=new, headers=anna)).status_code == 403
    poll = (await web.post(f"{DEMO}/polls", json=new, headers=host)).json()
    again = await web.post(f"{DEMO}/polls", json=new, headers=host)
    assert (again.status_code, problem_of(again)) == (409, "poll-open")
    vote = f"{DEMO}/polls/{poll['id']}/vote"
    assert (await web.put(vote, json={"option": 1})).status_code == 401
    assert (await web.put(vote, json={"option": 1}, headers=anna)).json() == {"option": 1}
    assert (await web.put(vote, json={"option": 0}, headers=anna)).json() == {"option": 1}
    mine = (await web.get(f"{DEMO}/activities/mine", headers=anna)).json()
    assert mine == {"poll": poll["id"], "option": 1, "questions": []}
    closed = await web.post(f"{DEMO}/polls/{poll['id']}/close", headers=host)
    assert closed.json()["votes"] == [0, 1]


async def test_a_bad_poll_names_the_member(web: httpx.AsyncClient) -> None:
    host = bearer(await clerk(web))
    bad = {"question": "?", "options": ["a", "a"]}
    answer = await web.post(f"{DEMO}/polls", json=bad, headers=host)
    assert (answer.status_code, answer.json()["member"]) == (422, "options")


async def test_a_question_is_answered_and_another_hidden(web: httpx.AsyncClient) -> None:
    host, anna = bearer(await clerk(web)), bearer(await guest(web))
    words = {"text": "辣吗?"}
    early = await web.post(f"{DEMO}/questions", json=words, headers=anna)
    assert (early.status_code, problem_of(early)) == (409, "not-live")
    commerce = web.commerce  # type: ignore[attr-defined]
    await commerce.lives.set_live(Live("demo", LiveState.LIVE, 1, fence=1), "w1")
    first = (await web.post(f"{DEMO}/questions", json=words, headers=anna)).json()["id"]
    other = (await web.post(f"{DEMO}/questions", json={"text": "Salty?"}, headers=anna)).json()[
        "id"
    ]
    assert (await web.put(f"{DEMO}/questions/{other}/vote", headers=anna)).status_code == 204
    mine = (await web.get(f"{DEMO}/activities/mine", headers=anna)).json()
    assert set(mine["questions"]) == {first, other}
    assert (await web.delete(f"{DEMO}/questions/{other}", headers=anna)).status_code == 403
    assert (await web.delete(f"{DEMO}/questions/{other}", headers=host)).status_code == 204
    done = await web.post(f"{DEMO}/questions/{first}/answered", headers=host)
    assert done.status_code == 204
    listed = await commerce.activities.questions.listed("demo")
    assert [(q.id, q.answered_at_ms is not None) for q in listed] == [(first, True)]


async def test_a_notice_is_set_and_taken_away(web: httpx.AsyncClient) -> None:
    host = bearer(await clerk(web))
    set_ = await web.put(f"{DEMO}/notice", json={"text": " 八点  草莓"}, headers=host)
    assert set_.json() == {"text": "八点 草莓"}
    assert (await web.delete(f"{DEMO}/notice", headers=host)).status_code == 204


async def test_a_flash_sale_is_announced_bought_and_waited_for(web: httpx.AsyncClient) -> None:
    host, anna = bearer(await clerk(web)), bearer(await guest(web))
    lowest = (await web.get(f"{DEMO}/flash-sales/lowest/tea", headers=host)).json()["lowest_fen"]
    new = {"product_id": "tea", "price_fen": lowest, "units": 1, "starts_in_s": 300}
    dear = await web.post(f"{DEMO}/flash-sales", json=new, headers=host)
    assert (dear.status_code, dear.json()["member"]) == (422, "price_fen")
    new["price_fen"] = lowest - 1
    assert (await web.post(f"{DEMO}/flash-sales", json=new, headers=anna)).status_code == 403
    sale = (await web.post(f"{DEMO}/flash-sales", json=new, headers=host)).json()
    again = await web.post(f"{DEMO}/flash-sales", json=new, headers=host)
    assert (again.status_code, problem_of(again)) == (409, "flash-open")
    place = f"{DEMO}/flash-sales/{sale['id']}/waiting"
    soon = await web.put(place, headers=anna)
    assert (soon.status_code, problem_of(soon)) == (409, "flash-over")
    assert (await web.get(place, headers=anna)).json() == {"waiting": None}
    end = f"{DEMO}/flash-sales/{sale['id']}/end"
    ended = (await web.post(end, headers=host)).json()
    assert ended["ends_at_ms"] <= sale["starts_at_ms"]
    assert (await web.post(end, headers=host)).json() == ended
