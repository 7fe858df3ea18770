"""Lucky bags: prizes that are drawn by commit and reveal, one entry of each household.

The shop publishes the SHA-256 of a secret seed before anybody enters, and that of the entry list
when it closes; the seed follows. Seed and list decide who wins, so that anybody can recount
(docs/lucky-bag.md). A ticket's rank is a hash of all three: no ticket is treated otherwise than
another one, so each is as likely to win.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from commerce.activities.texts import key_of, text_of
from commerce.errors import InvalidField

SEED_BYTES = 32
WINNERS_MAX = 50
DURATION_S_MIN, DURATION_S_MAX = 30, 1_800
WORD_CHARS_MAX = 20
ENTRIES_MAX = 10_000
PRESENT_MS = 30_000
"""Who must be present is there at some moment of this long before the draw closes."""
REVEAL_AFTER_MS = 3_000
"""For so long the hash of the entry list is public before the seed is."""
SHOWN_AFTER_MS = 300_000
"""The result stays in the room for this long."""


class DrawState(StrEnum):
    """Where a draw is; see `TRANSITIONS`."""

    OPEN = "open"
    CLOSED = "closed"
    REVEALED = "revealed"
    VOID = "void"


TRANSITIONS: frozenset[tuple[DrawState, DrawState]] = frozenset(
    {
        (DrawState.OPEN, DrawState.CLOSED),
        (DrawState.OPEN, DrawState.VOID),
        (DrawState.CLOSED, DrawState.REVEALED),
        (DrawState.CLOSED, DrawState.VOID),
    }
)


class VoidReason(StrEnum):
    """Why a draw has no winners."""

    HOST = "host"  # voided while it was open
    NO_ENTRIES = "no-entries"
    SEED_LOST = "seed-lost"  # the secret that it was sealed with is gone


@dataclass(frozen=True, slots=True)
class DrawTerms:
    """What is drawn, among whom and until when; never changed once published.

    `word` is what an entry comments, `estate_id` the only estate that may enter (both may be
    empty); with `stay`, an entry counts only if its household is present at the end.
    """

    room_id: str
    product_id: str
    winners: int
    word: str
    estate_id: str
    stay: bool
    opened_at_ms: int
    closes_at_ms: int

    def takes_entries(self, now_ms: int) -> bool:
        """Whether an entry is in time; the end itself is too late."""
        return self.opened_at_ms <= now_ms < self.closes_at_ms

    def takes_presence(self, now_ms: int) -> bool:
        """Whether presence counts now."""
        return self.closes_at_ms - PRESENT_MS <= now_ms < self.closes_at_ms

    def counts(self, present_at_ms: int | None) -> bool:
        """Whether an entry takes part, given when its household was last present."""
        return not self.stay or (present_at_ms or 0) >= self.closes_at_ms - PRESENT_MS

    def is_word(self, typed: str) -> bool:
        """Whether a comment is the task's word; case, width and punctuation do not matter."""
        return not self.word or key_of(typed) == key_of(self.word)


@dataclass(frozen=True, slots=True)
class Draw:
    """A draw as everybody may know it now: no seed before it is revealed.

    `entries` are those so far, and once it is closed those that take part. `winning` are the
    tickets that won, the first prize first, and `nicknames` whose they are.
    """

    id: str
    terms: DrawTerms
    state: DrawState
    commitment: str
    entries: int
    entries_hash: str | None = None
    seed: str | None = None
    ended_at_ms: int | None = None
    void_reason: VoidReason | None = None
    winning: tuple[str, ...] = ()
    nicknames: tuple[str, ...] = ()

    def is_shown(self, now_ms: int) -> bool:
        """Whether the room still shows it."""
        return self.ended_at_ms is None or now_ms < self.ended_at_ms + SHOWN_AFTER_MS


@dataclass(frozen=True, slots=True)
class DrawEntry:
    """A household's entry; `place` is the number of the prize that it won, the first is 1."""

    draw_id: str
    ticket: str
    present: bool
    place: int | None = None
    order_id: str | None = None


def draw_terms(
    room_id: str,
    product_id: str,
    winners: int,
    duration_s: int,
    now_ms: int,
    *,
    word: str = "",
    estate_id: str = "",
    stay: bool = False,
) -> DrawTerms:
    """Return the terms of a draw that opens now.

    Raises:
        InvalidField: The number of winners, the duration or the word cannot be.
    """
    if not 1 <= winners <= WINNERS_MAX:
        raise InvalidField("winners", f"1 to {WINNERS_MAX} winners")
    if not DURATION_S_MIN <= duration_s <= DURATION_S_MAX:
        raise InvalidField("duration_s", f"{DURATION_S_MIN} to {DURATION_S_MAX} seconds")
    word = text_of(word, WORD_CHARS_MAX, "word") if word else ""
    closes_at_ms = now_ms + duration_s * 1_000
    return DrawTerms(room_id, product_id, winners, word, estate_id, stay, now_ms, closes_at_ms)


def commitment_of(seed: str) -> str:
    """Return what is published of a seed before the draw."""
    return _sha256(seed)


def entries_hash_of(tickets: Iterable[str]) -> str:
    """Return what is published of the closed entry list: a line per ticket, sorted."""
    return _sha256("".join([f"{ticket}\n" for ticket in sorted(tickets)]))


def drawn(seed: str, tickets: Iterable[str], winners: int) -> list[str]:
    """Return the tickets that win, the first prize first; all of them if they are no more."""
    listed = sorted(tickets)
    entries_hash = entries_hash_of(listed)
    return sorted(listed, key=lambda ticket: _sha256(f"{seed}\n{entries_hash}\n{ticket}"))[:winners]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
