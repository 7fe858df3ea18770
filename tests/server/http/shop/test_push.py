"""What a guest chooses of messages and channels, and how they came, over HTTP."""

from typing import Any

import httpx
import pytest

from tests.support.shop_routes import bearer, guest

CHOICE = {
    "muted": ["live"],
    "muted_by": {"push": ["ready"], "sms": ["refund", "ready"]},
    "quiet_from_hour": 21,
    "quiet_until_hour": 9,
}


async def test_a_guest_chooses_kinds_by_channel(web: httpx.AsyncClient) -> None:
    headers = bearer(await guest(web))
    first = (await web.get("/api/me/push", headers=headers)).json()
    assert (first["channels"], first["muted"], first["muted_by"]) == ({}, [], {})
    chosen = await web.put("/api/me/push/preferences", json=CHOICE, headers=headers)
    expected = {**CHOICE, "muted_by": {"push": ["ready"], "sms": ["ready", "refund"]}}
    assert (chosen.status_code, chosen.json()) == (200, expected)
    found = (await web.get("/api/me/push", headers=headers)).json()
    assert {name: found[name] for name in CHOICE} == expected
    # A page of an older version names no channels.
    older = {name: value for name, value in CHOICE.items() if name != "muted_by"}
    again = await web.put("/api/me/push/preferences", json=older, headers=headers)
    assert again.json()["muted_by"] == {}
    listed = await web.get("/api/me/notices/deliveries", headers=headers)
    assert listed.json() == {"deliveries": []}


@pytest.mark.parametrize(
    ("wrong", "member"),
    [
        ({"muted_by": {"page": ["ready"]}}, "muted_by"),
        ({"muted_by": {"pigeon": ["ready"]}}, None),
        ({"muted_by": {"sms": ["gossip"]}}, None),
        ({"muted_by": ["sms"]}, None),
        ({"quiet_from_hour": 24}, "quiet_from_hour"),
    ],
)
async def test_a_choice_that_cannot_be_is_refused(
    web: httpx.AsyncClient, wrong: dict[str, Any], member: str | None
) -> None:
    headers = bearer(await guest(web))
    body = {**CHOICE, **wrong}
    refused = await web.put("/api/me/push/preferences", json=body, headers=headers)
    assert refused.status_code == 422
    if member:
        assert refused.json()["member"] == member
