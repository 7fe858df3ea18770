"""What a run of faults comes to: what must hold whatever the machine does, and what is a time.

Orders and the record are judged strictly. Times until viewers are back depend on the machine, too:
on one that is busy with something else they say little.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from tests.support.chaos.outages import Aftermath, Lane, Outage

BACK_S_MAX = 5.0
# Of `loadtest.runner.audit.Books.judge`: each of these must be 0.
STRICT = (
    "orders.oversold",
    "orders.lost",
    "orders.doubled",
    "orders.counter_difference",
    "orders.refunds_owed",
)


class Exit(IntEnum):
    """How the driver exits."""

    HELD = 0
    BROKEN = 1  # something was oversold, lost, doubled or left wrong in the record
    LATE = 2  # only somebody was away for too long


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that was seen in one run."""

    seed: int
    aftermaths: Sequence[Aftermath]
    unexplained: Sequence[Outage]  # before the first fault
    orders: Counter[str]  # those of the audit, and `orders.tapped`, `.confirmed`, `.unanswered`
    unread: int = 0  # guests whose orders could not be read: then nothing is known
    doctor: Sequence[str] = ()  # checks that were good before and are not after
    missing: Sequence[str] = ()  # parts that did not come back at all
    errors: Counter[str] = field(default_factory=Counter)

    @property
    def broken(self) -> list[str]:
        """What must never be, with its count."""
        found = [f"{name} is {self.orders[name]}" for name in STRICT if self.orders[name]]
        found += [f"the orders of {self.unread} guests could not be read"] * bool(self.unread)
        found += [f"nothing was confirmed of {self.orders['orders.tapped']} taps"] * (
            not self.orders["orders.confirmed"]
        )
        found += [f"doctor: {check}" for check in self.doctor]
        return found + [f"did not come back: {part}" for part in self.missing]

    @property
    def late(self) -> list[str]:
        """Who was away for too long."""
        outages = [each for after in self.aftermaths for each in after.outages]
        return [
            f"{each.viewer} was without {each.lane} for {each.seconds:.1f} s"
            + ("" if each.ended else ", to the end")
            for each in [*self.unexplained, *outages]
            if each.seconds > BACK_S_MAX or not each.ended
        ]

    @property
    def exit_code(self) -> Exit:
        """The worst of it."""
        if self.broken:
            return Exit.BROKEN
        return Exit.LATE if self.late else Exit.HELD


def report(outcome: Outcome) -> str:
    """Return a page for a terminal."""
    lines = [
        f"seed {outcome.seed}",
        f"{'at':>6}  {'fault':<38}{'video away':>16}{'room away':>16}",
    ]
    for after in outcome.aftermaths:
        cells = (
            f"{after.count(lane)} × ≤ {after.longest_s(lane):.1f} s"
            if after.count(lane)
            else "none"
            for lane in (Lane.VIDEO, Lane.ROOM)
        )
        row = "".join(f"{cell:>16}" for cell in cells)
        lines.append(f"{after.fault.at_s:>5.1f}s  {after.fault!s:<38}{row}")
    orders = outcome.orders
    lines.append(
        "orders: "
        + ", ".join(
            f"{orders[f'orders.{name}']} {name.replace('_', ' ')}"
            for name in ("tapped", "confirmed", "sold_out", "refused", "unanswered")
        )
    )
    lines.append("audit:  " + ", ".join(f"{orders[n]} {n.partition('.')[2]}" for n in STRICT))
    lines.append(f"doctor: {'; '.join(outcome.doctor) or 'clean'}")
    lines += [f"BROKEN  {text}" for text in outcome.broken]
    lines += [f"LATE    {text}" for text in outcome.late]
    lines.append(outcome.exit_code.name)
    return "\n".join(lines)
