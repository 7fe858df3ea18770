"""Key figures over HTTP: a month's board, the rows behind a figure, files, and the plan."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from insight.io.kpi import KpiBoard, Plan
from insight.io.lake import Lake
from insight.io.writer import LakeWriter
from server.bridge import kpi
from server.bridge.kpi import KpiReader
from tests.support.head_office import BRAND, HeadOffice
from tests.support.lake_facts import AT_MS, FactMaker

MONTH = "2026-09"


async def test_a_board_is_kept_for_five_times_as_long_as_it_took(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s, took_s = 0.0, 0.0
    read = 0

    def slow(*_: object, now_ms: int) -> KpiBoard:
        nonlocal now_s, read
        now_s += took_s
        read += 1
        return KpiBoard(MONTH, now_ms, False, (), ())

    monkeypatch.setattr(kpi, "read_board", slow)
    reader = KpiReader(Lake(str(tmp_path)), lambda: AT_MS, lambda: now_s)
    reads = []
    # A small lake is seen as it is after seconds, a large one is read every five minutes.
    for took, later_s in (
        (0.0, 4.9),
        (0.0, 5.1),
        (1.0, 5.1),
        (1.0, 4.8),
        (60.0, 0.4),
        (0.0, 299.0),
        (0.0, 2.0),
    ):
        now_s, took_s = now_s + later_s, took
        await reader.board("b", MONTH, Plan(), {})
        reads.append(read)
    reader.close()
    assert reads == [1, 2, 3, 3, 4, 4, 5]


async def test_the_head_office_reads_figures_and_the_rows_behind_them(
    hq: HeadOffice, tmp_path: Path
) -> None:
    lake = Lake(str(tmp_path))
    hq.services.kpi = reader = KpiReader(lake, lambda: AT_MS)
    assert (await hq.ask("GET", "/api/hq/kpi?month=2026-9")).json()["member"] == "month"
    early = await hq.ask("GET", f"/api/hq/kpi?month={MONTH}")
    assert early.status_code == 503

    history = FactMaker(source="simulator", at_ms=AT_MS - 1_000)
    history.order("o1", ("tea", 2, 1_980))
    writer = LakeWriter(lake)
    writer.position("simulator")
    writer.write(history.made)
    plan = {"pilots": ["e1"], "stores": {"s1": {"area_m2": 60}}}
    for wrong, member in (
        ({"pilots": ["nowhere"]}, "pilots"),
        ({"stores": {"nowhere": {"area_m2": 1}}}, "stores"),
        ({"baseline_month": "2026-13"}, "baseline_month"),
    ):
        answer = await hq.ask("PUT", "/api/hq/kpi/plan", wrong)
        assert (answer.status_code, answer.json()["member"]) == (422, member)
    assert (await hq.ask("PUT", "/api/hq/kpi/plan", plan)).status_code == 200

    board = await hq.read(f"/api/hq/kpi?month={MONTH}")
    assert board["simulated"] and board["made_at_ms"] == AT_MS
    assert board["plan"]["stores"] == {"s1": {"area_m2": 60, "staff_hours": 0}}
    figures = {each["id"]: each for each in board["figures"]}
    gmv = figures["gmv_per_estate"]
    assert (gmv["value"], gmv["part"], gmv["whole"], gmv["rows"]) == (1_980, 1_980, 1, 1)
    assert (gmv["baseline_month"], gmv["baseline"]) == ("2026-08", None)
    assert figures["gmv_per_m2"]["value"] == 33
    assert figures["gmv_per_staff_hour"]["value"] is None
    assert gmv["comparison"]["difference"] is None
    assert board["ramp"] == [{"age_months": 0, "estates": 1, "gmv_fen": 1_980}]

    path = f"/api/hq/kpi/gmv_per_estate/rows?month={MONTH}"
    [row] = (await hq.read(path))["rows"]
    assert (row["key"], row["part"], row["value"]) == ("e1", 1_980, 1_980)
    file = await hq.ask("GET", f"{path}&format=csv")
    table = list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert table[3][0].startswith("含模拟数据")
    assert table[4] == ["基准月 baseline", "2026-08", ""]
    assert table[-1] == ["合计 total", "", "1980", "1", "1980.0"]
    book = await hq.ask("GET", f"{path}&format=xlsx")
    opened = CalamineWorkbook.from_filelike(io.BytesIO(book.content))
    sheet: list[Any] = opened.get_sheet_by_index(0).to_python()
    # Both files have the same rows, and these sum to their last line.
    head = next(at for at, row in enumerate(table) if row and row[0].startswith("编号"))
    assert [sheet[head][0], sheet[-1][0]] == [table[head][0], table[-1][0]]
    for column in (2, 3):
        sums = [sum(int(row[column]) for row in rows[head + 1 : -1]) for rows in (table, sheet)]
        assert sums == [int(table[-1][column])] * 2 == [int(sheet[-1][column])] * 2
    assert (await hq.ask("GET", "/api/hq/kpi/nothing/rows")).status_code == 404
    ramp = f"/api/hq/kpi/ramp/rows?month={MONTH}"
    [row] = (await hq.read(ramp))["rows"]
    assert (row["key"], row["month"], row["age_months"], row["gmv_fen"]) == ("e1", MONTH, 0, 1_980)
    file = await hq.ask("GET", f"{ramp}&format=csv")
    table = list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert (table[-1][0], table[-1][2:]) == ("e1", [MONTH, "0", "1980"])
    assert (await hq.ask("GET", f"{ramp}&format=pdf")).json()["member"] == "format"
    other = await hq.ask("GET", path, token=hq.token("other-brand"))
    assert other.json()["rows"] == [] and BRAND != "other-brand"
    reader.close()
