"""The port to traces: how long the steps of orders took, whichever process took them.

A step is known by its order alone, so that no context has to travel through the gate's stream and
the outbox.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TypeAlias

Spans: TypeAlias = Callable[[str, Sequence[str]], AbstractContextManager[None]]
"""`spans(name, order_ids)` is held while that step of these orders lasts."""

_NOTHING: AbstractContextManager[None] = nullcontext()


def no_spans(_name: str, _order_ids: Sequence[str]) -> AbstractContextManager[None]:
    """Nobody measures."""
    return _NOTHING
