"""Places are added and edited by their own head office, an edit with its version."""

from typing import Any

from commerce.io.record.audit_trail import broken_entries
from commerce.io.shop.audit_trail import AuditFilter
from commerce.io.shop.seed import seed
from tests.support.commerce_shop import shop_plan
from tests.support.head_office import OTHER_BRAND, HeadOffice
from tests.support.waiting import wait_until

NAME = {"zh": "春江花园", "en": "Spring River Garden"}
PIN = {"latitude": 30.28, "longitude": 120.16}
ADDRESS = {"zh": "南门 3 号", "en": "3 South Gate"}
DRAFTS: dict[str, dict[str, Any]] = {
    "cities": {"name": NAME},
    "estates": {"name": NAME, **PIN, "stores": ["s2", "s1"], "city_id": ""},
    "stores": {"name": NAME, **PIN, "address": ADDRESS, "opening_hours": ["07:30-21:00"] * 7},
    "warehouses": {"name": NAME, **PIN, "address": ADDRESS},
}
KINDS = sorted(DRAFTS)


async def added(hq: HeadOffice, kind: str, **more: object) -> dict[str, Any]:
    """A place that was added."""
    answer = await hq.ask("POST", f"/api/hq/{kind}", DRAFTS[kind] | more)
    assert answer.status_code == 201, answer.text
    assert answer.headers["etag"] == '"1"'
    found: dict[str, Any] = answer.json()
    return found


async def test_place_is_added_and_edited(hq: HeadOffice) -> None:
    for kind in KINDS:
        await adds_and_edits(hq, kind)


async def adds_and_edits(hq: HeadOffice, kind: str) -> None:
    """A place of one kind is added, edited, read and found."""
    place = await added(hq, kind)
    path = f"/api/hq/{kind}/{place['id']}"
    assert {name: place[name] for name in DRAFTS[kind]} == DRAFTS[kind]
    new_name = {"zh": "梧桐里", "en": "Plane Tree Lane"}
    answer = await hq.ask("PATCH", path, {"name": new_name}, version=1)
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    assert answer.json() == place | {"name": new_name, "version": 2}
    assert await hq.read(path) == answer.json()
    listed = await hq.read(f"/api/hq/{kind}?q=plane")
    assert [row["id"] for row in listed["rows"]] == [place["id"]]


async def test_edit_needs_the_newest_version(hq: HeadOffice) -> None:
    for kind in KINDS:
        await refuses_older_versions(hq, f"/api/hq/{kind}/{(await added(hq, kind))['id']}")
    await refuses_older_versions(hq, "/api/hq/brand")


async def refuses_older_versions(hq: HeadOffice, path: str) -> None:
    """Of two edits that began with the same version, the second is refused."""
    change = {"name": {"zh": "甲", "en": "first"}}
    without = await hq.ask("PATCH", path, change)
    assert (without.status_code, without.json()["type"]) == (428, "urn:linli:problem:no-if-match")
    assert (await hq.ask("PATCH", path, change, version=1)).status_code == 200
    second = await hq.ask("PATCH", path, {"name": {"zh": "乙", "en": "second"}}, version=1)
    assert (second.status_code, second.json()["version"]) == (412, 2)
    assert (await hq.read(path))["name"]["en"] == "first"


async def test_another_brand_neither_reads_nor_edits_a_place(hq: HeadOffice) -> None:
    theirs, change = hq.token(OTHER_BRAND), {"name": {"zh": "乙", "en": "theirs"}}
    for kind in KINDS:
        path = f"/api/hq/{kind}/{(await added(hq, kind))['id']}"
        assert (await hq.ask("GET", path, token=theirs)).status_code == 404
        assert (await hq.ask("PATCH", path, change, token=theirs, version=1)).status_code == 404
    answer = await hq.ask("POST", "/api/hq/estates", DRAFTS["estates"], token=theirs)
    assert (answer.status_code, answer.json()["member"]) == (422, "stores")


BAD_CHANGES: list[tuple[str, dict[str, Any], str]] = [
    ("estates", {"latitude": 90.5}, "latitude"),
    ("estates", {"longitude": -181}, "longitude"),
    ("estates", {"longitude": "120"}, "longitude"),
    ("estates", {"stores": []}, "stores"),
    ("estates", {"stores": ["nowhere"]}, "stores"),
    ("estates", {"city_id": "nowhere"}, "city_id"),
    ("estates", {"rings": 6}, "rings"),
    ("stores", {"opening_hours": ["07:30-21:00"]}, "opening_hours"),
    ("stores", {"opening_hours": ["21:00-07:30"] + [""] * 6}, "opening_hours.0"),
    ("stores", {"opening_hours": [""] * 6 + ["7-21"]}, "opening_hours.6"),
    ("stores", {"name": {"zh": "  ", "en": "x"}}, "name.zh"),
    ("stores", {"address": {"zh": "x", "en": "x" * 101}}, "address.en"),
    ("cities", {"name": None}, "name"),
    ("cities", {"id": "other"}, "id"),
    ("warehouses", {"version": 9}, "version"),
]


async def test_edit_that_cannot_be_names_the_member(hq: HeadOffice) -> None:
    ids = {kind: (await added(hq, kind))["id"] for kind in KINDS}
    for kind, change, member in BAD_CHANGES:
        path = f"/api/hq/{kind}/{ids[kind]}"
        answer = await hq.ask("PATCH", path, change, version=1)
        assert (answer.status_code, answer.json().get("member")) == (422, member)
        assert (await hq.read(path))["version"] == 1


async def test_id_may_be_chosen_once(hq: HeadOffice) -> None:
    assert (await added(hq, "stores", id="s-3"))["id"] == "s-3"
    again = await hq.ask("POST", "/api/hq/stores", DRAFTS["stores"] | {"id": "s-3"})
    assert (again.status_code, again.json()["member"]) == (422, "id")
    assert "s-3" in hq.shop.commerce.catalogue.rooms


async def test_every_change_is_in_the_audit_trail(hq: HeadOffice) -> None:
    estate = await added(hq, "estates")
    path = f"/api/hq/estates/{estate['id']}"
    change = {"stores": ["s1"], "name": NAME | {"en": "Garden"}}
    await hq.ask("PATCH", path, change, version=1)
    await hq.ask("PATCH", path, change, version=2)
    entries = (
        await hq.shop.commerce.audit_trail.page("b", AuditFilter(subject=estate["id"]))
    ).entries
    assert [(entry.action, entry.actor) for entry in entries] == [
        ("estate.edit", "token:b"),
        ("estate.add", "token:b"),
    ]
    assert entries[0].before == {
        "name_en": "Spring River Garden",
        "store_id": "s2",
        "next_stores": ["s1"],
    }
    assert entries[0].after == {"name_en": "Garden", "store_id": "s1", "next_stores": []}
    async with hq.shop.commerce.record.read() as connection:
        assert await connection.run_sync(broken_entries) == []


async def test_buyers_see_a_change_and_so_do_other_workers(hq: HeadOffice) -> None:
    await hq.ask("PATCH", "/api/hq/stores/s1", {"address": ADDRESS}, version=1)
    shown = (await hq.client.get("/api/stores/s1")).json()
    assert (shown["address"], shown["opening_hours"]) == (ADDRESS, [])
    commerce = hq.shop.commerce
    commerce._shop.cache.catalogue = type(commerce.catalogue)()  # a worker that has not read it
    await commerce.catalogue_news.publish()

    async def has_read() -> bool:
        return "s1" in commerce.catalogue.stores

    await wait_until(has_read, what="the catalogue")


async def test_routes_of_orders_follow_the_stores_of_an_estate(hq: HeadOffice) -> None:
    estate = await added(hq, "estates")
    assert hq.shop.commerce.catalogue.routes[estate["id"]] == ("s2", "s1")
    path = f"/api/hq/estates/{estate['id']}"
    await hq.ask("PATCH", path, {"stores": ["s1", "s2"]}, version=1)
    assert hq.shop.commerce.catalogue.routes[estate["id"]] == ("s1", "s2")


async def test_map_has_the_cells_of_each_estate(hq: HeadOffice) -> None:
    estate = await added(hq, "estates", rings=0)
    assert len(estate["cells"]) == 1
    drawn = await hq.read("/api/hq/map")
    [found] = [one for one in drawn["estates"] if one["id"] == estate["id"]]
    assert (found["store_id"], len(found["outline"])) == ("s2", 6)
    assert [one["id"] for one in drawn["stores"]] == ["s1", "s2"]


async def test_loading_a_shop_file_again_keeps_what_the_head_office_edited(
    hq: HeadOffice,
) -> None:
    await hq.ask("PATCH", "/api/hq/stores/s1", {"name": NAME}, version=1)
    await seed(hq.shop.engine, shop_plan())
    assert (await hq.read("/api/hq/stores/s1"))["name"] == NAME
    assert (await hq.read("/api/hq/stores/s2"))["version"] == 1
