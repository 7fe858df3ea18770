"""The nearest right word to a wrong one."""

import difflib
from collections.abc import Iterable

CUTOFF = 0.55


def did_you_mean(wrong: str, right: Iterable[str]) -> str:
    """Return `; did you mean …?`, or nothing where no word is near."""
    near = difflib.get_close_matches(wrong, list(right), n=1, cutoff=CUTOFF)
    return f"; did you mean {near[0]!r}?" if near else ""
