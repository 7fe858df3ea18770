"""When the price of a group falls, and to what."""

from enum import StrEnum

from commerce.groups.group import CLOSE_GRACE_MS, GOES_ON, Group, GroupState
from commerce.groups.terms import price_at


class DropReason(StrEnum):
    """Why a price fell."""

    STEP = "step"  # a group with steps closed
    INVITE = "invite"  # an invite earned its award


def closing_price(group: Group, *, at_ms: int) -> int | None:
    """Return what all pay in a group with steps that closes now; None if it does not (yet).

    One that expires pays everything back instead.
    """
    closes = group.state in GOES_ON or group.state is GroupState.DONE
    if not group.steps or not closes or at_ms < group.ends_at_ms + CLOSE_GRACE_MS:
        return None
    return price_at(group.price_fen, group.steps, group.joined)


def award_price(group: Group, counted: int) -> int | None:
    """Return what all pay once an invite has `counted` neighbours; None if it earns nothing."""
    award = group.award
    if award is None or award.given or counted < award.invites:
        return None
    assert award.off_fen < group.price_fen, "checked when the group is opened"
    return group.price_fen - award.off_fen
