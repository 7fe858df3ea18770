"""The gates of all brands: which brand has which, and what is done with all of them at once.

With many gates, one turn looks at `PER_TURN_MAX` of them, so that an installation at rest costs
the same however many brands it has.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from redis.asyncio import Redis

from commerce.errors import NotFound
from commerce.io.gate.keys import SHARED, GateKeys
from commerce.io.gate.redis_gate import RedisGate, StockRow
from commerce.io.gate.scripts import COMPARE, SWEEP, call_all
from commerce.io.gate.taps import TapQueue

PER_TURN_MAX = 32


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a comparison of gate and record found. `drift` is in units."""

    compared: int
    repaired: int
    drift: int
    behind: int


def sum_up(parts: Iterable[Comparison]) -> Comparison:
    """Several comparisons as one."""
    compared = repaired = drift = behind = 0
    for part in parts:
        compared += part.compared
        repaired += part.repaired
        drift += part.drift
        behind += part.behind
    return Comparison(compared, repaired, drift, behind)


class Gates:
    """The gates that brands have now; the one that brands share is always among them.

    `names` are gates by brand, as this worker knows them.
    """

    def __init__(self, redis: Redis, names: Callable[[], Mapping[str, str]]) -> None:
        self._redis = redis
        self._names = names
        self._taps = TapQueue(redis)
        self._known: dict[str, RedisGate] = {}
        self._tapped: set[str] = set()
        self._was_tapped = asyncio.Event()

    async def run(self) -> None:
        """Send waiting taps of all brands until cancelled; see `TapQueue.run`."""
        await self._taps.run()

    def of(self, brand_id: str) -> RedisGate:
        """The gate of a brand.

        Raises:
            NotFound: This worker knows no such brand.
        """
        name = self._names().get(brand_id)
        if name is None:
            raise NotFound("brand", brand_id)
        return self.named(name)

    def named(self, name: str) -> RedisGate:
        """The gate of a name."""
        gate = self._known.get(name)
        if gate is None:
            gate = self._known[name] = RedisGate(self._redis, GateKeys(name), self._taps, self._tap)
        return gate

    def take_tapped(self) -> set[str]:
        """Names of gates that have decided taps of this worker since the last call."""
        taken, self._tapped = self._tapped, set()
        self._was_tapped.clear()
        return taken

    async def wait_for_tap(self, wait_s: float) -> None:
        """Return once a gate has decided a tap of this worker, or after `wait_s`."""
        try:
            async with asyncio.timeout(wait_s):
                await self._was_tapped.wait()
        except TimeoutError:
            pass

    def _tap(self, gate: RedisGate) -> None:
        self._tapped.add(gate.keys.gate)
        self._was_tapped.set()

    def all(self) -> list[RedisGate]:
        """Every gate that a brand has, the shared one first."""
        own = sorted(set(self._names().values()) - {SHARED})
        return [self.named(name) for name in (SHARED, *own)]

    def gone(self) -> list[RedisGate]:
        """Gates whose brand was deleted since `forget` was last called for them."""
        kept = {SHARED, *self._names().values()}
        return [gate for name, gate in self._known.items() if name not in kept]

    def forget(self, gate: RedisGate) -> None:
        """Know a gate no more."""
        self._known.pop(gate.keys.gate, None)

    async def sweep(self, at_ms: int, gates: Collection[RedisGate] | None = None) -> int:
        """Return overdue holds whose entry is gone; how many."""
        calls = [gate.sweep_call(at_ms) for gate in gates or self.all()]
        return sum(await call_all(self._redis, SWEEP, calls))

    async def compare(self, rows: Sequence[StockRow]) -> dict[str, Comparison]:
        """Compare gates, by name, with what the record said a moment ago, and repair."""
        of_gate: defaultdict[str, list[StockRow]] = defaultdict(list)
        for row in rows:
            of_gate[row.gate].append(row)
        calls = {name: self.named(name).compare_calls(found) for name, found in of_gate.items()}
        replies = iter(await call_all(self._redis, COMPARE, [*chain.from_iterable(calls.values())]))
        return {
            name: sum_up(Comparison(*next(replies)) for _ in made) for name, made in calls.items()
        }


class Turns:
    """Takes `PER_TURN_MAX` gates at a time, one after the other."""

    def __init__(self) -> None:
        self._at = 0

    def next(self, gates: Sequence[RedisGate]) -> Sequence[RedisGate]:
        """The gates whose turn it is, in an order that stays the same."""
        if len(gates) <= PER_TURN_MAX:
            return gates
        self._at %= len(gates)
        due = (*gates, *gates)[self._at : self._at + PER_TURN_MAX]
        self._at += PER_TURN_MAX
        return due
