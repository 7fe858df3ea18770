"""Reads key figures from the lake; blocks, as the lake does."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from insight.io.lake import Lake
from insight.kpi import (
    FORMULAS,
    Groups,
    Kpi,
    KpiFormula,
    KpiRow,
    Per,
    Stated,
    kpi,
    month_before,
    sql_of,
    stated_rows,
    store_groups,
)
from insight.kpi_sql import IS_SIMULATED, RAMP


@dataclass(frozen=True, slots=True)
class Plan:
    """What figures are compared by, and what the head office states of its stores.

    Without `baseline_month` it is the month before. `pilots` are estates; all others are controls.
    """

    baseline_month: str = ""
    pilots: frozenset[str] = frozenset()
    store_of: Mapping[str, str] = field(default_factory=dict)  # first store by estate


@dataclass(frozen=True, slots=True)
class RampMonth:
    """GMV of an estate in a month, so many months after the one of its first payment."""

    estate: str
    month: str
    age_months: int
    gmv_fen: int


@dataclass(frozen=True, slots=True)
class KpiBoard:
    """All figures of a brand and month, and how its estates grew, as of `made_at_ms`."""

    month: str
    made_at_ms: int
    simulated: bool  # whether the brand's history has rows that a simulator made
    figures: tuple[Kpi, ...]
    ramp: tuple[RampMonth, ...]


Statements = Mapping[Stated, Mapping[str, int]]


def read_board(
    lake: Lake, brand: str, month: str, plan: Plan, stated: Statements, *, now_ms: int
) -> KpiBoard:
    """Return the board of a brand and month.

    Raises:
        BadQuery: There is no lake yet.
    """
    [(simulated,)] = lake.sql(sql_of(IS_SIMULATED, brand, month, now_ms=now_ms))[1]
    figures = read_kpis(lake, brand, month, plan, stated, now_ms=now_ms)
    ramp = read_ramp(lake, brand, month, now_ms=now_ms)
    return KpiBoard(month, now_ms, bool(simulated), tuple(figures), tuple(ramp))


def read_kpis(
    lake: Lake, brand: str, month: str, plan: Plan, stated: Statements, *, now_ms: int
) -> list[Kpi]:
    """Return all figures of a brand and month.

    Raises:
        BadQuery: There is no lake yet.
    """
    baseline = plan.baseline_month or month_before(month)
    groups = {
        Per.ESTATE: Groups(plan.pilots, frozenset(plan.store_of) - plan.pilots),
        Per.STORE: store_groups(plan.pilots, plan.store_of),
    }
    return [
        kpi(
            formula,
            month,
            rows_of(lake, formula, brand, month, stated, now_ms=now_ms),
            baseline,
            rows_of(lake, formula, brand, baseline, stated, now_ms=now_ms),
            groups[formula.per] if plan.pilots else Groups(),
        )
        for formula in FORMULAS
    ]


def rows_of(
    lake: Lake, formula: KpiFormula, brand: str, month: str, stated: Statements, *, now_ms: int
) -> list[KpiRow]:
    """Return what each estate or store has of a figure."""
    found = lake.sql(sql_of(formula.sql, brand, month, now_ms=now_ms))[1]
    rows = [KpiRow(key.removeprefix("shop:"), part or 0, whole or 0) for key, part, whole in found]
    return rows if formula.stated is None else stated_rows(rows, stated.get(formula.stated, {}))


def read_ramp(lake: Lake, brand: str, month: str, *, now_ms: int) -> list[RampMonth]:
    """Return how estates grew since their first month."""
    return [RampMonth(*row) for row in lake.sql(sql_of(RAMP, brand, month, now_ms=now_ms))[1]]
