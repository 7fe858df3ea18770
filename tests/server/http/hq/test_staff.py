"""The head office invites, edits and logs out staff; they choose their passwords by a link."""

from typing import Any

import httpx

from commerce.io.shop.audit_trail import AuditFilter
from commerce.io.shop.seed import seed
from commerce.people.staff_links import DAY_MS
from server.access.policy import Principal, Role
from tests.support.commerce_shop import shop_plan
from tests.support.head_office import OTHER_BRAND, HeadOffice
from tests.support.waiting import wait_until

PASSWORD = "a quiet harbour 7"
DRAFT = {"username": "lin", "name": "林店长", "roles": ["host", "store"], "store_id": "s1"}


async def invited(hq: HeadOffice, **more: object) -> tuple[dict[str, Any], str]:
    """Somebody who was invited, and the secret of their link."""
    answer = await hq.ask("POST", "/api/hq/staff", DRAFT | more)
    assert answer.status_code == 201, answer.text
    body = answer.json()
    return body["staff"], body["link"]["token"]


async def choose(hq: HeadOffice, token: str, password: str = PASSWORD) -> httpx.Response:
    """Use a link."""
    body = {"token": token, "password": password}
    return await hq.client.post("/api/staff-links/use", json=body)


async def log_in(hq: HeadOffice, username: str = "lin", password: str = PASSWORD) -> httpx.Response:
    """Log in."""
    body = {"username": username, "password": password}
    return await hq.client.post("/api/login", json=body)


async def status_of(hq: HeadOffice, token: str) -> int:
    """What a token still opens."""
    headers = {"Authorization": f"Bearer {token}"}
    return (await hq.client.get("/api/me", headers=headers)).status_code


async def is_revoked(hq: HeadOffice, token: str) -> None:
    """Wait until the outbox has delivered to this worker."""

    async def refused() -> bool:
        return await status_of(hq, token) == 401

    await wait_until(refused, what="the revocation")


async def test_invited_person_chooses_a_password_once_and_logs_in(hq: HeadOffice) -> None:
    person, token = await invited(hq)
    assert (person["invited"], person["room_id"]) == (True, "demo")
    assert (await log_in(hq, password="")).status_code == 422
    assert (await log_in(hq)).status_code == 401
    seen = await hq.client.post("/api/staff-links/look", json={"token": token})
    assert (seen.json()["kind"], seen.json()["username"]) == ("invitation", "lin")
    weak = await choose(hq, token, "password123")
    assert (weak.status_code, weak.json()["member"]) == (422, "password")
    assert (await choose(hq, token)).status_code == 204
    again = await choose(hq, token, "another harbour 8")
    assert (again.status_code, again.json()["type"]) == (404, "urn:linli:problem:no-such-link")
    logged_in = (await log_in(hq)).json()["staff"]
    assert (logged_in["roles"], logged_in["store_id"]) == (["host", "store"], "s1")
    assert not (await hq.read(f"/api/hq/staff/{person['id']}"))["invited"]


async def test_link_ends_in_time_and_with_a_newer_one(hq: HeadOffice) -> None:
    person, first = await invited(hq)
    links = f"/api/hq/staff/{person['id']}/links"
    second = (await hq.ask("POST", links)).json()
    assert second["kind"] == "invitation"
    assert (await choose(hq, first)).status_code == 404
    hq.shop.clock.ahead_ms = 7 * DAY_MS
    assert (await choose(hq, second["token"])).status_code == 404
    third = (await hq.ask("POST", links)).json()
    hq.shop.clock.ahead_ms += 7 * DAY_MS - 60_000
    assert (await choose(hq, third["token"])).status_code == 204
    reset = (await hq.ask("POST", links)).json()
    assert reset["kind"] == "reset"
    assert (await log_in(hq)).status_code == 200
    assert (await choose(hq, reset["token"], "another harbour 8")).status_code == 204
    assert (await log_in(hq)).status_code == 401


async def test_fewer_rights_and_log_out_everywhere_end_the_tokens(hq: HeadOffice) -> None:
    person, link = await invited(hq)
    path = f"/api/hq/staff/{person['id']}"
    await choose(hq, link)
    for act in ("log-out", "roles", "disable"):
        token = (await log_in(hq)).json()["token"]
        assert await status_of(hq, token) == 200
        if act == "log-out":
            assert (await hq.ask("POST", f"{path}/log-out")).status_code == 204
        else:
            version = (await hq.read(path))["version"]
            change = {"roles": ["store"]} if act == "roles" else {"active": False}
            assert (await hq.ask("PATCH", path, change, version=version)).status_code == 200
        await is_revoked(hq, token)
    assert (await log_in(hq)).status_code == 401
    assert (await hq.ask("POST", f"{path}/links")).status_code == 404


async def test_new_name_ends_no_token_and_stale_edits_are_refused(hq: HeadOffice) -> None:
    person, link = await invited(hq)
    path = f"/api/hq/staff/{person['id']}"
    await choose(hq, link)
    token = (await log_in(hq)).json()["token"]
    assert (await hq.ask("PATCH", path, {"name": "林"}, version=1)).status_code == 200
    assert (await hq.ask("PATCH", path, {"name": "森"}, version=1)).status_code == 412
    assert (await hq.ask("PATCH", path, {"name": "森"})).status_code == 428
    await hq.shop.commerce.people.versions.refresh()
    assert await status_of(hq, token) == 200


async def test_invitation_that_cannot_be_names_the_member(hq: HeadOffice) -> None:
    await invited(hq)
    for change, member in (
        ({}, "username"),
        ({"username": "Lin"}, "username"),
        ({"username": "mo", "store_id": ""}, "store_id"),
        ({"username": "mo", "store_id": "nowhere"}, "store_id"),
        ({"username": "mo", "roles": ["admin"]}, "roles.0"),
        ({"username": "mo", "roles": []}, "roles"),
        ({"username": "mo", "name": " "}, "name"),
    ):
        answer = await hq.ask("POST", "/api/hq/staff", DRAFT | change)
        assert (answer.status_code, answer.json().get("member")) == (422, member)


async def test_nobody_closes_their_own_way_into_the_head_office(hq: HeadOffice) -> None:
    person, _ = await invited(hq, roles=["hq"], store_id="")
    who = Principal(person["id"], frozenset({Role.HQ}), brand_id="b")
    own = hq.access.issue(who, 60)
    for change in ({"active": False}, {"roles": ["store"], "store_id": "s1"}):
        path = f"/api/hq/staff/{person['id']}"
        answer = await hq.ask("PATCH", path, change, token=own, version=1)
        assert (answer.status_code, answer.json()["member"]) == (422, "active")


async def test_another_brand_reaches_no_one(hq: HeadOffice) -> None:
    person, _ = await invited(hq)
    path, theirs = f"/api/hq/staff/{person['id']}", hq.token(OTHER_BRAND)
    for method, end in (("GET", ""), ("POST", "/links"), ("POST", "/log-out")):
        assert (await hq.ask(method, path + end, token=theirs)).status_code == 404
    change = {"active": False}
    assert (await hq.ask("PATCH", path, change, token=theirs, version=1)).status_code == 404


async def test_audit_trail_has_what_was_done_and_no_names(hq: HeadOffice) -> None:
    person, token = await invited(hq)
    path = f"/api/hq/staff/{person['id']}"
    await choose(hq, token)
    await hq.ask("PATCH", path, {"active": False, "name": "林"}, version=1)
    trail = await hq.shop.commerce.audit_trail.page("b", AuditFilter(subject=person["id"]))
    assert [(entry.action, entry.actor, entry.after) for entry in trail.entries] == [
        ("staff.edit", "token:b", {"active": False}),
        ("staff.password", person["id"], {"by": "invitation"}),
        (
            "staff.invite",
            "token:b",
            {
                "active": True,
                "estate_ids": "",
                "roles": "host store",
                "room_id": "demo",
                "store_id": "s1",
            },
        ),
    ]


async def test_shop_file_leaves_staff_of_the_head_office_alone(hq: HeadOffice) -> None:
    person, _ = await invited(hq)
    await hq.ask("PATCH", "/api/hq/staff/u1", {"roles": ["store"]}, version=1)
    await seed(hq.shop.engine, shop_plan())
    assert (await hq.read(f"/api/hq/staff/{person['id']}"))["active"]
    assert (await hq.read("/api/hq/staff/u1"))["roles"] == ["store"]


async def test_leader_needs_estates_of_the_brand_and_loses_them_at_once(hq: HeadOffice) -> None:
    draft = {"roles": ["leader"], "store_id": ""}
    for wrong in ([], ["nowhere"]):
        answer = await hq.ask("POST", "/api/hq/staff", DRAFT | draft | {"estate_ids": wrong})
        assert (answer.status_code, answer.json()["member"]) == (422, "estate_ids")
    person, token = await invited(hq, **draft, estate_ids=["e2", "e1"])
    assert person["estate_ids"] == ["e1", "e2"]
    assert (await choose(hq, token)).status_code == 204
    session = (await log_in(hq)).json()
    assert session["staff"]["estate_ids"] == ["e1", "e2"]
    path = f"/api/hq/staff/{person['id']}"
    edited = await hq.ask("PATCH", path, {"estate_ids": ["e2"]}, version=person["version"])
    assert edited.status_code == 200, edited.text
    assert edited.json()["estate_ids"] == ["e2"]
    await is_revoked(hq, session["token"])
