"""Thresholds: `room.delivery.p99_ms < 300`, read from text and held against what was measured."""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from loadtest.scenario.measures import NAMES
from loadtest.scenario.words import did_you_mean

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
}
_FORM = re.compile(r"\s*([\w.]+)\s*([<>=!]+)\s*(-?[\d.]+(?:e-?\d+)?)\s*\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Threshold:
    """One bound on one measure."""

    name: str
    comparison: str
    bound: float

    @classmethod
    def parse(cls, text: str) -> "Threshold":
        """Read `NAME < NUMBER`.

        Raises:
            ValueError: It is not of this form, or names nothing that is measured.
        """
        form = _FORM.match(text)
        if form is None or form[2] not in _OPERATORS:
            raise ValueError(f"{text!r} is not of the form `room.delivery.p99_ms < 300`")
        if form[1] not in NAMES:
            raise ValueError(f"nothing measures {form[1]!r}{did_you_mean(form[1], NAMES)}")
        try:
            bound = float(form[3])
        except ValueError:
            raise ValueError(f"{form[3]!r} is not a number") from None
        return cls(form[1], form[2], bound)

    def holds(self, measured: Mapping[str, float]) -> bool | None:
        """Whether it holds; None if nothing was measured under the name."""
        value = measured.get(self.name)
        return None if value is None else _OPERATORS[self.comparison](value, self.bound)

    def __str__(self) -> str:
        return f"{self.name} {self.comparison} {self.bound:g}"
