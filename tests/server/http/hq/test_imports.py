"""Lists as files: all or nothing, an error per cell, and what is exported can be imported."""

import csv
import io
import zipfile
from typing import Any

import pytest
from xlsxwriter import Workbook

from commerce.io.shop.audit_trail import AuditFilter
from tests.support.commerce_checks import quiet, sound
from tests.support.head_office import BRAND, HeadOffice

PRICES = "product_id,scope,scope_id,price_fen,from_ms,until_ms\n"


async def put(hq: HeadOffice, name: str, data: bytes | str, *, apply: bool = True) -> Any:
    """The report of an import, or of its preview."""
    answer = await hq.client.post(
        f"/api/hq/imports/{name}{'?apply=yes' if apply else ''}",
        content=data.encode() if isinstance(data, str) else data,
        headers={"Authorization": f"Bearer {hq.token()}"},
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def problems(hq: HeadOffice, name: str, data: bytes | str) -> list[tuple[int, str, str]]:
    """What is wrong in a file, which changes nothing."""
    report = await put(hq, name, data)
    assert not report["done"]
    assert report["error_count"] >= len(report["errors"]) > 0
    return [(error["row"], error["column"], error["problem"]) for error in report["errors"]]


async def export(hq: HeadOffice, name: str, kind: str = "csv") -> bytes:
    """A list as a file."""
    answer = await hq.ask("GET", f"/api/hq/exports/{name}?format={kind}&language=zh")
    assert answer.status_code == 200
    return answer.content


def workbook(*lines: list[Any], merge: str = "", formula: str = "") -> bytes:
    """A workbook with these lines."""
    written = io.BytesIO()
    book = Workbook(written)
    sheet = book.add_worksheet()
    for number, line in enumerate(lines):
        sheet.write_row(number, 0, line)
    if merge:
        sheet.merge_range(merge, "tea")
    if formula:
        sheet.write_formula(formula, "=1+1", None, 2)
    book.close()
    return written.getvalue()


async def test_prices_are_previewed_imported_and_sold_at(hq: HeadOffice) -> None:
    file = PRICES + "tea,estate,e1,8.80,,\ntea,brand,,9.50,2099-01-01 08:00,\n"
    preview = await put(hq, "prices", file, apply=False)
    assert (preview["added"], preview["changed"], preview["done"]) == (2, 0, False)
    assert (await hq.read("/api/hq/price-rules"))["total"] == 0

    report = await put(hq, "prices", file)
    assert (report["added"], report["done"], report["errors"]) == (2, True, [])
    again = await put(hq, "prices", file.replace("8.80", "8.70"))
    assert (again["added"], again["changed"], again["unchanged"]) == (0, 1, 1)
    assert (await hq.read("/api/hq/price-rules"))["total"] == 2
    assert (await hq.read("/api/hq/products/tea/why?estate=e1"))["price_fen"] == 870
    entries = (await hq.shop.commerce.audit_trail.page(BRAND, AuditFilter())).entries
    assert [entry.action for entry in entries[:2]] == ["prices.import", "prices.import"]


async def test_one_bad_cell_keeps_the_whole_file_out(hq: HeadOffice) -> None:
    file = PRICES + (
        "tea,estate,e1,8.80,,\n"
        "none,estate,e1,8.80,,\n"
        "tea,city,c9,8.80,,\n"
        "tea,store,s1,8.80,,\n"
        "pear,estate,,8.80,,\n"
        "pear,brand,,8.80,2026-01-02,2026-01-01\n"
    )
    assert await problems(hq, "prices", file) == [
        (3, "product_id", "unknown"),
        (4, "scope_id", "unknown"),
        (5, "price_fen", "out-of-range"),
        (6, "scope_id", "missing"),
        (7, "until_ms", "inconsistent"),
    ]
    assert (await hq.read("/api/hq/price-rules"))["total"] == 0


async def test_broken_files_are_refused_cell_by_cell(hq: HeadOffice) -> None:
    header = PRICES.strip().split(",")
    row = ["tea", "estate", "e1", 8.8, "", ""]
    gbk = "product_id,scope,scope_id,price_fen\n茶,estate,e1,1\n".encode("gbk")
    assert await problems(hq, "prices", gbk) == [(2, "product_id", "not-utf-8")]
    assert await problems(hq, "prices", PRICES.encode("utf-16")) == [(1, "A", "not-utf-8")]
    assert await problems(hq, "prices", PRICES + "=1+1,estate,e1,1,,\n") == [
        (2, "product_id", "formula")
    ]
    twice = PRICES + "tea,estate,e1,1,,\n" * 2
    assert await problems(hq, "prices", twice) == [(3, "product_id", "duplicate")]
    formula = workbook(header, row, formula="D2")
    assert await problems(hq, "prices", formula) == [(2, "D", "formula")]
    merged = workbook(header, row, merge="A2:A3")
    assert await problems(hq, "prices", merged) == [(2, "A", "merged")]
    for nothing in (b"", b"PK\x03\x04 no workbook", workbook(header, row)[:2_000], b"\0" * 99):
        [(number, _, _)] = await problems(hq, "prices", nothing)
        assert number == 1


async def test_a_file_of_a_million_rows_is_left_early(hq: HeadOffice) -> None:
    short = PRICES + "a,b,c,1,,\n" * 500_000
    assert await problems(hq, "prices", short) == [(20_002, "A", "too-many-rows")]
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/_rels/workbook.xml.rels", b"<Relationships/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"<worksheet><sheetData>" + b"<row/>" * 10**6)
    assert await problems(hq, "prices", bomb.getvalue()) == [(20_002, "A", "too-many-rows")]
    answer = await hq.client.post(
        "/api/hq/imports/prices",
        content=bytes(9 * 1024 * 1024),
        headers={"Authorization": f"Bearer {hq.token()}"},
    )
    assert answer.status_code == 413


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
async def test_what_is_exported_can_be_imported_and_changes_nothing(
    hq: HeadOffice, kind: str
) -> None:
    odd = {"zh": "=SUM(A1)", "en": "+tea"}
    product = {"id": "odd", "name": odd, "unit": odd, "price_fen": 5, "list_price_fen": 7}
    food: dict[str, Any] = {
        "allergens": ["nuts", "milk"],
        "storage": {"kind": "frozen", "max_c": -18},
    }
    food |= {"ingredients": odd, "shelf_life_days": 9, "net": {"amount": 5, "unit": "ml"}}
    product |= {"food": food}
    assert (await hq.ask("POST", "/api/hq/products", product)).status_code == 201
    await put(hq, "prices", PRICES + "tea,estate,e1,8.80,2026-01-01,2099-01-01 08:30\n")
    await put(hq, "assortment", "product_id,scope,scope_id,offered\nrice,estate,e1,no\n")
    before = await hq.read("/api/hq/products")
    for name in ("products", "prices", "assortment", "stock"):
        file = await export(hq, name, kind)
        report = await put(hq, name, file)
        assert report["error_count"] == 0, report
        assert (report["added"], report["changed"]) == (0, 0), name
        assert report["rows"] == report["unchanged"] > 0
    assert await hq.read("/api/hq/products") == before
    lines = list(csv.reader(io.StringIO((await export(hq, "products")).decode("utf-8-sig"))))
    assert lines[0][:2] == ["编号", "名称"]
    assert not [cell for line in lines for cell in line if cell[:1] in ("=", "+", "-", "@")]


async def test_deliveries_are_received_once(hq: HeadOffice) -> None:
    exported = (await export(hq, "stock")).decode("utf-8-sig")
    lines = [line.split(",") for line in exported.splitlines()]
    [tea] = [line for line in lines if line[0] == "tea"]
    file = "\n".join([",".join(lines[0]), ",".join([*tea[:4], "12"])])
    report = await put(hq, "stock", file)
    assert (report["changed"], report["done"]) == (1, True)
    await quiet(hq.shop)
    [view] = [one for one in await hq.shop.commerce.products("demo") if one.id == "tea"]
    assert view.left == 112
    assert await problems(hq, "stock", file) == [(2, "on_hand", "stale")]
    await sound(hq.shop)


async def test_products_are_imported_with_what_they_need(hq: HeadOffice) -> None:
    file = (
        "id,name_zh,name_en,unit_zh,unit_en,price_fen,list_price_fen,group_price_fen,致敏物质,品类编号\n"
        "tofu,嫩豆腐,Soft tofu,盒,box,4.50,5.00,3.90,大豆,\n"
        "tea,绿茶,Green tea,盒,box,9.90,12.00,,,\n"
        "milk,牛奶,Milk,盒,box,4.50,4.00,,乳,dairy\n"
    )
    assert await problems(hq, "products", file) == [
        (4, "category_id", "unknown"),
        (4, "list_price_fen", "inconsistent"),
    ]
    report = await put(hq, "products", file.replace("4.00", "5.00").replace("dairy", ""))
    assert (report["added"], report["changed"]) == (2, 1)
    [tofu] = (await hq.read("/api/hq/products?q=nendoufu"))["rows"]
    assert (tofu["price_fen"], tofu["group"]["price_fen"], tofu["version"]) == (450, 390, 1)
    assert tofu["food"]["allergens"] == ["soybeans"]


async def test_a_family_is_imported_whole_or_not_at_all(hq: HeadOffice) -> None:
    file = (
        "id,name_zh,name_en,unit_zh,unit_en,price_fen,list_price_fen,所属商品编号,规格,英文规格,增值税率（%）\n"
        "tea,绿茶,Green tea,盒,box,9.90,12.00,,50 克,50 g,\n"
        "tea-l,绿茶,Green tea,盒,box,17.90,20.00,tea,50 克,100 g,13\n"
    )
    assert await problems(hq, "products", file) == [
        (2, "option_zh", "inconsistent"),
        (3, "option_zh", "inconsistent"),
    ]
    report = await put(hq, "products", file.replace("tea,50", "tea,100"))
    assert (report["added"], report["changed"]) == (1, 1)
    large = await hq.read("/api/hq/products/tea-l")
    assert (large["variant_of"], large["option"]["en"], large["tax_bp"]) == ("tea", "100 g", 1_300)
    alone = "\n".join(file.splitlines()[:2]).replace("50 克,50 g", ",")
    assert await problems(hq, "products", alone) == [(2, "option_zh", "inconsistent")]
