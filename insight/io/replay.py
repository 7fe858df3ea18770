"""A day of a table made again from bronze, as after a mended bug, beside a writer that goes on.

What the writer has in the table but not in bronze yet stays, and so do rows of sources that bronze
never had, such as a simulator's.
"""

from collections.abc import Iterator
from typing import Any

from insight.columns import columns_of, topics_of
from insight.io.lake import Lake
from insight.tables import FACTS, REJECTED, Table


def replay_table(lake: Lake, table: Table, day: str) -> None:
    """Put rows made from bronze in place of a table's day, in one commit.

    Raises:
        LakeConflict: Another writer wrote into the day meanwhile; do it again.
    """
    # The table as it is before bronze is read: a batch comes to bronze last, so that all that
    # bronze has is in the table by then, and what comes later is a conflict.
    lake.version(table, "")
    reader = lake.reopened()
    sources = reader.sql(f"SELECT DISTINCT source FROM {table.name} WHERE day = '{day}'")[1]
    ahead = [
        f"(source = '{source}' AND sequence > {reader.version(FACTS, source)})"
        for (source,) in sources
    ]
    lake.overwrite(table, f"day = '{day}'", list(_batches(reader, table, day, ahead)))


def _batches(reader: Lake, table: Table, day: str, ahead: list[str]) -> Iterator[Any]:
    where = f"day = '{day}'"
    topics = ", ".join(f"'{topic}'" for topic in topics_of(table))
    # A rejected fact may have any topic.
    of_topic = "" if table is REJECTED else f" AND topic IN ({topics})"
    for facts in reader.facts(where + of_topic):
        found = columns_of(facts)
        if table.name in found:
            yield reader.batch(table, found[table.name])
    if ahead:
        yield from reader.rows(table, f"{where} AND ({' OR '.join(ahead)})")
