"""Facts of pages over HTTP: once each, of the token's estate, never a person."""

from pathlib import Path

import httpx

from insight.io.lake import Lake
from insight.io.writer import LakeWriter
from server.http.shop.facts import AGE_MS_MAX
from tests.support.shop_routes import bearer, guest

AT_MS = 1_790_000_000_000
SEEN: dict[str, object] = {"product_id": "pear"}


def batch(*facts: tuple[int, str, dict[str, object]], age_ms: int = 0) -> dict[str, object]:
    """A batch of a page whose clock is wrong by months."""
    made = [
        {"number": number, "topic": topic, "at_ms": AT_MS - age_ms, "payload": payload}
        for number, topic, payload in facts
    ]
    return {"sender": "a-page-1", "room_id": "demo", "sent_at_ms": AT_MS, "facts": made}


async def test_facts_of_a_page_count_once_and_bad_ones_are_kept_with_reasons(
    web: httpx.AsyncClient, tmp_path: Path
) -> None:
    anna = bearer(await guest(web))
    first = batch((1, "card.seen", SEEN), (2, "bag.added", SEEN | {"units": 2}), age_ms=5_000)
    assert (await web.post("/api/facts", json=first, headers=anna)).json() == {"taken": 2}
    # The answer was lost: the page sends them again, with what came since.
    bad = ("money.moved", {"order_id": "o1", "kind": "charge", "amount_fen": 1})
    again = batch(
        (2, "bag.added", SEEN | {"units": 2}),
        (3, *bad),
        (4, "card.seen", {"product": "pear"}),
    )
    assert (await web.post("/api/facts", json=again)).json() == {"taken": 2}
    spool = web.services.page_facts  # type: ignore[attr-defined]
    lake = Lake(str(tmp_path))
    writer = LakeWriter(lake)
    writer.write(await spool.read(writer.position(spool.name), 100))
    events = "SELECT kind, estate, person, room_id, units FROM page_events ORDER BY kind"
    assert lake.sql(events)[1] == [
        ("bag.added", "e1", "", "demo", 2),
        ("card.seen", "e1", "", "demo", 0),
    ]
    aged = "SELECT max(arrived_at) - max(occurred_at) = INTERVAL '5 seconds' FROM facts "
    assert lake.sql(aged + "WHERE topic = 'bag.added'")[1] == [(True,)]
    reasons = lake.sql("SELECT reason FROM rejected ORDER BY sequence")[1]
    assert reasons[0] == ("topic 'money.moved' does not come from pages",)
    assert len(reasons) == 2 and "product" in str(reasons[1])


async def test_a_batch_out_of_bounds_or_of_who_refuses_leaves_no_fact(
    web: httpx.AsyncClient,
) -> None:
    one = batch((1, "card.seen", SEEN))
    for body, status, member in (
        (batch((1, "card.seen", SEEN), age_ms=AGE_MS_MAX + 1), 422, "facts.0.at_ms"),
        (batch((1, "card.seen", {"product_id": "p" * 1_001})), 422, "facts.0.payload"),
        (batch((0, "card.seen", SEEN)), 422, "facts.0.number"),
        (batch() | {"facts": []}, 422, "facts"),
        (one | {"room_id": "nowhere"}, 404, None),
    ):
        answer = await web.post("/api/facts", json=body)
        assert (answer.status_code, answer.json().get("member")) == (status, member)
    for header in ("Sec-GPC", "DNT"):
        answer = await web.post("/api/facts", json=one, headers={header: "1"})
        assert answer.json() == {"taken": 0}
    spool = web.services.page_facts  # type: ignore[attr-defined]
    assert await spool.read(0, 10) == []
