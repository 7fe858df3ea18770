"""A host's lost packets over an emulated link: NACKed, retransmitted, and there in time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf
from random import Random

import pytest

from media.emulator import Conditions, EmulatedLink
from media.stream.nack import NACK_INTERVAL_S, Nacks
from media.stream.reorder import Reorder

FRAME_S = 1 / 15
PACKETS_PER_FRAME = 4
TICK_S = 0.020  # how often NACKs are due
STEP_S = 0.001
WATCH_S = 30.0
NUMBER_BYTES = 4


@dataclass
class RepairSimulation:
    """A host and our end of its link, in steps of a millisecond."""

    conditions: Conditions
    start: float  # of the clock
    seed: int = 1
    retransmit_interval_s: float = 0.0  # of browsers: one round trip
    sent: int = 0
    given_up: int = 0
    longest_wait_s: float = 0.0
    retransmitted: dict[int, float] = field(default_factory=dict)
    up: EmulatedLink = field(init=False)
    down: EmulatedLink = field(init=False)
    reorder: Reorder[None] = field(default_factory=Reorder)
    nacks: Nacks = field(default_factory=Nacks)

    def __post_init__(self) -> None:
        self.up = EmulatedLink(self.conditions, Random(self.seed))
        self.down = EmulatedLink(self.conditions, Random(self.seed + 1))

    def run(self) -> None:
        """Let the host send for a while."""
        expected = 0
        for step in range(round(WATCH_S / STEP_S)):
            now = self.start + step * STEP_S
            if step % round(FRAME_S / STEP_S) == 0:
                for _ in range(PACKETS_PER_FRAME):
                    self._send(self.sent, now)
                    self.sent += 1
            for number in _numbers(self.up.ready(now=now)):
                self.nacks.on_packet(number, now=now)
                self.reorder.receive(number, None, now=now)
            waited_s = self.reorder.blocked_s(now=now)
            for number, _ in self.reorder.ready(now=now):
                self.given_up += number - expected
                expected = number + 1
                self.longest_wait_s = max(self.longest_wait_s, waited_s)
            if step % round(TICK_S / STEP_S) == 0 and (
                due := self.nacks.due(self.reorder.missing(), now=now)
            ):
                asked = b"".join(number.to_bytes(NUMBER_BYTES, "big") for number in due)
                self.down.send(asked, now=now)
            for number in _numbers(self.down.ready(now=now)):
                if now - self.retransmitted.get(number, -inf) >= self.retransmit_interval_s:
                    self.retransmitted[number] = now
                    self._send(number, now)

    def _send(self, number: int, now: float) -> None:
        self.up.send(number.to_bytes(NUMBER_BYTES, "big"), now=now)


def _numbers(datagrams: list[bytes]) -> Iterator[int]:
    for datagram in datagrams:
        for at in range(0, len(datagram), NUMBER_BYTES):
            yield int.from_bytes(datagram[at : at + NUMBER_BYTES], "big")


# A monotonic clock is the machine's uptime: a second, some minutes, a day, months.
@pytest.mark.parametrize("start", [1.0, 600.0, 86_400.0, 1e7])
def test_nine_in_ten_losses_at_a_low_rtt_are_repaired_at_any_uptime(start: float) -> None:
    link = RepairSimulation(Conditions(loss=0.03, delay_s=0.020), start)
    link.run()
    assert link.up.counts.lost > 30
    assert link.given_up < link.up.counts.lost / 10


def test_reordering_alone_gives_up_nothing() -> None:
    link = RepairSimulation(Conditions(delay_s=0.030, jitter_s=0.030), 0.0)
    link.run()
    assert link.given_up == 0


HIGH_RTT = Conditions(loss=0.03, delay_s=0.080)
HIGH_RTT_S = 0.160


def test_losses_at_a_high_rtt_are_repaired_with_few_duplicates() -> None:
    link = RepairSimulation(HIGH_RTT, 1.0)
    link.run()
    assert link.given_up == 0
    retransmits = link.up.counts.sent - link.sent
    assert retransmits < 2.2 * link.up.counts.lost


def test_a_second_retransmit_comes_as_soon_as_a_round_trip_has_passed() -> None:
    link = RepairSimulation(HIGH_RTT, 1.0, retransmit_interval_s=HIGH_RTT_S)
    link.run()
    assert link.given_up == 0
    retransmits = link.up.counts.sent - link.sent
    assert retransmits < 1.2 * link.up.counts.lost
    # One of them is lost twice: it and its retransmit.
    assert link.longest_wait_s < 2 * (HIGH_RTT_S + TICK_S + NACK_INTERVAL_S)
