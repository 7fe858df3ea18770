"""What the lake's writer costs: rows a second of CPU, bytes a row, memory, an hour's query.

Facts go the whole way of a server's writer: the vocabulary, silver, bronze, gold and compaction, in
batches as large as its own. CPU is that of the whole process, the lake's threads included; making
the facts is left out. A fact is a row of bronze and one or more of silver.
"""

import resource
import time
from collections.abc import Iterator
from pathlib import Path

from insight.facts import Fact
from insight.io.lake import Lake
from insight.io.writer import LakeWriter
from loadtest.measure.report import Report
from loadtest.measure.stats import Better, Figure

ESTATES, PRODUCTS, STORES = 50, 200, 20
FACTS_PER_ORDER = 4
DAYS = 3
FIRST_MS = 1_790_000_000_000
SPREAD_MS = DAYS * 86_400_000
QUERIES = 20
RATE_GOAL, QUERY_MS_GOAL, MEMORY_MIB_GOAL = 250_000.0, 50.0, 600.0
HOUR = """
SELECT estate, date_trunc('minute', occurred_at), SUM(amount_fen) FROM money
WHERE day = '{day}' AND occurred_at >= {begin} AND occurred_at < {end}
GROUP BY estate, date_trunc('minute', occurred_at)
"""


def bench_lake(report: Report, folder: Path, *, facts: int, batch: int, runs: int) -> None:
    """Write `facts` into new lakes, `runs` times, and ask the last one."""
    rates, row_rates, sizes, queries, golds = [], [], [], [], []
    written_mib = gold_mib = peak_mib = 0.0
    for run in range(runs):
        lake = Lake(str(folder / f"lake-{run}"))
        writer = LakeWriter(lake)
        writer.position("bench")
        cpu_s = 0.0
        for part in _batches(facts, batch):
            began_s = time.process_time()
            writer.write(part)
            writer.tidy()
            cpu_s += time.process_time() - began_s
        rates.append(facts / cpu_s)
        row_rates.append(sum(each["rows"] for each in lake.status()) / cpu_s)
        began_s = time.process_time()
        written_mib = max(written_mib, _peak_mib())
        days = writer.refresh()
        golds.append(1_000 * (time.process_time() - began_s) / len(days))
        gold_mib = max(gold_mib, _peak_mib())
        tables = lake.status()
        sizes.append(sum(each["bytes"] for each in tables) / sum(each["rows"] for each in tables))
        queries += _hour_queries(lake, days[0])
        peak_mib = max(peak_mib, _peak_mib())
        # All numbers at once are more than what a writer may take.
        [(count, distinct)] = lake.sql("SELECT COUNT(*), COUNT(DISTINCT sequence) FROM facts")[1]
        report.counts[f"run {run + 1}: facts in bronze"] = count
        report.counts[f"run {run + 1}: of them different"] = distinct
    report.figures += [
        Figure("facts through the writer, a second of CPU", "/s", tuple(rates), Better.HIGHER),
        Figure(
            "rows into all tables, a second of CPU",
            "/s",
            tuple(row_rates),
            Better.HIGHER,
            RATE_GOAL,
        ),
        Figure("bytes a row, all tables", "B", tuple(sizes)),
        Figure("gold of a day, CPU", "ms", tuple(golds)),
        Figure("GMV by estate and minute of an hour", "ms", tuple(queries), target=QUERY_MS_GOAL),
        Figure("largest memory while writing", "MiB", (written_mib,), target=MEMORY_MIB_GOAL),
        Figure("with gold", "MiB", (gold_mib,), target=MEMORY_MIB_GOAL),
        Figure("with gold and queries", "MiB", (peak_mib,), target=MEMORY_MIB_GOAL),
    ]


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024


def _batches(facts: int, batch: int) -> Iterator[list[Fact]]:
    for first in range(0, facts, batch):
        yield [_fact(number, facts) for number in range(first, min(first + batch, facts))]


def _fact(number: int, facts: int) -> Fact:
    """An order placed and paid, a stock move and a page event, in turns."""
    order, which = divmod(number, FACTS_PER_ORDER)
    at_ms = FIRST_MS + number * SPREAD_MS // facts
    product, store, id = f"p{order % PRODUCTS}", f"s{order % STORES}", f"o{order:010d}"
    fen = 990 + order % 1_000
    topic, payload = (
        (
            "order.placed",
            {
                "order_id": id,
                "room_id": store,
                "store_id": store,
                "group_id": "",
                "state": "new",
                "refused": "",
                "total_fen": fen,
                "due_at_ms": at_ms + 1_800_000,
                "lines": [{"product_id": product, "units": 1, "total_fen": fen}],
            },
        ),
        ("money.moved", {"order_id": id, "kind": "charge", "amount_fen": fen}),
        ("stock.moved", {"product_id": product, "store_id": store, "kind": "sell", "units": 1}),
        ("card.opened", {"room_id": store, "product_id": product, "dwell_ms": 900}),
    )[which]
    estate, person = f"e{order % ESTATES}", f"p{order % 9_973}"
    return Fact("bench", number + 1, topic, 1, at_ms, at_ms, "b", estate, person, id, payload)


def _hour_queries(lake: Lake, day: str) -> list[float]:
    """Wall time of the board's query of an hour, ms, warm."""
    [(first,)] = lake.sql(f"SELECT MIN(occurred_at) FROM money WHERE day = '{day}'")[1]
    begin = f"to_timestamp({int(first.timestamp())})"
    end = f"to_timestamp({int(first.timestamp()) + 3_600})"
    found = []
    for _ in range(QUERIES + 1):
        began_s = time.perf_counter()
        lake.sql(HOUR.format(day=day, begin=begin, end=end))
        found.append(1_000 * (time.perf_counter() - began_s))
    return found[1:]
