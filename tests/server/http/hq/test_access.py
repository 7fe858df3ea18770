"""Every route of the head office is for its own staff and its own brand."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from starlette.routing import Route

from server.access.policy import Role
from server.http.hq.registry import routes
from tests.support.head_office import BRAND, OTHER_BRAND, HeadOffice

OF_NOBODY = "nothing-has-this-id"
CAMPAIGNS, NEEDED = "/api/hq/campaigns", "urn:linli:problem:brand-needed"
CAMPAIGN = {
    "name": {"zh": "周五", "en": "Sale"},
    "kind": "room",
    "amount_fen": 300,
    "minimum_fen": 1_000,
    "until_ms": 4_000_000_000_000,
    "valid_s": 86_400,
    "budget_fen": 30_000,
}
REQUESTS = [
    (method, route) for route in routes for method in sorted((route.methods or set()) - {"HEAD"})
]


def filled(route: Route, id: str) -> str:
    """The path of a route with `id` for every parameter."""
    return str(route.path_format).format(**dict.fromkeys(route.param_convertors, id))


async def test_routes_refuse_strangers_and_staff_of_shops(hq: HeadOffice) -> None:
    others = [role for role in Role if role not in (Role.HQ, Role.ADMIN)]
    for method, route in REQUESTS:
        path = filled(route, OF_NOBODY)
        assert (await hq.client.request(method, path)).status_code == 401, (method, path)
        for role in others:
            answer = await hq.ask(method, path, token=hq.token(role=role))
            assert answer.status_code == 403, (method, path, role)


async def test_lists_hold_rows_of_the_own_brand_only(hq: HeadOffice) -> None:
    paths = [
        route.path for method, route in REQUESTS if method == "GET" and not route.param_convertors
    ]
    # Of the role insight, which does not run here.
    for path in ("/api/hq/wall", "/api/hq/kpi", "/api/hq/kpi/ramp/rows"):
        paths.remove(path)
    for path in paths:
        if "/books" in path:
            path += "?period=2026-11-01&account=sales:s1"
        own = await hq.read(path)
        theirs = await hq.ask("GET", path, token=hq.token(OTHER_BRAND))
        assert theirs.status_code == 200
        if "rows" in own:
            assert theirs.json() == {"rows": [], "total": 0}, path


async def test_an_administrator_of_no_brand_has_the_only_one_or_is_refused(hq: HeadOffice) -> None:
    commerce, token = hq.shop.commerce, hq.token("", Role.ADMIN)
    one = commerce.catalogue.brands[BRAND]
    for known, status in (((BRAND,), 201), ((BRAND, OTHER_BRAND), 403)):
        catalogue = replace(commerce.catalogue, brands=dict.fromkeys(known, one))
        seen = SimpleNamespace(catalogue=catalogue, coupons=commerce.coupons)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(hq.services, "commerce", seen)
            answer = await hq.ask("POST", CAMPAIGNS, CAMPAIGN, token=token)
        assert answer.status_code == status, answer.text
    assert answer.json()["type"] == NEEDED
    listed = (await hq.read(CAMPAIGNS))["campaigns"]
    assert [each["name"]["en"] for each in listed] == ["Sale"], "it is one of the brand"
