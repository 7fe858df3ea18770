"""One-time links by which staff choose a password: what each is for, and until when it holds."""

from enum import StrEnum

DAY_MS = 24 * 3_600 * 1_000


class LinkKind(StrEnum):
    """What a link is for."""

    INVITATION = "invitation"
    RESET = "reset"


LIFE_MS = {LinkKind.INVITATION: 7 * DAY_MS, LinkKind.RESET: DAY_MS}


def kind_for(password_hash: str) -> LinkKind:
    """Return what a new link is for: who has no password yet is invited."""
    return LinkKind.RESET if password_hash else LinkKind.INVITATION


def ends_at_ms(kind: LinkKind, *, now: int) -> int:
    """Return when a link that is made `now` holds no more."""
    return now + LIFE_MS[kind]


def holds(ends_at: int, *, now: int) -> bool:
    """Whether a link may still be used."""
    return now < ends_at
