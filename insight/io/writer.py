"""From facts to tables, each fact once, whatever ends the writer and however often a batch comes.

A batch goes to silver table by table and to bronze last, each in one commit with the number of the
batch's last fact. So what bronze has is in all tables, and a batch that was written in part is
completed: each table skips what it has.
"""

from collections.abc import Callable, Iterable, Sequence

from insight.columns import Columns, after, columns_of, rows_in
from insight.facts import Fact
from insight.io.gold import HOUR_MS, Gold, hours_of
from insight.io.lake import COMPACT_COMMITS, Lake
from insight.io.replay import replay_table
from insight.tables import FACTS, MONEY, ORDER_LINES, REJECTED, SALES_HOURLY, SILVER, Table

FACTS_MAX = 50_000  # of one batch; a commit costs as much as some 5,000 facts
ORDER: tuple[Table, ...] = (*SILVER, REJECTED, FACTS)


class LakeWriter:
    """Writes batches; `probe` is called before each commit with the table's name, for tests."""

    def __init__(self, lake: Lake, probe: Callable[[str], None] = lambda table: None) -> None:
        self._lake = lake
        self._probe = probe
        self._gold = Gold(lake)
        self._stale: set[int] = set()  # hours since the epoch whose gold is older than silver
        self._written: dict[str, int] = {}  # last numbers of sources
        self._commits: dict[str, int] = {}
        self.rejected = 0

    def position(self, source: str) -> int:
        """Return the number after which facts of a source are to be written."""
        self._lake.create()
        # What a writer before this one wrote, and ended before gold had it.
        self._stale |= self._gold.missing(source)
        position = max(self._lake.version(FACTS, source), 0)
        self._written[source] = position
        return position

    def write(self, facts: Sequence[Fact]) -> None:
        """Write a batch of one source, in the order of its numbers; call `position` before.

        Raises:
            LakeConflict: Another writer was first; ask `position` again.
        """
        if not facts:
            return
        source, last = facts[0].source, facts[-1].sequence
        assert all(fact.source == source for fact in facts)
        found = columns_of(facts)
        if REJECTED.name in found:
            self.rejected += rows_in(found[REJECTED.name])
        for table in ORDER:
            if table.name in found:
                self._append(table, found[table.name], source, last)
        for table in (MONEY, ORDER_LINES):
            at_ms = found.get(table.name, {}).get("occurred_at", ())
            self._stale |= {ms // HOUR_MS for ms in at_ms}
        self._written[source] = last

    def mark_stale(self, days: Iterable[str]) -> None:
        """Have `refresh` compute all hours of these days, too."""
        self._stale.update(*map(hours_of, days))

    def refresh(self) -> list[str]:
        """Compute gold again for hours whose money changed; return their days."""
        days = set()
        for piece in self._gold.refresh(frozenset(self._stale), dict(self._written)):
            self._stale -= set(range(piece.first, piece.end))
            self._count_commit(SALES_HOURLY)
            days.add(piece.day)
        return sorted(days)

    def tidy(self) -> None:
        """Compact tables that had many commits."""
        for table in (*ORDER, SALES_HOURLY):
            if self._commits.get(table.name, 0) >= COMPACT_COMMITS:
                self._lake.compact(table)
                self._commits[table.name] = 0

    def replay(self, day: str) -> int:
        """Make a day's silver and gold again from bronze; return how many facts that were.

        Raises:
            LakeConflict: Another writer wrote into the day meanwhile; do it again.
        """
        self._lake.create()
        for table in (*SILVER, REJECTED):
            replay_table(self._lake, table, day)
        self.mark_stale([day])
        self.refresh()
        [(count,)] = self._lake.sql(f"SELECT COUNT(*) FROM facts WHERE day = '{day}'")[1]
        return int(count)

    def _append(self, table: Table, columns: Columns, source: str, last: int) -> None:
        new = after(columns, self._lake.version(table, source))
        if rows_in(new):
            self._probe(table.name)
            self._lake.append(table, new, source, last)
            self._count_commit(table)

    def _count_commit(self, table: Table) -> None:
        before = self._commits.get(table.name)
        # Writers may end often before they have committed so many.
        count = self._lake.commits_since_compaction(table) if before is None else before + 1
        self._commits[table.name] = count
