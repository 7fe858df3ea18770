"""The business routes over HTTP, on a real record and a real Valkey."""

from dataclasses import replace
from typing import Any

import httpx

from commerce.io.commerce import Commerce
from commerce.io.shop.seed import seed
from commerce.io.shop.staff import store_password
from server.access.policy import Principal, Role
from server.access.tokens import Access
from server.limits import Limits
from tests.support.commerce_shop import shop_plan
from tests.support.shop_routes import SECRET, StandIns, bearer, clerk, guest, tea


async def test_catalogue_routes_need_no_token(web: httpx.AsyncClient) -> None:
    estates = (await web.get("/api/estates")).json()["estates"]
    assert estates[0] == {"id": "e1", "name": {"zh": "east", "en": "east"}, "store_id": "s1"}
    [live, _] = (await web.get("/api/lives")).json()["lives"]
    assert (live["room_id"], live["state"], live["viewers"]) == ("demo", "scheduled", 7)
    room = (await web.get("/api/rooms/demo")).json()
    assert room["default_estate_id"] == "e1"
    assert room["brand"]["id"] == "b"
    products = (await web.get("/api/rooms/demo/products")).json()["products"]
    assert [product["id"] for product in products] == ["tea", "pear", "rice"]
    assert products[1]["group"] == {"price_fen": 600, "target": 2, "duration_s": 3_600}
    assert (await web.get("/api/stores/s1")).json()["latitude"] == 30.27
    assert (await web.get("/api/me")).json()["roles"] == ["viewer"]
    for path in ("/api/rooms/nowhere", "/api/rooms/nowhere/products", "/api/stores/no%7Cwhere"):
        missing = await web.get(path)
        assert missing.status_code == 404
        assert missing.json()["type"].startswith("urn:linli:problem:no-such-")


async def test_order_goes_from_the_tap_to_the_handover(web: httpx.AsyncClient) -> None:
    token, staff = await guest(web), await clerk(web)
    made = await web.post("/api/orders", json=tea(), headers=bearer(token, "one-tap-1"))
    assert made.status_code == 201
    order = made.json()["order"]
    assert (order["state"], order["pickup"], order["store"]["id"]) == ("new", None, "s1")
    board = (await web.get("/api/stores/s1/orders", headers=bearer(staff))).json()
    assert board["orders"][0]["buyer"] == {
        "nickname": "晨光",
        "estate_name": {"zh": "east", "en": "east"},
    }
    assert set(board) == {"orders", "waiting", "waiting_orders", "now_ms", "next"}
    for state in ("picking", "packed", "ready"):
        path = f"/api/orders/{order['id']}/moves"
        moved = await web.post(path, json={"to": state}, headers=bearer(staff))
        assert (moved.status_code, moved.json()["state"]) == (200, state)
        assert "pickup" not in moved.json()
    again = await web.post(path, json={"to": "picking"}, headers=bearer(staff))
    assert (again.status_code, again.json()["state"]) == (409, "ready")
    [mine] = (await web.get("/api/me/orders", headers=bearer(token))).json()["orders"]
    wide = mine["pickup"]["code"].translate({at: at + 0xFEE0 for at in range(0x21, 0x7F)})
    code = {"code": f"{wide}\r\n"}
    done = await web.post("/api/stores/s1/handovers", json=code, headers=bearer(staff))
    assert (done.json()["state"], done.json()["also"]) == ("handed_over", [])
    twice = await web.post("/api/stores/s1/handovers", json=code, headers=bearer(staff))
    assert twice.status_code == 409
    assert twice.json()["type"] == "urn:linli:problem:already-handed-over"
    assert twice.json()["handed_over_at_ms"] == done.json()["handed_over_at_ms"]
    wrong = await web.post("/api/stores/s1/handovers", json={"code": "x"}, headers=bearer(staff))
    assert wrong.json()["type"] == "urn:linli:problem:unknown-code"


async def test_refused_order_has_a_problem_type(web: httpx.AsyncClient) -> None:
    token = await guest(web)

    async def refused(body: object, key: str, status: int, kind: str) -> dict[str, Any]:
        answer = await web.post("/api/orders", json=body, headers=bearer(token, key))
        assert (answer.status_code, answer.json()["type"]) == (status, f"urn:linli:problem:{kind}")
        document: dict[str, Any] = answer.json()
        return document

    assert (await refused(tea(3), "key-00001", 409, "sold-out"))["left"] == 2
    await web.post("/api/orders", json=tea(), headers=bearer(token, "key-00002"))
    await refused(tea(2), "key-00002", 422, "key-reused")
    await refused(tea(), "short", 400, "key-needed")
    await refused(tea(21), "key-00003", 422, "bad-request")
    await refused(tea() | {"extra": 1}, "key-00003", 422, "bad-request")
    await refused(tea() | {"price_fen": 1}, "key-00004", 409, "price-changed")
    await refused(tea() | {"price_fen": 2}, "key-00004", 422, "key-reused")
    for quantity in ("1", True, 1.0, None):
        await refused(tea() | {"quantity": quantity}, "key-00005", 422, "bad-request")
    await refused({"room_id": "demo", "product_id": "tea"}, "key-00005", 422, "bad-request")

    await refused(tea() | {"product_id": "gone"}, "key-00005", 409, "not-on-sale")
    await refused(tea() | {"group_id": "nope"}, "key-00006", 409, "group-closed")
    await refused(tea() | {"room_id": "nope"}, "key-00007", 404, "no-such-room")
    await refused({"x": "y" * 20_000}, "key-00008", 413, "too-large")


async def test_order_with_two_keys_is_refused(web: httpx.AsyncClient) -> None:
    keys = [("Idempotency-Key", "key-00001"), ("Idempotency-Key", "key-00002")]
    headers = [*bearer(await guest(web)).items(), *keys]
    answer = await web.post("/api/orders", json=tea(), headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:linli:problem:key-needed")


async def test_missing_token_is_401_and_missing_role_403(web: httpx.AsyncClient) -> None:
    token = await guest(web)
    headers = {"Idempotency-Key": "12345678"}
    assert (await web.post("/api/orders", json=tea(), headers=headers)).status_code == 401
    assert (await web.get("/api/me/orders")).status_code == 401
    assert (await web.get("/api/stores/s1/orders", headers=bearer(token))).status_code == 403
    other = Access(SECRET).issue(Principal("token:x", frozenset({Role.STORE}), store_id="s2"), 60)
    assert (await web.get("/api/stores/s1/orders", headers=bearer(other))).status_code == 403
    assert (await web.put("/api/rooms/demo/pins/tea", headers=bearer(token))).status_code == 403
    bad = await web.post("/api/login", json={"username": "clerk", "password": "no"})
    assert (bad.status_code, bad.json()["type"]) == (401, "urn:linli:problem:bad-credentials")
    nobody = await web.post("/api/login", json={"username": "nobody", "password": "no"})
    assert nobody.status_code == 401
    made = await web.post("/api/guests", json={"nickname": "x", "estate_id": "nowhere"})
    assert made.status_code == 404


async def test_refused_nickname_names_the_character(web: httpx.AsyncClient) -> None:
    async def refused(nickname: str) -> dict[str, Any]:
        made = await web.post("/api/guests", json={"nickname": nickname, "estate_id": "e1"})
        assert (made.status_code, made.json()["member"]) == (422, "nickname")
        document: dict[str, Any] = made.json()
        return document

    for nickname, character in (("\u3164", "U+3164"), ("a\u202eb", "U+202E"), ("a\0", "U+0000")):
        document = await refused(nickname)
        assert (document["reason"], document["character"]) == ("character", character)
        assert character in document["detail"]
    assert (await refused("   "))["reason"] == "empty"
    assert (await refused("x" * 25))["reason"] == "too-long"


async def test_nickname_may_have_joined_and_new_emoji(web: httpx.AsyncClient) -> None:
    for typed, nickname in ((" 小李\U0001fa77 ", "小李\U0001fa77"), ("👨‍👩‍👧", "👨‍👩‍👧")):
        made = await web.post("/api/guests", json={"nickname": typed, "estate_id": "e1"})
        assert (made.status_code, made.json()["guest"]["nickname"]) == (201, nickname)
        me = await web.get("/api/me", headers=bearer(made.json()["token"]))
        assert me.json()["nickname"] == nickname


async def test_token_of_staff_ends_with_the_password_and_with_the_job(
    web: httpx.AsyncClient,
) -> None:
    commerce: Commerce = web.commerce  # type: ignore[attr-defined]  # set by the fixture
    board, engine = "/api/stores/s1/orders", commerce.record.engine

    async def status(token: str) -> int:
        await commerce.people.versions.refresh()
        return (await web.get(board, headers=bearer(token))).status_code

    old = await clerk(web)
    assert await status(old) == 200
    await store_password(engine, "clerk", "a better password")
    assert await status(old) == 401
    tries = [
        {"username": "clerk", "password": word} for word in ("open sesame", "a better password")
    ]
    before, after = [await web.post("/api/login", json=body) for body in tries]
    assert (before.status_code, after.status_code) == (401, 200)
    new = after.json()["token"]
    assert await status(new) == 200
    await seed(engine, replace(shop_plan(2, target=2), staff=()))
    assert await status(new) == 401
    assert (await web.post("/api/login", json=tries[1])).status_code == 401


async def test_pin_opens_a_group_that_two_orders_reach(web: httpx.AsyncClient) -> None:
    staff = await clerk(web)
    card = await web.put("/api/rooms/demo/pins/pear", headers=bearer(staff))
    assert card.json()["media_time"] == 123_456
    card = await web.put("/api/rooms/demo/pins/pear", json={"media_time": 9}, headers=bearer(staff))
    assert card.json()["media_time"] == 9
    states = []
    for number in range(2):
        token = await guest(web, f"neighbour {number}")
        body = {"room_id": "demo", "product_id": "pear", "quantity": 1, "price_fen": 600}
        made = await web.post("/api/orders", json=body, headers=bearer(token, "same-key"))
        states.append(made.json()["order"]["state"])
    assert states == ["waiting_group", "new"]
    gone = await web.delete("/api/rooms/demo/pins/pear", headers=bearer(staff))
    assert gone.status_code == 204
    missing = await web.put("/api/rooms/demo/pins/nothing", headers=bearer(staff))
    assert missing.json()["type"] == "urn:linli:problem:no-such-product"


async def test_a_host_ends_the_live(web: httpx.AsyncClient) -> None:
    staff = await clerk(web)
    assert (await web.post("/api/rooms/demo/end", headers=bearer(staff))).status_code == 204
    stand_ins: StandIns = web.stand_ins  # type: ignore[attr-defined]  # set by the fixture
    assert stand_ins.ended == ["demo"]
    assert stand_ins.announced == [("room:demo", "over")]
    assert (await web.get("/api/rooms/demo")).json()["state"] == "over"


async def test_buyer_leaves_a_waiting_group_over_http(web: httpx.AsyncClient) -> None:
    staff, token = await clerk(web), await guest(web)
    await web.put("/api/rooms/demo/pins/pear", headers=bearer(staff))
    body = {"room_id": "demo", "product_id": "pear", "quantity": 1, "price_fen": 600}
    made = await web.post("/api/orders", json=body, headers=bearer(token, "first-tap"))
    order = made.json()["order"]
    assert (order["group"]["joined"], order["group"]["target"]) == (1, 2)
    path = f"/api/orders/{order['id']}/cancellation"
    assert (await web.post(path, headers=bearer(await guest(web)))).status_code == 404
    left = await web.post(path, headers=bearer(token))
    assert (left.status_code, left.json()["order"]["state"]) == (200, "cancelled")
    assert left.json()["order"]["group"]["joined"] == 0
    bought = await web.post("/api/orders", json=tea(), headers=bearer(token, "second-tap"))
    late = await web.post(
        f"/api/orders/{bought.json()['order']['id']}/cancellation", headers=bearer(token)
    )
    assert (late.status_code, late.json()["type"]) == (409, "urn:linli:problem:illegal-move")


async def test_wrong_counter_names_the_store_that_has_the_goods(web: httpx.AsyncClient) -> None:
    token, staff = await guest(web), await clerk(web)
    made = await web.post("/api/orders", json=tea(), headers=bearer(token, "one-tap-1"))
    path = f"/api/orders/{made.json()['order']['id']}/moves"
    for state in ("picking", "packed", "ready"):
        await web.post(path, json={"to": state}, headers=bearer(staff))
    [mine] = (await web.get("/api/me/orders", headers=bearer(token))).json()["orders"]
    other = Access(SECRET).issue(Principal("x", frozenset({Role.STORE}), store_id="s2"), 60)
    code = {"code": mine["pickup"]["code"]}
    answer = await web.post("/api/stores/s2/handovers", json=code, headers=bearer(other))
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:linli:problem:other-store")
    assert answer.json()["store"]["id"] == "s1"
    assert answer.json()["store"]["address"] == {"zh": "street 1", "en": "street 1"}


async def test_wrong_pickup_codes_of_an_account_are_limited_whatever_addresses_they_come_from(
    web: httpx.AsyncClient,
) -> None:
    staff = await clerk(web)
    web.services.limits = Limits(web.shop.redis)  # type: ignore[attr-defined]  # see the fixture
    transport = web._transport
    assert isinstance(transport, httpx.ASGITransport)
    for n in range(200):
        transport.client = (f"198.51.100.{n}", 50_000)
        answer = await web.post(
            "/api/stores/s1/handovers", json={"code": "0000-0000-00"}, headers=bearer(staff)
        )
        if answer.status_code != 404:
            break
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1


async def test_room_says_which_stores_serve_an_estate(web: httpx.AsyncClient) -> None:
    room = (await web.get("/api/rooms/demo")).json()
    assert [estate["store_ids"] for estate in room["estates"]] == [["s1", "s2"], ["s2", "s1"]]
    assert {store["id"]: store["address"]["en"] for store in room["stores"]} == {
        "s1": "street 1",
        "s2": "street 2",
    }
    assert room["brand"]["confirm_above_fen"] == 20_000
