"""Routes of the head office about key figures: a month's board, the rows of a figure, the plan."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.io.record.engine import wall_clock
from commerce.io.shop.kpi_plan import KpiPlan, StoreStatement
from insight.effects import LEVEL
from insight.io.kpi import KpiBoard, Plan, RampMonth
from insight.kpi import BY_ID, Kpi, Per, Stated
from insight.tables import CHINA, day_of
from server.http.bodies import Body, Id, problems, read_body, reply
from server.http.hq.common import Office, bad_member, office
from server.http.hq.lists import MEDIA_TYPES
from server.problem import Problem

MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")
MONTH_CHARS = 7
PILOTS_MAX = 1_000
RAMP_WORDS_ZH = "新小区爬坡：小区每月 GMV（已付 − 已退），月龄为首次付款那个月起的第几个月"
RAMP_WORDS_EN = (
    "Ramp: GMV of an estate by month (paid − paid back); its age is in months since the one of its "
    "first payment"
)

Cells = tuple[Any, ...]


class Statement(Body):
    """What a store has; 0 is not stated."""

    area_m2: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    staff_hours: Annotated[int, Field(ge=0, le=1_000_000)] = 0


class PlanBody(Body):
    """How figures are read."""

    baseline_month: Annotated[str, Field(pattern=rf"^({MONTH.pattern})?$")] = ""
    pilots: Annotated[list[Id], Field(max_length=PILOTS_MAX)] = Field(default_factory=list)
    stores: Annotated[dict[Id, Statement], Field(max_length=PILOTS_MAX)] = Field(
        default_factory=dict
    )


async def board(request: Request) -> Response:
    """`GET /api/hq/kpi?month=`: all figures of a month."""
    at = office(request)
    plan, found = await _board(request, at)
    return reply(
        {
            "month": found.month,
            "made_at_ms": found.made_at_ms,
            "simulated": found.simulated,
            "plan": plan,
            "level": LEVEL,
            "figures": [_figure(each) for each in found.figures],
            "ramp": _ramp(found.ramp),
        }
    )


async def rows(request: Request) -> Response:
    """`GET /api/hq/kpi/{figure}/rows?month=`: what each estate or store has of a figure.

    `format=csv` or `xlsx` makes a file of it.
    """
    at = office(request)
    formula = BY_ID.get(request.path_params["figure"])
    if formula is None:
        raise Problem(404, "no-such-figure", "No such figure.")
    _, found = await _board(request, at)
    [figure] = [each for each in found.figures if each.id == formula.id]
    named = [
        {"key": row.key, "name": _name(at, figure.per, row.key)}
        | {"part": row.part, "whole": row.whole, "value": row.value}
        for row in figure.rows
    ]
    shown = {"figure": _figure(figure), "simulated": found.simulated, "rows": named}
    return _as_asked(request, f"{figure.id}-{found.month}", shown, _table(found, figure, named))


async def ramp_rows(request: Request) -> Response:
    """`GET /api/hq/kpi/ramp/rows?month=`: the months of each estate; files as of a figure."""
    at = office(request)
    _, found = await _board(request, at)
    named = [
        {"key": row.estate, "name": _name(at, Per.ESTATE, row.estate)}
        | {"month": row.month, "age_months": row.age_months, "gmv_fen": row.gmv_fen}
        for row in found.ramp
    ]
    shown = {"simulated": found.simulated, "rows": named}
    return _as_asked(request, f"ramp-{found.month}", shown, _ramp_table(found, named))


async def set_plan(request: Request) -> Response:
    """`PUT /api/hq/kpi/plan`: pilot estates, baseline month, areas and hours of stores."""
    at = office(request)
    body = await read_body(request, PlanBody)
    stores = {
        id: StoreStatement(one.area_m2, one.staff_hours)
        for id, one in sorted(body.stores.items())
        if one.area_m2 or one.staff_hours
    }
    plan = KpiPlan(body.baseline_month, tuple(sorted(set(body.pilots))), stores)
    with problems():
        await at.commerce.kpi_plans.set(at.brand_id, at.staff_id, plan)
    return reply(plan)


async def _board(request: Request, at: Office) -> tuple[KpiPlan, KpiBoard]:
    month = request.query_params.get("month", "")
    if month and not MONTH.fullmatch(month):
        raise bad_member("month", "A month such as 2026-11.")
    brand = at.commerce.catalogue.only_brand  # of an operator's token, which names none
    brand_id = at.brand_id or (brand.id if brand else "")
    catalogue = at.commerce.catalogue
    plan = await at.commerce.kpi_plans.read(brand_id)
    leaders = (await at.commerce.leaders.commission.efficiency(brand_id)).leaders
    led = [estate for leader in leaders for estate in leader.estate_ids]
    store_of = {
        id: estate.store_id
        for id, estate in sorted(catalogue.estates.items())
        if catalogue.brand_id("estate", id) == brand_id
    }
    found = await at.services.kpi.board(
        brand_id,
        month or day_of(wall_clock())[:MONTH_CHARS],
        Plan(plan.baseline_month, frozenset(plan.pilots), store_of),
        {
            Stated.LEADERS: {estate: led.count(estate) for estate in sorted(set(led))},
            Stated.AREA_M2: {id: one.area_m2 for id, one in plan.stores.items()},
            Stated.STAFF_HOURS: {id: one.staff_hours for id, one in plan.stores.items()},
        },
    )
    if found is None:
        raise Problem(
            503,
            "try-again",
            "The lake has nothing yet.",
            "A server with the role insight fills it.",
            headers={"Retry-After": "5"},
        )
    return plan, found


def _figure(figure: Kpi) -> dict[str, Any]:
    formula = BY_ID[figure.id]
    return {
        "id": figure.id,
        "unit": figure.unit,
        "per": figure.per,
        "words": {"zh": formula.words_zh, "en": formula.words_en},
        "stated": formula.stated,
        "value": figure.value,
        "part": figure.part,
        "whole": figure.whole,
        "rows": len(figure.rows),
        "baseline_month": figure.baseline_month,
        "baseline": figure.baseline,
        "comparison": figure.comparison,
    }


def _ramp(months: tuple[RampMonth, ...]) -> list[dict[str, Any]]:
    """The mean of estates by their age; one that is older than the data has no age."""
    ages = sorted({one.age_months for one in months})
    found = []
    for age in ages:
        fen = [one.gmv_fen for one in months if one.age_months == age]
        found.append({"age_months": age, "estates": len(fen), "gmv_fen": sum(fen) // len(fen)})
    return found


def _name(at: Office, per: Per, key: str) -> dict[str, str]:
    catalogue = at.commerce.catalogue
    place = (catalogue.estates if per is Per.ESTATE else catalogue.stores).get(key)
    return {"zh": place.name.zh, "en": place.name.en} if place else {"zh": key, "en": key}


def _as_asked(request: Request, name: str, shown: Any, table: Iterable[Cells]) -> Response:
    """Rows as JSON, or the table as the file that `format` names."""
    kind = request.query_params.get("format", "json")
    if kind == "json":
        return reply(shown)
    if kind not in MEDIA_TYPES:
        raise bad_member("format", "json, csv or xlsx.")
    return Response(
        _csv(table) if kind == "csv" else _xlsx(table),
        media_type=MEDIA_TYPES[kind],
        headers={"Content-Disposition": f'attachment; filename="{name}.{kind}"'},
    )


def _head(board: KpiBoard, words_zh: str, words_en: str) -> Iterator[Cells]:
    made_at = datetime.fromtimestamp(board.made_at_ms / 1_000, UTC).astimezone(CHINA)
    yield words_zh, words_en
    yield "月份 month", board.month
    yield "数据时间 as of", made_at.strftime("%Y-%m-%d %H:%M")
    if board.simulated:
        yield "含模拟数据 contains simulated data", ""


def _table(board: KpiBoard, figure: Kpi, named: list[dict[str, Any]]) -> Iterator[Cells]:
    """A figure as a table that says by itself what it is."""
    formula = BY_ID[figure.id]
    yield from _head(board, formula.words_zh, formula.words_en)
    yield "基准月 baseline", figure.baseline_month, figure.baseline
    yield ()
    yield "编号 id", "名称 name", "分子 part", "分母 n", "值 value"
    for row in named:
        yield row["key"], row["name"]["zh"], row["part"], row["whole"], row["value"]
    yield "合计 total", "", figure.part, figure.whole, figure.value


def _ramp_table(board: KpiBoard, named: list[dict[str, Any]]) -> Iterator[Cells]:
    yield from _head(board, RAMP_WORDS_ZH, RAMP_WORDS_EN)
    yield ()
    yield "编号 id", "名称 name", "月份 month", "月龄 age in months", "GMV（分）GMV in fen"
    for row in named:
        yield row["key"], row["name"]["zh"], row["month"], row["age_months"], row["gmv_fen"]


def _csv(table: Iterable[Cells]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(table)
    return out.getvalue().encode("utf-8-sig")


def _xlsx(table: Iterable[Cells]) -> bytes:
    from xlsxwriter import Workbook

    out = io.BytesIO()
    with Workbook(out, {"in_memory": True, "strings_to_formulas": False}) as book:
        sheet = book.add_worksheet()
        sheet.set_column(0, 4, 22)
        for at, row in enumerate(table):
            for column, value in enumerate(row):
                sheet.write(at, column, value)
    return out.getvalue()


routes = [
    Route("/api/hq/kpi", board, methods=["GET"]),
    Route("/api/hq/kpi/plan", set_plan, methods=["PUT"]),
    Route("/api/hq/kpi/ramp/rows", ramp_rows, methods=["GET"]),
    Route("/api/hq/kpi/{figure}/rows", rows, methods=["GET"]),
]
