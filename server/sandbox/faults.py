"""What goes wrong at the sandbox's provider: seeded, each with a share of 1."""

import random
from collections import deque
from dataclasses import dataclass, field

WINDOW_MS = 1_000


@dataclass
class Faults:
    """Shares of calls and notices that go wrong. The defaults are a provider without faults."""

    seed: int = 0
    errors: float = 0.0  # calls that get a 5xx and do nothing
    mute: float = 0.0  # calls that are done and get a 5xx
    lost: float = 0.0  # notices that never come
    twice: float = 0.0  # notices that come again although they were acknowledged
    failing: float = 0.0  # refunds that fail in the end
    delay_s: float = 0.0  # at most, of a notice and of a refund
    calls_per_s: int = 300
    refunds_per_s: int = 150  # as WeChat Pay has it
    _random: random.Random = field(init=False, repr=False)
    _recent: dict[str, deque[int]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def is_error(self) -> bool:
        """Whether the next call gets a 5xx before anything is done."""
        return self._random.random() < self.errors

    def is_mute(self) -> bool:
        """Whether the next call gets a 5xx although it is done."""
        return self._random.random() < self.mute

    def is_lost(self) -> bool:
        """Whether the next notice never comes."""
        return self._random.random() < self.lost

    def is_twice(self) -> bool:
        """Whether the next notice comes again."""
        return self._random.random() < self.twice

    def refund_fails(self) -> bool:
        """Whether the next refund fails."""
        return self._random.random() < self.failing

    def delay_ms(self) -> int:
        """How long the next notice or refund takes."""
        return round(self._random.random() * self.delay_s * 1_000)

    def is_too_many(self, account: str, *, refund: bool, now_ms: int) -> bool:
        """Count a call of an account; return whether the second has had too many."""
        limit = self.refunds_per_s if refund else self.calls_per_s
        recent = self._recent.setdefault(f"{account}:{refund}", deque())
        while recent and recent[0] <= now_ms - WINDOW_MS:
            recent.popleft()
        if len(recent) >= limit:
            return True
        recent.append(now_ms)
        return False
