"""Invites: whose join counts for whom, and what is refused.

A household with a seat invites neighbours to its group by a link. Who follows it and then pays
counts for the inviter if every rule below holds; the first that does not is the reason that head
office sees. A join that does not count is an order like any other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

ADDRESS_JOINS_MAX = 2  # counted joins of a group that followed from one address
FOLLOW_GRACE_MS = 60_000  # a page may note the link a moment after its buyer has ordered
PAIR_DAYS = 30
PAIR_JOINS_MAX = 3  # times that one household brings the same other one, in so many days
INVITER_JOINS_MAX = 20  # counted joins of one inviter, in so many days
DAY_MS = 24 * 3_600 * 1_000


class JoinState(StrEnum):
    """Where the join of somebody who followed a link stands."""

    FOLLOWED = "followed"  # has not paid yet
    COUNTED = "counted"
    REFUSED = "refused"


class JoinRefusal(StrEnum):
    """Why a join does not count."""

    OWN_HOUSEHOLD = "own-household"
    OTHER_ESTATE = "other-estate"
    JOINED_BEFORE = "joined-before"  # had the seat before following the link
    OWN_DEVICE = "own-device"  # the inviter's
    SAME_DEVICE = "same-device"  # one that a counted neighbour of the group used
    SAME_ADDRESS = "same-address"
    RING = "ring"  # the invited household has brought the inviter
    SAME_PAIR = "same-pair"
    TOO_MANY = "too-many"


@dataclass(frozen=True, slots=True)
class Join:
    """What is known of a paid join when it is judged.

    Hashes of devices and addresses are empty where unknown. `ring`, `pair` and `by_inviter` are
    counted joins of the last `PAIR_DAYS`: by the invited household for the inviter, by the inviter
    for the invited one, and by the inviter for anybody.
    """

    inviter: str
    household: str
    group_estate_id: str
    estate_id: str
    followed_at_ms: int
    ordered_at_ms: int
    inviter_device: str = ""
    device: str = ""
    devices_counted: frozenset[str] = frozenset()
    address_counted: int = 0
    ring: int = 0
    pair: int = 0
    by_inviter: int = 0


# In this order; the first that applies is the reason.
RULES: MappingProxyType[JoinRefusal, Callable[[Join], bool]] = MappingProxyType(
    {
        JoinRefusal.OWN_HOUSEHOLD: lambda join: join.household == join.inviter,
        JoinRefusal.OTHER_ESTATE: lambda join: join.estate_id != join.group_estate_id,
        JoinRefusal.JOINED_BEFORE: lambda join: (
            join.ordered_at_ms < join.followed_at_ms - FOLLOW_GRACE_MS
        ),
        JoinRefusal.OWN_DEVICE: lambda join: (
            bool(join.device) and join.device == join.inviter_device
        ),
        JoinRefusal.SAME_DEVICE: lambda join: join.device in join.devices_counted,
        JoinRefusal.SAME_ADDRESS: lambda join: join.address_counted >= ADDRESS_JOINS_MAX,
        JoinRefusal.RING: lambda join: join.ring > 0,
        JoinRefusal.SAME_PAIR: lambda join: join.pair >= PAIR_JOINS_MAX,
        JoinRefusal.TOO_MANY: lambda join: join.by_inviter >= INVITER_JOINS_MAX,
    }
)


def judge(join: Join) -> JoinRefusal | None:
    """Return why a join does not count, or None if it does."""
    return next((reason for reason, applies in RULES.items() if applies(join)), None)
