"""Key figures beside sums made order by order, whatever is paid back, arrives late or moves.

Histories lie around the ends of September 2026 in China. Households move between estates, estates
change their store from one day to the next, refunds come days later, and facts arrive in any order
and in batches that are cut anywhere.
"""

import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from insight.io.kpi import read_ramp, rows_of
from insight.io.lake import Lake
from insight.io.writer import LakeWriter
from insight.kpi import BY_ID, KpiRow, Stated
from tests.support.lake_facts import FactMaker

DAY_MS = 86_400_000
NOON_MS = 1_788_062_400_000  # 2026-08-30 12:00 in China
DAYS = (0, 1, 2, 9, 16, 31, 32)  # August 30 and 31; September 1, 8, 15 and 30; October 1
SEPTEMBER = range(2, 32)
NOW_MS = NOON_MS + 60 * DAY_MS
STATED = {Stated.AREA_M2: {"s1": 50, "s2": 80, "s3": 10}}
EXAMPLES = 30


@dataclass(frozen=True)
class Bought:
    """An order of one or two lines, its refund in fen and how many days later that was."""

    day: int
    person: str
    estate: str
    lines: tuple[int, ...]
    refund_share: int  # percent
    refund_day: int


BOUGHT = st.builds(
    Bought,
    day=st.sampled_from(DAYS),
    person=st.sampled_from(["p1", "p2", "p3"]),
    estate=st.sampled_from(["e1", "e2"]),
    lines=st.lists(st.integers(1, 9_999), min_size=1, max_size=2).map(tuple),
    refund_share=st.sampled_from([0, 0, 33, 100]),
    refund_day=st.sampled_from(DAYS),
)
NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """One for all examples; each has a brand and a source of its own."""
    return Lake(str(tmp_path_factory.mktemp("lake")))


def store_of(estate: str, day: int, moves_on: int) -> str:
    """The store of an estate; the second one's changes on a day."""
    return "s1" if estate == "e1" else "s2" if day < moves_on else "s3"


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    bought=st.lists(BOUGHT, min_size=4, max_size=14),
    moves_on=st.sampled_from(DAYS),
    coins=st.integers(0, 1 << 16),
)
def test_figures_are_the_sums_of_what_was_paid_and_paid_back_in_the_month(
    lake: Lake, bought: list[Bought], moves_on: int, coins: int
) -> None:
    brand = f"b{next(NUMBERS)}"
    write(lake, brand, bought, moves_on, random.Random(coins))

    def figure(id: str) -> list[KpiRow]:
        found = rows_of(lake, BY_ID[id], brand, "2026-09", STATED, now_ms=NOW_MS)
        return sorted(found, key=lambda row: row.key)

    by_estate: defaultdict[str, int] = defaultdict(int)
    by_store: defaultdict[str, int] = defaultdict(int)
    has_paid: set[str] = set()
    for order in bought:
        store = store_of(order.estate, order.day, moves_on)
        for day, fen in ((order.day, sum(order.lines)), (back_on(order), -back_fen(order))):
            if day in SEPTEMBER and fen:
                by_estate[order.estate] += fen
                by_store[store] += fen
                has_paid |= {order.estate} if fen > 0 else set()
    assert figure("gmv_per_estate") == [
        KpiRow(estate, fen, int(estate in has_paid)) for estate, fen in sorted(by_estate.items())
    ]
    assert figure("gmv_per_m2") == [
        KpiRow(store, fen, STATED[Stated.AREA_M2][store]) for store, fen in sorted(by_store.items())
    ]
    gold = "SELECT store_id, CAST(SUM(gmv_fen) AS BIGINT) FROM sales_hourly "
    gold += f"WHERE brand = '{brand}' AND day LIKE '2026-09%' GROUP BY store_id ORDER BY store_id"
    assert lake.sql(gold)[1] == sorted(by_store.items())
    assert figure("repurchase_twice") == twice(bought)
    assert figure("repurchase_again") == again(bought)
    assert figure("repurchase_weekly") == weekly(bought)
    ramp = read_ramp(lake, brand, "2026-09", now_ms=NOW_MS)
    assert [(one.estate, one.month, one.age_months, one.gmv_fen) for one in ramp] == grown(bought)


def back_fen(order: Bought) -> int:
    return sum(order.lines) * order.refund_share // 100


def back_on(order: Bought) -> int:
    return max(order.day, order.refund_day)


def homes(bought: list[Bought]) -> dict[str, str]:
    """The estate of each household's latest order until October 7."""
    numbered = sorted(enumerate(bought), key=lambda each: (each[1].day, each[0]))
    return {order.person: order.estate for _, order in numbered}


def by_home(bought: list[Bought], counted: Iterable[tuple[str, bool]]) -> list[KpiRow]:
    """Rows of households, each counted or not, at home."""
    home, rows = homes(bought), defaultdict[str, list[int]](lambda: [0, 0])
    for person, counts in counted:
        rows[home[person]][0] += counts
        rows[home[person]][1] += 1
    return [KpiRow(estate, *parts) for estate, parts in sorted(rows.items())]


def twice(bought: list[Bought]) -> list[KpiRow]:
    """Who bought twice in September, of those who bought."""
    counts = Counter(order.person for order in bought if order.day in SEPTEMBER)
    return by_home(bought, [(person, count >= 2) for person, count in counts.items()])


def again(bought: list[Bought]) -> list[KpiRow]:
    """Who bought in September, of those who bought in August."""
    earlier = {order.person for order in bought if order.day < SEPTEMBER.start}
    later = {order.person for order in bought if order.day in SEPTEMBER}
    return by_home(bought, [(person, person in later) for person in earlier])


def weekly(bought: list[Bought]) -> list[KpiRow]:
    """Who bought in a week of September, of those who bought in the week before.

    Weeks begin on Mondays, as August 31 is; one in which nobody bought does not count.
    """
    weeks = {(order.person, (order.day - 1) // 7) for order in bought}
    begun = {week for _, week in weeks}
    return by_home(
        bought,
        [
            (person, (person, week + 1) in weeks)
            for person, week in weeks
            if week + 1 in begun and 1 + 7 * (week + 1) in SEPTEMBER
        ],
    )


def grown(bought: list[Bought]) -> list[tuple[str, str, int, int]]:
    """GMV of each estate by month until September, and its age in months."""
    sums: defaultdict[tuple[str, int], int] = defaultdict(int)
    for order in bought:
        sums[order.estate, month_of(order.day)] += sum(order.lines)
        if back_fen(order):
            sums[order.estate, month_of(back_on(order))] -= back_fen(order)
    first = {estate: month for estate, month in sorted(sums, reverse=True)}
    return [
        (estate, f"2026-{month:02}", month - first[estate], fen)
        for (estate, month), fen in sorted(sums.items())
        if month <= 9
    ]


def month_of(day: int) -> int:
    return 8 if day < SEPTEMBER.start else 9 if day in SEPTEMBER else 10


def write(
    lake: Lake, brand: str, bought: list[Bought], moves_on: int, coins: random.Random
) -> None:
    """Write the history as it arrives, each batch twice now and then."""
    history = FactMaker(source=f"till-{brand}")
    placed = []
    for number, order in enumerate(bought):
        id, first = f"{brand}-{number:03}", len(history.made)
        history.at_ms = NOON_MS + order.day * DAY_MS + number
        history.order(
            id, *((f"tea{n}", 1, fen) for n, fen in enumerate(order.lines)), person=order.person
        )
        history.at_ms = NOON_MS + back_on(order) * DAY_MS + number
        if back_fen(order):
            history.money(id, "refund", back_fen(order))
        store = store_of(order.estate, order.day, moves_on)
        for fact in history.made[first:]:
            payload = dict(fact.payload)
            if fact.topic == "order.placed":
                payload["store_id"] = store
            placed.append(replace(fact, brand=brand, estate=order.estate, payload=payload))
    coins.shuffle(placed)
    arrived = [replace(fact, sequence=number) for number, fact in enumerate(placed, 1)]
    writer = LakeWriter(lake)
    writer.position(history.source)
    cut = coins.randrange(len(arrived))
    for batch in (arrived[:cut], arrived[: cut // 2], arrived[cut:], arrived):
        writer.write(batch)
    writer.refresh()
