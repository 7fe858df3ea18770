"""What soaks have seen, beside the bounds that they hold it to."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Figures:
    """Rows of what, bound and seen; a figure beyond its bound fails the test that has it."""

    rows: list[tuple[str, str, str]] = field(default_factory=list)

    def at_most(self, what: str, seen: float, bound: float, unit: str = "") -> None:
        """Note a figure; fail where it is larger than `bound`."""
        self.rows.append((what, f"≤ {bound:g} {unit}".rstrip(), f"{seen:.3g} {unit}".rstrip()))
        assert seen <= bound, f"{what}: {seen} {unit} > {bound} {unit}"

    def seen(self, what: str, seen: object) -> None:
        """Note what has no bound of its own."""
        self.rows.append((what, "", f"{seen}"))

    def table(self) -> list[str]:
        """Return the lines of a table, the header first."""
        rows = [("what", "bound", "seen"), *self.rows]
        widths = [max(len(row[column]) for row in rows) for column in range(2)]
        return [f"{what:<{widths[0]}}  {bound:<{widths[1]}}  {seen}" for what, bound, seen in rows]
