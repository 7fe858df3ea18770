"""Head office reads what its staff did."""

import json
from typing import Any

import httpx
import pytest

from commerce.io.record.audit_trail import record_audit
from commerce.io.shop.audit_trail import PAGE_ENTRIES
from server.access.policy import Principal, Role
from server.access.tokens import Access
from tests.support.shop_routes import SECRET, bearer, clerk, guest, tea

HOUR_S = 3_600


def hq(brand_id: str = "b", role: Role = Role.HQ) -> dict[str, str]:
    """Headers of somebody known who works at head office."""
    principal = Principal("u1", frozenset({role}), brand_id=brand_id)
    return bearer(Access(SECRET).issue(principal, HOUR_S))


async def trail(web: httpx.AsyncClient, query: str = "", brand_id: str = "b") -> dict[str, Any]:
    """What head office of a brand reads."""
    answer = await web.get(f"/api/hq/audit{query}", headers=hq(brand_id))
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def test_head_office_reads_who_moved_an_order(web: httpx.AsyncClient) -> None:
    token, staff = await guest(web), await clerk(web)
    made = await web.post("/api/orders", json=tea(), headers=bearer(token, "one-tap-1"))
    order_id = made.json()["order"]["id"]
    moved = {"to": "picking"}
    path = f"/api/orders/{order_id}/moves"
    assert (await web.post(path, json=moved, headers=bearer(staff))).status_code == 200
    found = await trail(web, "?action=order.move")
    [entry] = found["entries"]
    assert found["next"] is None
    assert (entry["actor"], entry["action"], entry["subject"]) == ("u1", "order.move", order_id)
    assert (entry["before"], entry["after"]) == ({"state": "new"}, {"state": "picking"})
    assert (await trail(web, "?actor=u1&action=order.move"))["entries"] == [entry]
    assert (await trail(web, "?actor=u2"))["entries"] == []
    assert (await trail(web, f"?action=order.move&until_ms={entry['at_ms']}"))["entries"] == []
    assert "晨光" not in json.dumps(found, ensure_ascii=False)


async def test_another_brand_sees_nothing_of_it(web: httpx.AsyncClient) -> None:
    await append(web, 1)
    assert (await trail(web, brand_id="b2"))["entries"] == []


async def test_the_trail_is_read_page_by_page(web: httpx.AsyncClient) -> None:
    await append(web, PAGE_ENTRIES + 2)
    first = await trail(web, "?action=pin")
    second = await trail(web, f"?action=pin&before={first['next']}")
    numbers = [entry["n"] for entry in first["entries"] + second["entries"]]
    assert numbers == list(range(PAGE_ENTRIES + 3, 1, -1))  # after the clerk
    assert second["next"] is None


async def test_only_head_office_of_a_brand_reads_the_trail(web: httpx.AsyncClient) -> None:
    for headers, status in (({}, 401), (hq(""), 403), (hq(role=Role.STORE), 403)):
        answer = await web.get("/api/hq/audit", headers=headers)
        assert answer.status_code == status


@pytest.mark.parametrize("query", ["before=x", "from_ms=-1", "unknown=1", f"before={1 << 60}"])
async def test_a_query_that_means_nothing_is_refused(web: httpx.AsyncClient, query: str) -> None:
    answer = await web.get(f"/api/hq/audit?{query}", headers=hq())
    assert answer.status_code == 422
    assert answer.json()["member"] == query.split("=")[0]


async def append(web: httpx.AsyncClient, count: int) -> None:
    """Write entries of brand b."""
    async with web.commerce.record.write() as connection:  # type: ignore[attr-defined]
        for at in range(count):
            await connection.run_sync(record_audit, "b", "u1", "pin", "tea", None, {"n": at}, at)


async def test_chain_names_the_first_entry_that_does_not_hold(web: httpx.AsyncClient) -> None:
    await append(web, 3)

    async def chain() -> dict[str, Any]:
        answer = await web.get("/api/hq/audit/chain", headers=hq())
        found: dict[str, Any] = answer.json()
        return found

    whole = await chain()
    assert (whole["entries"], whole["broken"], whole["actors"]) == (4, 0, ["operator", "u1"])
    assert whole["actions"] == ["pin", "staff.load"]
    async with web.commerce.record.write() as connection:  # type: ignore[attr-defined]
        # A forger who may drop triggers.
        await connection.exec_driver_sql("DROP TRIGGER audit_entries_UPDATE")
        await connection.exec_driver_sql("UPDATE audit_entries SET actor = 'u9' WHERE n = 3")
    assert (await chain())["broken"] == 3
