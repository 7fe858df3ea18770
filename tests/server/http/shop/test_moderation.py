"""Order in a room's chat over HTTP: who may do what, and what comes of it."""

import httpx
import jwt

from commerce.activities.moderation import Line
from server.access.policy import Principal, Role
from tests.support.shop_routes import bearer, clerk, guest

DEMO = "/api/rooms/demo"


def _who(token: str) -> str:
    """The guest that a token names."""
    return str(jwt.decode(token, options={"verify_signature": False})["sub"])


async def test_moderators_act_and_the_concerned_appeal(web: httpx.AsyncClient) -> None:
    host, bo_token, cai_token = await clerk(web), await guest(web, "Bo"), await guest(web, "Cai")
    bo, cai, by_host = bearer(bo_token), bearer(cai_token), bearer(host)
    stand_ins = web.stand_ins  # type: ignore[attr-defined]
    line = Line("c-1", _who(bo_token), "Bo", "buy at my shop", 1)
    stand_ins.lines[line.id] = line

    assert (await web.get(f"{DEMO}/moderation", headers=cai)).status_code == 403
    made = await web.put(f"{DEMO}/moderators/{_who(cai_token)}", json={}, headers=by_host)
    assert made.status_code == 204
    assert (await web.get(f"{DEMO}/moderation", headers=cai)).status_code == 200

    words = {"words": [{"text": "V\u00b7X", "verdict": "refuse"}, {"text": "加微信"}]}
    kept = await web.put(f"{DEMO}/moderation/words", json=words, headers=cai)
    assert [word["text"] for word in kept.json()["words"]] == ["vx", "加微信"]
    bad = await web.put(f"{DEMO}/moderation/words", json={"words": [{"text": "**"}]}, headers=cai)
    assert (bad.status_code, bad.json()["member"]) == (422, "words")

    assert (await web.post(f"{DEMO}/lines/c-1/report", headers=cai)).status_code == 204
    assert (await web.post(f"{DEMO}/lines/c-9/report", headers=cai)).status_code == 404
    (flag,) = (await web.get(f"{DEMO}/moderation", headers=by_host)).json()["flags"]
    assert (flag["reports"], flag["line"]["text"]) == (1, "buy at my shop")
    decided = await web.post(
        f"{DEMO}/flags/{flag['id']}", json={"decision": "removed"}, headers=cai
    )
    assert decided.status_code == 204

    mute = {"kind": "mute", "subject": _who(bo_token), "reason": "ads", "by_device": True}
    sanction = (await web.post(f"{DEMO}/sanctions", json=mute, headers=cai)).json()
    assert (sanction["by_device"], sanction["by_address"]) == (True, False)
    appeal = {"text": "It was a recipe"}
    assert (await web.post(f"{DEMO}/appeals", json=appeal, headers=bo)).status_code == 204
    assert (await web.post(f"{DEMO}/appeals", json=appeal, headers=bo)).status_code == 404
    lifted = await web.delete(f"{DEMO}/sanctions/{sanction['id']}", headers=by_host)
    assert lifted.status_code == 204
    assert (await web.get(f"{DEMO}/moderation", headers=by_host)).json()["sanctions"] == []


async def test_cohost_does_what_the_host_allows_until_dismissed(web: httpx.AsyncClient) -> None:
    access = web.services.access  # type: ignore[attr-defined]
    colleague = Principal("demo:mei", frozenset({Role.STORE}), store_id="s2", brand_id="b")
    stranger = Principal("demo:an", frozenset({Role.HOST}), room_id="x", brand_id="b2")
    mei, an = (bearer(access.issue(each, 60)) for each in (colleague, stranger))
    host, bo = bearer(await clerk(web)), bearer(await guest(web, "Bo"))
    pear, cohosts = f"{DEMO}/pins/pear", f"{DEMO}/cohosts"
    notice, sale = f"{DEMO}/notice", f"{DEMO}/flash-sales/lowest/tea"

    assert (await web.put(pear, headers=mei)).status_code == 403
    assert (await web.post(cohosts, headers=mei)).status_code == 403
    invited = (await web.post(cohosts, headers=host)).json()
    token = {"token": invited["token"]}
    for other, status in ((an, 403), (bo, 403), (host, 403), ({}, 401), (mei, 204), (mei, 204)):
        answer = await web.post(f"{cohosts}/accept", json=token, headers=other)
        assert answer.status_code == status
    (listed,) = (await web.get(cohosts, headers=host)).json()["cohosts"]
    assert (listed["id"], listed["staff_id"]) == (invited["id"], "demo:mei")

    assert (await web.put(pear, headers=mei)).status_code == 200
    assert (await web.put(notice, json={"text": "hi"}, headers=mei)).status_code == 200
    assert (await web.get(sale, headers=mei)).status_code == 200
    assert (await web.put("/api/rooms/other/pins/pear", headers=mei)).status_code == 403
    for method, path in (
        ("POST", f"{DEMO}/end"),
        ("PUT", f"{DEMO}/rehearsal"),
        ("PUT", f"{DEMO}/next"),
        ("GET", cohosts),
        ("POST", cohosts),
        ("PUT", f"{DEMO}/moderators/g1"),
        ("GET", f"{DEMO}/moderation"),
        ("GET", f"{DEMO}/summary"),
    ):
        assert (await web.request(method, path, headers=mei)).status_code == 403, path

    for _ in range(2):
        gone = await web.delete(f"{cohosts}/{invited['id']}", headers=host)
        assert gone.status_code == 204
    assert (await web.delete(pear, headers=mei)).status_code == 403
    again = await web.post(f"{cohosts}/accept", json=token, headers=mei)
    assert (again.status_code, again.json()["type"].rpartition(":")[2]) == (404, "no-such-link")
