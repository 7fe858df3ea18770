"""From facts to tables, each fact once, whatever ends the writer and however often a batch comes.

A batch goes to silver table by table and to bronze last, each in one commit with the number of the
batch's last fact. So what bronze has is in all tables, and a batch that was written in part is
completed: each table skips what it has.
"""

from collections.abc import Callable, Iterable, Sequence

from insight.columns import Columns, after, columns_of, rows_in
from insight.facts import Fact
from insight.io.lake import COMPACT_COMMITS, Lake
from insight.tables import FACTS, MONEY, REJECTED, SILVER, Table

FACTS_MAX = 2_000  # of one batch
ORDER: tuple[Table, ...] = (*SILVER, REJECTED, FACTS)


class LakeWriter:
    """Writes batches; `probe` is called before each commit with the table's name, for tests."""

    def __init__(self, lake: Lake, probe: Callable[[str], None] = lambda table: None) -> None:
        self._lake = lake
        self._probe = probe
        self._stale_days: set[str] = set()
        self._commits: dict[str, int] = {}
        self.rejected = 0

    def position(self, source: str) -> int:
        """Return the number after which facts of a source are to be written."""
        self._lake.create()
        return max(self._lake.version(FACTS, source), 0)

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
        self._stale_days |= set(found.get(MONEY.name, {}).get("day", ()))

    def mark_stale(self, days: Iterable[str]) -> None:
        """Have `refresh` compute these days, too."""
        self._stale_days |= set(days)

    def refresh(self) -> list[str]:
        """Compute gold again for days whose money changed; return them."""
        days = sorted(self._stale_days)
        for day in days:
            self._lake.refresh_sales(day)
            self._stale_days.discard(day)
        return days

    def tidy(self) -> None:
        """Compact tables that had many commits."""
        for table in ORDER:
            if self._commits.get(table.name, 0) >= COMPACT_COMMITS:
                self._lake.compact(table)
                self._commits[table.name] = 0

    def replay(self, day: str) -> int:
        """Make a day's silver and gold again from bronze; return how many facts that were."""
        self._lake.create()
        facts = self._lake.facts_of(day)
        found = columns_of(facts)
        for table in (*SILVER, REJECTED):
            self._lake.replace_day(table, day, found.get(table.name, {}))
        self._lake.refresh_sales(day)
        return len(facts)

    def _append(self, table: Table, columns: Columns, source: str, last: int) -> None:
        new = after(columns, self._lake.version(table, source))
        if rows_in(new):
            self._probe(table.name)
            self._lake.append(table, new, source, last)
            self._commits[table.name] = self._commits.get(table.name, 0) + 1
