"""Key figures of a brand in a month, each a part of a whole, by estate or store.

A figure is shown with its formula in words, the number that it is of (`whole`), the same of a
baseline month, and pilot estates against control estates; a month without data has no value, never
0, and what nobody stated (square metres, hours of staff) is left out, never guessed. Months and
weeks are China's; a week begins on Monday and belongs to the month in which it begins.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from insight import kpi_sql
from insight.effects import Comparison, compare
from insight.tables import CHINA


class Unit(StrEnum):
    """What a figure is counted in."""

    FEN = "fen"
    SHARE = "share"
    HOUSEHOLDS = "households"


class Per(StrEnum):
    """What a row of a figure is of: its key."""

    ESTATE = "estate"
    STORE = "store"  # or another location of goods


class Stated(StrEnum):
    """What the whole of a figure is when no fact has it: the head office states it."""

    LEADERS = "leaders"  # of an estate, from the record
    AREA_M2 = "area_m2"  # of a store
    STAFF_HOURS = "staff_hours"  # of a store, in a month


@dataclass(frozen=True, slots=True)
class KpiFormula:
    """How a figure is computed: its words, its unit, and SQL that gives (key, part, whole)."""

    id: str
    unit: Unit
    per: Per
    words_zh: str
    words_en: str
    sql: str
    stated: Stated | None = None


@dataclass(frozen=True, slots=True)
class KpiRow:
    """What an estate or store has of a figure."""

    key: str
    part: int
    whole: int

    @property
    def value(self) -> float | None:
        """Part ÷ whole; None of nothing."""
        return self.part / self.whole if self.whole else None


@dataclass(frozen=True, slots=True)
class Kpi:
    """A figure of a month; `part` and `whole` are the sums of its rows."""

    id: str
    unit: Unit
    per: Per
    month: str
    rows: tuple[KpiRow, ...]
    baseline_month: str
    baseline: float | None
    comparison: Comparison

    @property
    def part(self) -> int:
        """The sum of the rows' parts."""
        return sum(row.part for row in self.rows)

    @property
    def whole(self) -> int:
        """The sum of the rows' wholes."""
        return sum(row.whole for row in self.rows)

    @property
    def value(self) -> float | None:
        """Part ÷ whole; None of nothing."""
        return value_of(self.rows)


@dataclass(frozen=True, slots=True)
class Groups:
    """Keys of pilots and of controls, of estates or stores; others take no part."""

    pilots: frozenset[str] = frozenset()
    controls: frozenset[str] = frozenset()


def value_of(rows: Sequence[KpiRow]) -> float | None:
    """Return the sum of the parts ÷ the sum of the wholes; None of nothing."""
    whole = sum(row.whole for row in rows)
    return sum(row.part for row in rows) / whole if whole else None


def kpi(
    formula: KpiFormula,
    month: str,
    rows: Sequence[KpiRow],
    baseline_month: str,
    baseline: Sequence[KpiRow],
    groups: Groups,
) -> Kpi:
    """Return a figure from the rows of its month and of the baseline month."""
    before = {row.key: row.value for row in baseline}
    changes = {
        row.key: row.value - was
        for row in rows
        if row.value is not None and (was := before.get(row.key)) is not None
    }
    comparison = compare(
        [change for key, change in sorted(changes.items()) if key in groups.pilots],
        [change for key, change in sorted(changes.items()) if key in groups.controls],
    )
    return Kpi(
        formula.id,
        formula.unit,
        formula.per,
        month,
        tuple(sorted(rows, key=lambda row: row.key)),
        baseline_month,
        value_of(baseline),
        comparison,
    )


def stated_rows(rows: Sequence[KpiRow], stated: Mapping[str, int]) -> list[KpiRow]:
    """Return the rows whose whole was stated, with it."""
    return [KpiRow(row.key, row.part, stated[row.key]) for row in rows if stated.get(row.key)]


def store_groups(pilots: Collection[str], store_of: Mapping[str, str]) -> Groups:
    """Return stores that serve pilot estates only, and those that serve none of them.

    `store_of` is the first store of each estate.
    """
    served: dict[str, set[bool]] = {}
    for estate, store in store_of.items():
        served.setdefault(store, set()).add(estate in pilots)
    return Groups(
        frozenset(store for store, sides in served.items() if sides == {True}),
        frozenset(store for store, sides in served.items() if sides == {False}),
    )


def month_before(month: str) -> str:
    """Return the month before `YYYY-MM`."""
    year, number = int(month[:4]), int(month[5:])
    return f"{year - 1}-12" if number == 1 else f"{year}-{number - 1:02d}"


def month_after(month: str) -> str:
    """Return the month after `YYYY-MM`."""
    year, number = int(month[:4]), int(month[5:])
    return f"{year + 1}-01" if number == 12 else f"{year}-{number + 1:02d}"


def month_begins_s(month: str) -> int:
    """Return when a month begins in China, in seconds of the epoch."""
    return int(datetime(int(month[:4]), int(month[5:]), 1, tzinfo=CHINA).timestamp())


def sql_of(sql: str, brand: str, month: str, *, now_ms: int) -> str:
    """Return SQL of kpi_sql.py about a brand and month."""
    return sql.format(
        brand=brand.replace("'", "''"),
        month=month,
        before=month_before(month),
        in_month=f"day BETWEEN '{month}-01' AND '{month}-31'",
        near=f"day BETWEEN '{month_before(month)}-01' AND '{month_after(month)}-07'",
        begin_s=month_begins_s(month),
        until_s=min(month_begins_s(month_after(month)), now_ms // 1_000),
    )


FORMULAS: tuple[KpiFormula, ...] = (
    KpiFormula(
        "gmv_per_estate",
        Unit.FEN,
        Per.ESTATE,
        "社区月均 GMV：当月已付 − 已退 ÷ 当月有付款的小区数",
        "GMV per estate: paid − paid back in the month, by estates that paid in it",
        kpi_sql.GMV_PER_ESTATE,
    ),
    KpiFormula(
        "repurchase_twice",
        Unit.SHARE,
        Per.ESTATE,
        "月复购率（甲）：当月下单 ≥ 2 次的家庭 ÷ 当月下单的家庭",
        "Repurchase within the month: households with 2 or more paid orders, by all with one",
        kpi_sql.TWICE,
    ),
    KpiFormula(
        "repurchase_again",
        Unit.SHARE,
        Per.ESTATE,
        "月复购率（乙）：上月下单、当月又下单的家庭 ÷ 上月下单的家庭",
        "Repurchase month on month: households of the month before that paid again, by all of it",
        kpi_sql.AGAIN,
    ),
    KpiFormula(
        "repurchase_weekly",
        Unit.SHARE,
        Per.ESTATE,
        "周复购率：前一周下单、本周又下单的家庭 ÷ 前一周下单的家庭，当月各周合计",
        "Repurchase week on week: households of a week that paid again in the next, by all of it",
        kpi_sql.WEEKLY,
    ),
    KpiFormula(
        "households_per_leader",
        Unit.HOUSEHOLDS,
        Per.ESTATE,
        "团长人效：当月领到货的家庭 ÷ 现任团长，仅计有团长的小区；带两个小区的团长各计一次",
        "Households per leader: households that got goods in the month, by leaders as of now, of "
        "estates that have one; a leader of two estates counts in each",
        kpi_sql.HOUSEHOLDS_SERVED,
        Stated.LEADERS,
    ),
    KpiFormula(
        "packed_on_time",
        Unit.SHARE,
        Per.ESTATE,
        "按时备好率：当月在承诺时间前备好的订单 ÷ 当月备好且有承诺时间的订单",
        "Packed on time: orders packed by their promised time, by orders packed that had one",
        kpi_sql.ON_TIME,
    ),
    KpiFormula(
        "waste",
        Unit.SHARE,
        Per.STORE,
        "损耗率：当月报损件数 ÷ 当月供应商到货件数",
        "Waste: units thrown away, by units that suppliers delivered",
        kpi_sql.WASTE,
    ),
    KpiFormula(
        "sell_through",
        Unit.SHARE,
        Per.STORE,
        "售出率：当月售出 − 取消（件）÷ 当月到货（件）",
        "Sell-through: units sold less cancelled, by units received",
        kpi_sql.SELL_THROUGH,
    ),
    KpiFormula(
        "stock_out",
        Unit.SHARE,
        Per.STORE,
        "缺货时长占比：可售为 0 的分钟 ÷ 全部分钟，按门店 × 商品，自首次到货起，近 31 天到过货的",
        "Stock-out: minutes with nothing left to sell, by all minutes, of each product in a store "
        "since its first delivery, if some came in the month or 31 days before",
        kpi_sql.STOCK_OUT,
    ),
    KpiFormula(
        "gmv_per_m2",
        Unit.FEN,
        Per.STORE,
        "坪效：当月 GMV ÷ 门店面积（平方米），仅计填了面积的门店",
        "GMV per m²: of the month, by the area of stores that state it",
        kpi_sql.GMV_BY_STORE,
        Stated.AREA_M2,
    ),
    KpiFormula(
        "gmv_per_staff_hour",
        Unit.FEN,
        Per.STORE,
        "工时效率：当月 GMV ÷ 月工时，仅计填了工时的门店",
        "GMV per staff hour: of the month, by the hours a month of stores that state them",
        kpi_sql.GMV_BY_STORE,
        Stated.STAFF_HOURS,
    ),
)
BY_ID: Mapping[str, KpiFormula] = {formula.id: formula for formula in FORMULAS}
