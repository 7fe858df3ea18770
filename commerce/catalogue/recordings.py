"""Recordings of lives and the clips of their products: values, and the rules without I/O.

Times named `at_ms` are UTC milliseconds; places in a recording are milliseconds from its beginning.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

DAY_MS = 86_400_000
# A shorter moment shows nothing of a product.
MOMENT_MS_MIN = 3_000


@dataclass(frozen=True, slots=True)
class Recording:
    """Of one live in one room; `ended_at_ms` is None while it may still grow."""

    room_id: str
    live_id: str
    started_at_ms: int
    ended_at_ms: int | None
    duration_ms: int
    octets: int


@dataclass(frozen=True, slots=True)
class Clip:
    """The minutes of a recording in which a product was explained.

    Without a `title` it is called as the product. `edited`: the host chose its times.
    """

    id: str
    room_id: str
    live_id: str
    product_id: str
    title: str | None
    hidden: bool
    edited: bool
    start_ms: int
    end_ms: int


class Moment(NamedTuple):
    """A product was shown from `start_at_ms` (with the RTP time of its frame) to `end_at_ms`."""

    product_id: str
    start_at_ms: int
    end_at_ms: int
    media_time: int | None = None


def live_id_of(started_at_ms: int) -> str:
    """Name the live of a room that began then."""
    return str(started_at_ms)


def clip_id_of(room_id: str, live_id: str, moment: Moment) -> str:
    """Name the clip of a moment: the same again when it is found again."""
    text = f"{room_id}|{live_id}|{moment.product_id}|{moment.start_at_ms}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Moments:
    """From pin to unpin or to the next pin; where the host pressed "explain", from and to that.

    Call in the order of time; `done` are the moments that are over.
    """

    def __init__(self) -> None:
        self.done: list[Moment] = []
        self._open: Moment | None = None
        self._explained = False

    def pinned(self, product_id: str, at_ms: int, media_time: int | None = None) -> None:
        """A card lies on top; that of the open moment may be pinned again."""
        if self._open is None or self._open.product_id != product_id:
            self.ended(at_ms)
            self._open = Moment(product_id, at_ms, at_ms, media_time)

    def unpinned(self, product_id: str, at_ms: int) -> None:
        """A card was taken away."""
        if self._open is not None and self._open.product_id == product_id:
            self.ended(at_ms)

    def explained(self, product_id: str | None, at_ms: int) -> None:
        """The host begins to explain a product, or (None) has explained it."""
        if product_id is None:
            if self._explained:
                self.ended(at_ms)
            return
        if self._open is not None and self._open.product_id != product_id:
            self.ended(at_ms)
        self._open = Moment(product_id, at_ms, at_ms)
        self._explained = True

    def ended(self, at_ms: int) -> None:
        """Nothing is shown any more; idempotent."""
        moment, self._open, self._explained = self._open, None, False
        if moment is not None and at_ms - moment.start_at_ms >= MOMENT_MS_MIN:
            self.done.append(moment._replace(end_at_ms=at_ms))


def expired(
    recordings: Iterable[Recording], *, days: int, octets_max: int, at_ms: int
) -> Sequence[Recording]:
    """Return what is to be deleted: what is too old, then the oldest of what is too much.

    A recording that may still grow stays.
    """
    newest_first = sorted(recordings, key=lambda each: each.started_at_ms, reverse=True)
    out, kept_octets = [], 0
    for recording in newest_first:
        kept_octets += recording.octets
        old = recording.ended_at_ms is not None and recording.ended_at_ms < at_ms - days * DAY_MS
        if recording.ended_at_ms is not None and (old or kept_octets > octets_max):
            kept_octets -= recording.octets
            out.append(recording)
    return out
