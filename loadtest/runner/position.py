"""A viewer's position in the room's numbered events (docs/protocol.md, rules 1 and 2)."""

from dataclasses import dataclass
from enum import Enum

from loadtest.runner.decoding import Seen


class Verdict(Enum):
    """What a message did to the position."""

    IGNORED = "ignored"
    TAKEN = "taken"
    GAP = "gap"


@dataclass(slots=True)
class Position:
    """Epoch and offset; `epoch` None before the first snapshot. Counts what should never be."""

    epoch: str | None = None
    offset: int = 0
    missed: int = 0
    duplicates: int = 0

    def snapshot(self, seen: Seen) -> None:
        """The state was replaced."""
        self.epoch, self.offset = seen.epoch, seen.offset

    def tick(self, seen: Seen) -> Verdict:
        """Events came; after a GAP the viewer reconnects without a position."""
        if self.epoch is None:
            return Verdict.IGNORED
        if seen.epoch != self.epoch:
            self.missed += 1
            return self._gap()
        if not seen.numbers and seen.offset == self.offset:
            return Verdict.TAKEN
        for number in seen.numbers:
            if number <= self.offset:
                self.duplicates += 1
            elif number == self.offset + 1:
                self.offset = number
            else:
                self.missed += number - self.offset - 1
                return self._gap()
        if seen.offset > self.offset:
            self.missed += seen.offset - self.offset
            return self._gap()
        return Verdict.TAKEN

    def _gap(self) -> Verdict:
        self.epoch = None
        return Verdict.GAP
