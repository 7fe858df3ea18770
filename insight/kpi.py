"""Key figures of a brand in a month, from the lake's silver: each a part of a whole.

A figure is shown with its formula in words, the number that it is of (`whole`), and the same of the
month before as its baseline; a month without data has no value, never 0. Months and weeks are
China's; a week begins on Monday and belongs to the month in which it begins.
"""

from dataclasses import dataclass

MONTH_LENGTH = 7  # of "2026-11"


@dataclass(frozen=True, slots=True)
class KpiFormula:
    """How a figure is computed: its words, its unit, and SQL that gives (part, whole).

    `{month}` and `{before}` stand for the month and the one before it, `{brand}` for the brand.
    """

    id: str
    unit: str  # `fen` or `share`
    words_zh: str
    words_en: str
    sql: str


@dataclass(frozen=True, slots=True)
class Kpi:
    """A figure of a month."""

    id: str
    unit: str
    month: str
    part: int
    whole: int
    baseline: float | None

    @property
    def value(self) -> float | None:
        """Part ÷ whole; None of nothing."""
        return self.part / self.whole if self.whole else None


def month_before(month: str) -> str:
    """Return the month before `YYYY-MM`."""
    year, number = int(month[:4]), int(month[5:])
    return f"{year - 1}-12" if number == 1 else f"{year}-{number - 1:02d}"


# Paid orders with their household and estate; a line each would count an order more than once.
_PAID = """
paid AS (
    SELECT DISTINCT m.order_id, o.person, o.estate, substr(m.day, 1, 7) AS month,
        date_trunc('week', m.occurred_at + INTERVAL '8 hours') AS week
    FROM money m JOIN order_lines o ON o.order_id = m.order_id
    WHERE m.kind = 'charge' AND o.brand = '{brand}'
)
"""

_GMV_PER_ESTATE = """
SELECT CAST(COALESCE(SUM(CASE WHEN kind = 'charge' THEN amount_fen ELSE -amount_fen END), 0)
        AS BIGINT),
    COUNT(DISTINCT CASE WHEN kind = 'charge' THEN estate END)
FROM money
WHERE brand = '{brand}' AND substr(day, 1, 7) = '{month}' AND kind IN ('charge', 'refund')
"""

_TWICE = (
    f"WITH {_PAID},"
    """
buyers AS (
    SELECT person, COUNT(*) AS orders FROM paid WHERE month = '{month}' GROUP BY person
)
SELECT COUNT(CASE WHEN orders >= 2 THEN 1 END), COUNT(*) FROM buyers
"""
)

_AGAIN = (
    f"WITH {_PAID},"
    """
earlier AS (SELECT DISTINCT person FROM paid WHERE month = '{before}'),
later AS (SELECT DISTINCT person FROM paid WHERE month = '{month}')
SELECT COUNT(later.person), COUNT(*)
FROM earlier LEFT JOIN later ON later.person = earlier.person
"""
)

_WEEKLY = (
    f"WITH {_PAID},"
    """
weeks AS (SELECT DISTINCT person, week FROM paid)
SELECT COUNT(later.person), COUNT(*)
FROM weeks earlier LEFT JOIN weeks later
    ON later.person = earlier.person AND later.week = earlier.week + INTERVAL '7 days'
WHERE to_char(earlier.week + INTERVAL '7 days', '%Y-%m') = '{month}'
    AND EXISTS (SELECT 1 FROM weeks any_later
        WHERE any_later.week = earlier.week + INTERVAL '7 days')
"""
)

_WASTE = """
SELECT CAST(COALESCE(SUM(CASE WHEN to_id = 'waste' THEN units ELSE 0 END), 0) AS BIGINT),
    CAST(COALESCE(SUM(CASE WHEN from_id = 'supplier' THEN units ELSE 0 END), 0) AS BIGINT)
FROM lot_moves WHERE brand = '{brand}' AND substr(day, 1, 7) = '{month}'
"""

_SELL_THROUGH = """
SELECT CAST(COALESCE(SUM(CASE kind WHEN 'sell' THEN units WHEN 'release' THEN -units ELSE 0 END), 0)
        AS BIGINT),
    CAST(COALESCE(SUM(CASE kind WHEN 'receive' THEN units ELSE 0 END), 0) AS BIGINT)
FROM stock_moves WHERE brand = '{brand}' AND substr(day, 1, 7) = '{month}'
"""

FORMULAS: tuple[KpiFormula, ...] = (
    KpiFormula(
        "gmv_per_estate",
        "fen",
        "社区月均 GMV：当月已付 − 已退（分）÷ 当月有付款的小区数",
        "GMV per estate: paid − paid back in the month, by estates that paid in it",
        _GMV_PER_ESTATE,
    ),
    KpiFormula(
        "repurchase_twice",
        "share",
        "月复购率（甲）：当月下单 ≥ 2 次的家庭 ÷ 当月下单的家庭",
        "Repurchase within the month: households with 2 or more paid orders, by all with one",
        _TWICE,
    ),
    KpiFormula(
        "repurchase_again",
        "share",
        "月复购率（乙）：上月下单、当月又下单的家庭 ÷ 上月下单的家庭",
        "Repurchase month on month: households of the month before that paid again, by all of it",
        _AGAIN,
    ),
    KpiFormula(
        "repurchase_weekly",
        "share",
        "周复购率：前一周下单、本周又下单的家庭 ÷ 前一周下单的家庭，当月各周合计",
        "Repurchase week on week: households of a week that paid again in the next, by all of it",
        _WEEKLY,
    ),
    KpiFormula(
        "waste",
        "share",
        "损耗率：当月报损件数 ÷ 当月到货件数",
        "Waste: units thrown away, by units that suppliers delivered",
        _WASTE,
    ),
    KpiFormula(
        "sell_through",
        "share",
        "售出率：当月售出 − 取消（件）÷ 当月到货（件）",
        "Sell-through: units sold less cancelled, by units received",
        _SELL_THROUGH,
    ),
)


def query_of(formula: KpiFormula, brand: str, month: str) -> str:
    """Return the SQL of a figure of a brand and month."""
    return formula.sql.format(
        brand=brand.replace("'", "''"), month=month, before=month_before(month)
    )
