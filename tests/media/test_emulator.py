"""The network emulator: losses, delays and queues match its conditions."""

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.emulator import Bursts, Conditions, EmulatedLink, Jitter

SIZE = 1_000
MANY = 20_000


def link(conditions: Conditions, seed: int = 1) -> EmulatedLink:
    return EmulatedLink(conditions, Random(seed))


def numbered(number: int, size: int = SIZE) -> bytes:
    return number.to_bytes(4, "big").ljust(size, b"\0")


def number_of(datagram: bytes) -> int:
    return int.from_bytes(datagram[:4], "big")


def send_all(link: EmulatedLink, times: list[float], size: int = SIZE) -> None:
    for number, at in enumerate(times):
        link.send(numbered(number, size), now=at)


def arrivals(link: EmulatedLink, start: float = 0.0) -> list[tuple[float, int]]:
    """Run the link's own timers to the end: when each datagram arrived, and its number."""
    out, now = [], start
    while (timer := link.next_timer()) is not None:
        now = max(now, timer)
        out += [(now, number_of(datagram)) for datagram in link.ready(now=now)]
    return out


def sent_and_arrived(
    conditions: Conditions, times: list[float], seed: int = 1
) -> list[tuple[float, int]]:
    """As a caller would drive it: timers between the datagrams, too."""
    link = EmulatedLink(conditions, Random(seed))
    out: list[tuple[float, int]] = []
    for number, at in enumerate(times):
        while (timer := link.next_timer()) is not None and timer <= at:
            out += [(timer, number_of(datagram)) for datagram in link.ready(now=timer)]
        link.send(numbered(number), now=at)
    return out + arrivals(link)


all_conditions = st.builds(
    Conditions,
    loss=st.floats(0, 1) | st.builds(Bursts.of, st.floats(0, 0.9), st.floats(1, 20)),
    delay_s=st.floats(0, 1),
    jitter_s=st.floats(0, 1),
    jitter=st.sampled_from(Jitter),
    reorders=st.booleans(),
    rate_bps=st.none() | st.floats(10_000, 1e8),
    queue_s=st.floats(0, 1),
    queue_bytes=st.none() | st.integers(0, 20 * SIZE),
)
schedules = st.lists(st.floats(0, 10), max_size=40).map(sorted)


def test_a_link_without_conditions_delivers_at_once() -> None:
    clear = link(Conditions())
    clear.send(b"one", now=5.0)
    assert clear.next_timer() == 5.0
    assert clear.ready(now=5.0) == [b"one"]
    assert clear.next_timer() is None


def test_delay_is_exact() -> None:
    slow = link(Conditions(delay_s=0.25))
    slow.send(b"one", now=5.0)
    assert slow.ready(now=5.249) == []
    assert slow.next_timer() == 5.25
    assert slow.ready(now=5.25) == [b"one"]


@pytest.mark.parametrize("loss", [0.0, 0.03, 0.1, 0.5, 1.0])
def test_the_loss_ratio_matches(loss: float) -> None:
    lossy = link(Conditions(loss=loss))
    send_all(lossy, [0.0] * MANY)
    assert len(arrivals(lossy)) == MANY - lossy.counts.lost == lossy.counts.delivered
    four_sigma = 4 * (loss * (1 - loss) / MANY) ** 0.5
    assert abs(lossy.counts.lost / MANY - loss) <= four_sigma


@pytest.mark.parametrize("mean", [1.0, 4.0, 10.0])
def test_bursts_match_their_mean_length_and_loss_ratio(mean: float) -> None:
    lossy = link(Conditions(loss=Bursts.of(0.05, mean)))
    send_all(lossy, [0.0] * MANY)
    came = {number for _, number in arrivals(lossy)}
    lost = [number for number in range(MANY) if number not in came]
    bursts = sum(number - 1 in came for number in lost)
    assert len(lost) / MANY == pytest.approx(0.05, rel=0.3)
    assert len(lost) / bursts == pytest.approx(mean, rel=0.3)


def test_a_bad_state_may_deliver_some() -> None:
    lossy = link(Conditions(loss=Bursts(to_bad=1.0, to_good=0.0, loss_bad=0.5)))
    send_all(lossy, [0.0] * MANY)
    assert lossy.counts.lost / MANY == pytest.approx(0.5, rel=0.05)


def test_uniform_jitter_stays_within_its_bounds_and_fills_them() -> None:
    times = [float(second) for second in range(2_000)]
    conditions = Conditions(delay_s=0.1, jitter_s=0.05, reorders=True)
    delays = [at - times[number] for at, number in sent_and_arrived(conditions, times)]
    assert 0.05 - 1e-9 <= min(delays) < 0.055
    assert 0.145 < max(delays) <= 0.15 + 1e-9


def test_normal_jitter_has_its_deviation() -> None:
    times = [float(second) for second in range(2_000)]
    conditions = Conditions(delay_s=0.3, jitter_s=0.05, jitter=Jitter.NORMAL)
    delays = [at - times[number] for at, number in sent_and_arrived(conditions, times)]
    mean = sum(delays) / len(delays)
    deviation = (sum((delay - mean) ** 2 for delay in delays) / len(delays)) ** 0.5
    assert mean == pytest.approx(0.3, rel=0.05)
    assert deviation == pytest.approx(0.05, rel=0.1)


@pytest.mark.parametrize("reorders", [False, True])
def test_jitter_reorders_only_if_allowed(reorders: bool) -> None:
    times = [number / 1_000 for number in range(500)]
    conditions = Conditions(delay_s=0.05, jitter_s=0.05, reorders=reorders)
    numbers = [number for _, number in sent_and_arrived(conditions, times)]
    assert sorted(numbers) == list(range(500))
    assert (numbers != sorted(numbers)) == reorders


def test_a_rate_spaces_datagrams() -> None:
    paced = link(Conditions(rate_bps=800_000, queue_s=1.0))
    send_all(paced, [0.0] * 20)
    times = [at for at, _ in arrivals(paced)]
    assert times == pytest.approx([0.01 * (number + 1) for number in range(20)])


def test_a_queue_holds_queue_s_and_drops_its_tail() -> None:
    paced = link(Conditions(rate_bps=800_000, queue_s=0.1))
    send_all(paced, [0.0] * 50)
    came = arrivals(paced)
    # Ten datagrams take 0.1 s; the one that still finds room waits for them.
    assert [number for _, number in came] == list(range(11))
    assert came[-1][0] == pytest.approx(0.11)
    assert paced.counts.dropped == 39


def test_a_queue_can_be_limited_in_bytes() -> None:
    paced = link(Conditions(rate_bps=800_000, queue_bytes=5 * SIZE))
    send_all(paced, [0.0] * 50)
    assert [number for _, number in arrivals(paced)] == list(range(5))


def test_a_datagram_larger_than_the_queue_passes_an_empty_one() -> None:
    paced = link(Conditions(rate_bps=800_000, queue_bytes=10))
    paced.send(numbered(0), now=0.0)
    assert len(arrivals(paced)) == 1


def test_a_rate_change_applies_to_queued_datagrams() -> None:
    conditions = Conditions(rate_bps=800_000, queue_s=10)
    paced = link(conditions)
    send_all(paced, [0.0] * 10)
    assert len(paced.ready(now=0.0201)) == 2
    conditions.rate_bps = 80_000
    # The third is on the wire at the old rate.
    assert [number_of(datagram) for datagram in paced.ready(now=0.0301)] == [2]
    assert paced.next_timer() == pytest.approx(0.13)
    conditions.rate_bps = None
    assert [at for at, _ in arrivals(paced)] == pytest.approx([0.13] * 7)


def test_a_loss_change_applies_to_the_next_datagram() -> None:
    conditions = Conditions()
    lossy = link(conditions)
    lossy.send(b"one", now=0.0)
    conditions.loss = 1.0
    lossy.send(b"two", now=0.0)
    assert lossy.ready(now=0.0) == [b"one"]
    assert (lossy.counts.sent, lossy.counts.lost) == (2, 1)


@given(all_conditions, schedules, st.integers())
def test_the_same_seed_gives_the_same_arrivals(
    conditions: Conditions, times: list[float], seed: int
) -> None:
    assert sent_and_arrived(conditions, times, seed) == sent_and_arrived(conditions, times, seed)


@given(all_conditions, schedules, st.integers())
def test_polling_more_often_changes_nothing(
    conditions: Conditions, times: list[float], seed: int
) -> None:
    seldom = EmulatedLink(conditions, Random(seed))
    send_all(seldom, times)
    assert [number for _, number in arrivals(seldom)] == [
        number for _, number in sent_and_arrived(conditions, times, seed)
    ]


@given(all_conditions, schedules, st.integers())
def test_every_datagram_is_counted_and_none_is_duplicated(
    conditions: Conditions, times: list[float], seed: int
) -> None:
    link = EmulatedLink(conditions, Random(seed))
    send_all(link, times)
    numbers = [number for _, number in arrivals(link)]
    counts = link.counts
    assert len(set(numbers)) == len(numbers) == counts.delivered
    assert counts.sent == len(times) == counts.lost + counts.dropped + counts.delivered
    assert link.queued_bytes == 0
    if not conditions.reorders:
        assert numbers == sorted(numbers)


@given(all_conditions, schedules, st.integers())
def test_datagrams_arrive_after_they_were_sent_at_times_that_never_decrease(
    conditions: Conditions, times: list[float], seed: int
) -> None:
    came = sent_and_arrived(conditions, times, seed)
    assert all(at >= times[number] for at, number in came)
    assert all(before <= after for (before, _), (after, _) in pairwise(came))


@given(st.floats(10_000, 1e8), st.floats(0, 1), schedules)
def test_arrivals_respect_the_rate_and_the_queue_length(
    rate_bps: float, queue_s: float, times: list[float]
) -> None:
    came = sent_and_arrived(Conditions(rate_bps=rate_bps, queue_s=queue_s), times)
    one_s = SIZE * 8 / rate_bps
    assert all(after - before >= one_s - 1e-6 for (before, _), (after, _) in pairwise(came))
    assert all(at - times[number] <= queue_s + one_s + 1e-6 for at, number in came)
