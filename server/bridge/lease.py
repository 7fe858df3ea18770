"""Who owns a live: a lease with a fencing token, the port that keeps leases, and the rules.

A live belongs to the worker whose lease on it runs. The owner renews it; the next owner gets a
larger fencing token, and the record refuses what an owner with a smaller one writes. So the record
decides who was last, and the lease only whether the owner still runs.
Time is monotonic seconds of this worker.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from commerce.catalogue.values import Live, LiveState

LEASE_TTL_S = 6.0
RENEWALS_PER_TTL = 3
CHECKS_PER_TTL = 2


@dataclass(frozen=True, slots=True)
class Lease:
    """One ownership of one room's live. `fence` grows with every new owner."""

    room_id: str
    owner: str
    fence: int


class LeasesUnavailable(ConnectionError):
    """The leases cannot be reached now. A lease may or may not have been taken."""


class LiveLeases(Protocol):
    """Leases on the lives of all workers; every method is atomic.

    At most one lease per room runs at a time, for `ttl_s` from when it was taken or renewed last.
    All methods raise `LeasesUnavailable`.
    """

    @property
    def ttl_s(self) -> float:
        """How long a lease runs without a renewal."""
        ...

    async def take(self, room_id: str, owner: str, *, above: int) -> Lease:
        """Take the lease, even from its owner; its fence is larger than `above` and all before it.

        Fences are remembered for days only, hence `above`: the last one that the record has seen.
        """
        ...

    async def claim(self, room_id: str, owner: str, *, above: int) -> Lease | None:
        """Take the lease as `take` does if nobody has it; None if another owner has."""
        ...

    async def renew(self, lease: Lease) -> bool:
        """Let exactly this lease run for another `ttl_s`; False if it ran out or was taken."""
        ...

    async def release(self, lease: Lease) -> None:
        """End exactly this lease; one that ran out or was taken is left alone."""
        ...

    async def holder(self, room_id: str) -> Lease | None:
        """Return the lease that runs."""
        ...


class MemoryLeases:
    """Leases of workers in one process, by `clock` (s)."""

    def __init__(self, clock: Callable[[], float], ttl_s: float = LEASE_TTL_S) -> None:
        self.ttl_s = ttl_s
        self._clock = clock
        self._leases: dict[str, tuple[Lease, float]] = {}
        self._fences: dict[str, int] = {}

    async def take(self, room_id: str, owner: str, *, above: int) -> Lease:
        """See `LiveLeases.take`."""
        fence = max(self._fences.get(room_id, 0), above) + 1
        self._fences[room_id] = fence
        lease = Lease(room_id, owner, fence)
        self._leases[room_id] = lease, self._clock() + self.ttl_s
        return lease

    async def claim(self, room_id: str, owner: str, *, above: int) -> Lease | None:
        """See `LiveLeases.claim`."""
        held = await self.holder(room_id)
        if held is not None and held.owner != owner:
            return None
        return await self.take(room_id, owner, above=above)

    async def renew(self, lease: Lease) -> bool:
        """See `LiveLeases.renew`."""
        if await self.holder(lease.room_id) != lease:
            return False
        self._leases[lease.room_id] = lease, self._clock() + self.ttl_s
        return True

    async def release(self, lease: Lease) -> None:
        """See `LiveLeases.release`."""
        if await self.holder(lease.room_id) == lease:
            del self._leases[lease.room_id]

    async def holder(self, room_id: str) -> Lease | None:
        """See `LiveLeases.holder`."""
        lease, until = self._leases.get(room_id, (None, 0.0))
        return lease if self._clock() < until else None


class AfterLoss(Enum):
    """What a worker does whose lease ran out or was taken."""

    CLAIM = "claim"  # nobody took it: Redis was away, was emptied, or this worker was paused
    TAKE = "take"  # another worker took the live for orphaned, and the host is here
    WAIT = "wait"  # another owner, who has not written yet
    YIELD = "yield"  # the live goes on elsewhere, or is over


def after_loss(lease: Lease, holder: Lease | None, recorded: Live, *, flowing: bool) -> AfterLoss:
    """Decide for the owner of `lease`, which runs no more; `flowing`: its host sends media."""
    if recorded.fence > lease.fence:
        paused = recorded.state is LiveState.PAUSED
        return AfterLoss.TAKE if paused and flowing else AfterLoss.YIELD
    return AfterLoss.CLAIM if holder is None else AfterLoss.WAIT


class Orphans:
    """Lives on the air that no lease covers.

    A live counts as orphaned when its lease was missing for a whole TTL of checks without a gap: an
    owner that runs has renewed or claimed it by then, even if Redis was away or was emptied.
    """

    def __init__(self, ttl_s: float) -> None:
        self._ttl_s = ttl_s
        self._missing_since: dict[str, float] = {}
        self._checked_at = 0.0

    def checked(self, missing: Collection[str], *, now: float) -> list[str]:
        """Note a check that found no lease for the rooms `missing`; return the orphaned ones."""
        gap = now - self._checked_at > self._ttl_s
        before = {} if gap else self._missing_since
        self._checked_at = now
        self._missing_since = {room_id: before.get(room_id, now) for room_id in missing}
        return [
            room_id for room_id, since in self._missing_since.items() if now - since >= self._ttl_s
        ]
