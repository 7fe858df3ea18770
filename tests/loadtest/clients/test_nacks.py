"""Lost packets are requested as browsers do it, and counted as repaired once they are here."""

from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.clients.audit import SequenceAudit
from loadtest.clients.nacks import (
    MISSING_PACKETS_MAX,
    REORDER_TOLERANCE_S,
    REQUESTS_PER_PACKET_MAX,
    RTT_S,
    NackGenerator,
    is_ahead,
    nack,
    original_number,
    picture_loss_indication,
)
from media.emulator import Bursts, Conditions, EmulatedLink
from media.wire import rtcp

STEPS, STEP_S, TICK_STEPS = 10_000, 0.001, 20
FIRST = 65_000  # the numbers wrap soon


def test_a_gap_is_requested_after_the_reorder_tolerance_and_again_after_an_rtt() -> None:
    nacks = NackGenerator()
    nacks.on_gap(65_535, 2, now=1.0)
    assert nacks.due(now=1.0) == []
    now = 1.0 + REORDER_TOLERANCE_S
    assert nacks.due(now=now) == [65_535, 0]
    assert nacks.due(now=now + RTT_S / 2) == []
    assert nacks.due(now=now + 1.01 * RTT_S) == [65_535, 0]
    assert nacks.sent == 2


def test_a_reordered_packet_is_neither_requested_nor_repaired() -> None:
    nacks = NackGenerator()
    nacks.on_gap(7, 1, now=1.0)
    assert nacks.on_late(7, now=1.001)
    assert nacks.due(now=2.0) == []
    assert nacks.repaired == 0


def test_a_packet_is_given_up_after_ten_requests() -> None:
    nacks = NackGenerator()
    nacks.on_gap(7, 1, now=0.0)
    requests = [nacks.due(now=0.02 * step) for step in range(200)]
    assert requests.count([7]) == REQUESTS_PER_PACKET_MAX
    assert not nacks.missing


@pytest.mark.parametrize("count", [MISSING_PACKETS_MAX + 1, 30_000])
def test_too_many_missing_packets_need_a_key_frame(count: int) -> None:
    nacks = NackGenerator()
    nacks.on_gap(0, count, now=0.0)
    assert nacks.due(now=1.0) is None
    assert (nacks.key_frames, nacks.missing) == (1, {})


def test_the_rtt_is_learned_from_repairs() -> None:
    nacks = NackGenerator()
    for number in range(60):
        nacks.on_gap(number, 1, now=number)
        nacks.due(now=number + 0.1)
        nacks.on_late(number, now=number + 0.13)
    assert nacks.rtt_s == pytest.approx(0.03, abs=0.001)
    assert nacks.repaired == 60


@given(st.lists(st.integers(0, 400), min_size=1, max_size=MISSING_PACKETS_MAX, unique=True))
def test_the_server_reads_what_a_nack_names(ahead: list[int]) -> None:
    numbers = [(FIRST + 400 + one) & 0xFFFF for one in sorted(ahead)]
    entries = nack(1, 9, numbers)
    [packet] = rtcp.parse(entries)
    named = list(rtcp.lost_packets(packet))
    assert set(named) == set(numbers[: len(named)])
    assert len(named) == len(numbers) or len(entries) > 12 + 4 * rtcp.NACK_ENTRIES_MAX


def test_a_pli_is_read_as_a_request_for_a_key_frame() -> None:
    [packet] = rtcp.parse(picture_loss_indication(1, 9))
    assert rtcp.is_key_frame_request(packet)


@pytest.mark.parametrize("extension", [b"", b"\xbe\xde\0\1abcd"], ids=["plain", "extension"])
def test_an_rtx_packet_names_its_original(extension: bytes) -> None:
    head = bytes((0x90 if extension else 0x80, 103)) + bytes(10) + extension
    assert original_number(head + b"\x01\x02slice") == 0x0102
    padded = bytes((head[0] | 0x20,)) + head[1:]
    assert original_number(padded + b"\0\0\0\4") is None


@dataclass
class Watching:
    """A viewer on a lossy link whose server keeps all packets, in steps of a millisecond."""

    conditions: Conditions
    nacks: NackGenerator = field(default_factory=NackGenerator)
    audit: SequenceAudit = field(default_factory=SequenceAudit)
    asked: int = 0

    def run(self) -> None:
        """Send a packet every 2 ms; at the end only repairs."""
        down = EmulatedLink(self.conditions, Random(1))
        up = EmulatedLink(self.conditions, Random(2))
        sent = FIRST
        for step in range(STEPS):
            now = 100.0 + step * STEP_S
            if step % 2 == 0 and step < 0.9 * STEPS:
                down.send((sent & 0xFFFF).to_bytes(2, "big"), now=now)
                sent += 1
            for datagram in down.ready(now=now):
                self.receive(int.from_bytes(datagram, "big"), now)
            if step % TICK_STEPS == 0 and self.nacks.missing:
                for number in self.nacks.due(now=now) or ():
                    self.asked += 1
                    up.send(number.to_bytes(2, "big"), now=now)
            for datagram in up.ready(now=now):
                down.send(datagram, now=now)

    def receive(self, number: int, now: float) -> None:
        """As a viewer takes a packet."""
        expected = self.audit.expected
        if expected is not None and not is_ahead(number, expected):
            if self.nacks.on_late(number, now=now):
                self.audit.take(number, 1)
            return
        self.audit.take(number, 1)
        if expected is not None and number != expected:
            self.nacks.on_gap(expected, (number - expected) & 0xFFFF, now=now)


@pytest.mark.parametrize("rtt_s", [0.01, 0.12])
def test_packets_of_a_lossy_link_are_all_repaired_with_few_requests(rtt_s: float) -> None:
    loss = Bursts.of(0.05, 3)
    watching = Watching(Conditions(delay_s=rtt_s / 2, loss=loss))
    watching.run()
    nacks, audit = watching.nacks, watching.audit
    assert audit.missing == 0
    assert nacks.repaired == audit.late > 100
    assert watching.asked < 1.5 * nacks.repaired
    assert nacks.key_frames == 0
