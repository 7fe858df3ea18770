"""Claims: what a neighbour says is wrong with goods that were handed over, and who decides it.

A claim is about units of one part of an order. A small one of a household in good standing is
approved at once; the others go to a desk by amount, and to head office if that is slow. Money in
fen, times in UTC milliseconds.

ClaimTooLate      the goods were handed over too long ago, or not at all
ClaimOpen         there is a claim of that line and part that is not decided
TooManyClaims     the household has made as many as it may
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from commerce.errors import CommerceError, IllegalMove

HOUR_MS = 3_600_000
WINDOW_MS = 24 * HOUR_MS  # after the handover
DECIDE_MS = 4 * HOUR_MS  # until a claim that nobody decided goes to head office
STANDING_MS = 30 * 24 * HOUR_MS  # what counts for the standing of a household
AUTO_FEN_MAX = 2_000  # approved at once
LEADER_FEN_MAX = 5_000  # decided by the leader, if the estate has one
STORE_FEN_MAX = 20_000  # decided by the store; above by head office
AUTO_CLAIMS_MAX = 4  # of a household in good standing
CLAIMS_MAX = 12  # of any household
SHARE_BP_MAX = 1_000  # of its spending that a household in good standing claims
PHOTOS_MAX = 3
WORDS_MAX = 300


class ClaimTooLate(CommerceError):
    """The goods were handed over too long ago, or not at all."""


class ClaimOpen(CommerceError):
    """There is a claim of that line and part that is not decided."""


class TooManyClaims(CommerceError):
    """The household has made as many as it may."""


class Fault(StrEnum):
    """What is wrong with the goods."""

    BROKEN = "broken"
    MISSING = "missing"
    WRONG = "wrong"
    STALE = "stale"
    UNDERWEIGHT = "underweight"
    OTHER = "other"


class ClaimState(StrEnum):
    """Where a claim stands."""

    OPEN = "open"
    ESCALATED = "escalated"
    APPROVED = "approved"
    REFUSED = "refused"


class Desk(StrEnum):
    """Who decides a claim."""

    RULE = "rule"
    LEADER = "leader"
    STORE = "store"
    HQ = "hq"


class Why(StrEnum):
    """Why a claim is at its desk."""

    SMALL = "small"  # approved by the rule
    AMOUNT = "amount"
    OFTEN = "often"  # more claims than one in good standing makes
    SHARE = "share"  # more of its spending than one in good standing claims
    SLOW = "slow"  # nobody decided it in time


class GoodsGo(StrEnum):
    """Where the units of an approved claim go."""

    NOWHERE = "nowhere"  # they were never there
    STOCK = "stock"  # they come back and are sold again
    WASTE = "waste"


WAITING: frozenset[ClaimState] = frozenset({ClaimState.OPEN, ClaimState.ESCALATED})
_S = ClaimState
TRANSITIONS: frozenset[tuple[ClaimState, ClaimState]] = frozenset(
    {
        (_S.OPEN, _S.APPROVED),
        (_S.OPEN, _S.REFUSED),
        (_S.OPEN, _S.ESCALATED),
        (_S.ESCALATED, _S.APPROVED),
        (_S.ESCALATED, _S.REFUSED),
    }
)
INITIAL: frozenset[ClaimState] = frozenset({_S.OPEN, _S.APPROVED})

# Where units go when the rule decides, or a person says nothing else.
GOODS: Mapping[Fault, GoodsGo] = {
    Fault.BROKEN: GoodsGo.WASTE,
    Fault.MISSING: GoodsGo.NOWHERE,
    Fault.WRONG: GoodsGo.NOWHERE,
    Fault.STALE: GoodsGo.WASTE,
    Fault.UNDERWEIGHT: GoodsGo.NOWHERE,
    Fault.OTHER: GoodsGo.NOWHERE,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What a household claimed and spent within `STANDING_MS`, without the claim in question.

    `claimed_fen` counts claims that are approved or not decided yet.
    """

    claims: int = 0
    claimed_fen: int = 0
    spent_fen: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a new claim: its state, who is to decide it, and why."""

    state: ClaimState
    desk: Desk
    why: Why


def check_time(handed_over_at_ms: int | None, now_ms: int) -> None:
    """Raise `ClaimTooLate` unless a claim may be made now."""
    if handed_over_at_ms is None or not 0 <= now_ms - handed_over_at_ms <= WINDOW_MS:
        raise ClaimTooLate


def decide(amount_fen: int, standing: Standing, *, has_leader: bool) -> Decision:
    """Decide a new claim, or say whose decision it is.

    Raises:
        TooManyClaims: The household has made as many as it may.
    """
    if standing.claims >= CLAIMS_MAX:
        raise TooManyClaims
    why = _doubt(amount_fen, standing)
    if why is None and amount_fen <= AUTO_FEN_MAX:
        return Decision(ClaimState.APPROVED, Desk.RULE, Why.SMALL)
    if why is None and amount_fen <= LEADER_FEN_MAX and has_leader:
        return Decision(ClaimState.OPEN, Desk.LEADER, Why.AMOUNT)
    desk = Desk.STORE if amount_fen <= STORE_FEN_MAX else Desk.HQ
    return Decision(ClaimState.OPEN, desk, why or Why.AMOUNT)


def _doubt(amount_fen: int, standing: Standing) -> Why | None:
    """Why a household is not in good standing, if it is not."""
    if standing.claims >= AUTO_CLAIMS_MAX:
        return Why.OFTEN
    # A first small order that is wholly spoilt is no fraud.
    allowed_fen = max(AUTO_FEN_MAX, standing.spent_fen * SHARE_BP_MAX // 10_000)
    if standing.claimed_fen + amount_fen > allowed_fen and amount_fen <= AUTO_FEN_MAX:
        return Why.SHARE
    return None


def check_decision(state: ClaimState, to: ClaimState) -> None:
    """Raise `IllegalMove` unless a claim may go from `state` to `to`."""
    if (state, to) not in TRANSITIONS:
        raise IllegalMove(state, to)
