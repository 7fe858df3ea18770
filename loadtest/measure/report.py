"""What a bench found: figures, counts, checks and remarks, as JSON or for a person."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from loadtest.measure.rig import Cpu
from loadtest.measure.stats import Figure, Machine

# A tester that needs more of its core than this measures itself.
TESTER_BUSY_MAX = 0.95
# Cores that other programs may use without being mentioned.
OTHERS_BUSY_MAX = 0.1


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be true of a run."""

    name: str
    holds: bool
    detail: str


@dataclass(slots=True)
class Report:
    """What one bench found."""

    bench: str
    plan: Any = None
    figures: list[Figure] = field(default_factory=list)
    counts: dict[str, float] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    tester_busy: float = 0.0
    others_busy: float = 0.0

    def tester(self, used: Cpu) -> None:
        """Note how busy the tester's core was over `used`, and how busy others kept the machine."""
        self.tester_busy = max(self.tester_busy, used.tester_s / used.at)
        self.others_busy = max(self.others_busy, used.others_s / used.at)

    def finish(self) -> None:
        """Add the check that the tester was not the limit, and a remark if others were busy."""
        if self.others_busy > OTHERS_BUSY_MAX:
            self.notes.append(
                f"Other programs used up to {self.others_busy:.1f} cores meanwhile: on a quiet "
                "machine the figures are better."
            )
        self.checks.append(
            Check(
                "the tester had time to spare",
                self.tester_busy <= TESTER_BUSY_MAX,
                f"busy {self.tester_busy:.0%}",
            )
        )

    @property
    def valid(self) -> bool:
        """Whether all checks hold; otherwise its figures are void."""
        return all(check.holds for check in self.checks)

    def as_dict(self, command: str, machine: Machine) -> dict[str, Any]:
        """Return everything, for JSON."""
        figures = [
            dataclasses.asdict(figure)
            | {"median": figure.median, "spread": figure.spread, "meets": figure.meets}
            for figure in self.figures
        ]
        return dataclasses.asdict(self) | {
            "figures": figures,
            "command": command,
            "machine": dataclasses.asdict(machine),
        }

    def show(self, console: Console, command: str, machine: Machine) -> None:
        """Print everything for a person."""
        console.print(f"\n[bold]{command}[/]", highlight=False)
        console.print(
            f"[dim]{machine.cpu}, {machine.cores} cores, {machine.memory_gib} GiB; Linux "
            f"{machine.kernel}, {machine.python}, {machine.openssl}[/]\n",
            highlight=False,
        )
        table = Table("figure", "median", "least – most", "goal", box=None, pad_edge=False)
        for figure in self.figures:
            least, most = figure.spread
            table.add_row(
                figure.name,
                f"[bold]{figure.median:,.4g}[/] {figure.unit}",
                f"{least:,.4g} – {most:,.4g}" if len(figure.runs) > 1 else "",
                _goal(figure),
            )
        console.print(table)
        if self.counts:
            counts = Table(show_header=False, box=None, pad_edge=False, padding=(0, 2, 0, 0))
            for name, count in self.counts.items():
                counts.add_row(name, f"{count:,g}" if count < 1e6 else f"{count:,.0f}")
            console.print()
            console.print(counts)
        console.print()
        for check in self.checks:
            mark = "[green]✓[/]" if check.holds else "[red]✗[/]"
            console.print(f"{mark} {check.name} ({check.detail})", highlight=False)
        for note in self.notes:
            console.print(f"[dim]{note}[/]", highlight=False)


def _goal(figure: Figure) -> str:
    if figure.target is None:
        return ""
    sign = "≤" if figure.better == "lower" else "≥"
    color = "green" if figure.meets else "red"
    return f"[{color}]{sign} {figure.target:,g}[/]"
