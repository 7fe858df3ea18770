"""Refunds reach a provider at the pace that it allows, in virtual time."""

import heapq
import random
from collections import Counter, deque
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.money.refund_calls import (
    CALL_GAP_MS,
    CALLS_MAX,
    CALLS_PER_S,
    CallState,
    RefundCall,
    RefundPace,
    choose,
    turn_of,
)


@dataclass
class Provider:
    """Pays each number of an order once, and asserts its limits; answers get lost on the way."""

    random: random.Random
    paid: Counter[str] = field(default_factory=Counter)
    seen: dict[tuple[str, int], int] = field(default_factory=dict)
    last_new_ms: dict[str, int] = field(default_factory=dict)
    recent: deque[int] = field(default_factory=deque)
    asked: int = 0

    def refund(self, call: RefundCall, now_ms: int) -> CallState:
        self.asked += 1
        self.recent.append(now_ms)
        while self.recent[0] <= now_ms - 1_000:
            self.recent.popleft()
        assert len(self.recent) <= CALLS_PER_S
        fault = self.random.random()
        if fault < 0.05:
            return CallState.UNKNOWN  # lost on the way there, or a 5xx before anything was done
        key = call.order_id, call.n
        if key not in self.seen:
            last_ms = self.last_new_ms.get(call.order_id)
            assert last_ms is None or now_ms - last_ms >= CALL_GAP_MS
            self.last_new_ms[call.order_id] = now_ms
            self.seen[key] = call.amount_fen
            self.paid[call.order_id] += call.amount_fen
        assert self.seen[key] == call.amount_fen
        return CallState.UNKNOWN if fault < 0.1 else CallState.DONE


@dataclass
class Queue:
    """The record's rows in memory, driven as the outbox drives them."""

    provider: Provider
    pace: RefundPace = field(default_factory=RefundPace)
    calls: dict[str, list[RefundCall]] = field(default_factory=dict)
    waiting: Counter[str] = field(default_factory=Counter)

    def step(self, ids: list[str], now_ms: int) -> dict[str, int]:
        """One pass over these orders; return when which are due again."""
        turns = {
            id: turn for id in ids if (turn := turn_of(self.calls[id], bool(self.waiting[id])))
        }
        now, later = choose(turns, self.pace, now_ms)
        for order_id in now:
            calls = self.calls[order_id]
            call = turns[order_id].call
            if call is None:
                fen = self.waiting.pop(order_id)
                n = len(calls) + 1
                call = RefundCall(order_id, n, fen, CallState.QUEUED, 0, now_ms, None, None)
                calls.append(call)
            sent = replace(call, attempts=call.attempts + 1, sent_at_ms=now_ms)
            calls[call.n - 1] = replace(sent, state=self.provider.refund(sent, now_ms))
            again = turn_of(calls, bool(self.waiting[order_id]))
            if again:
                later[order_id] = again.due_at_ms
        return later


@pytest.mark.parametrize("seed", [1])
def test_30_000_refunds_of_a_failed_evening_are_paid_once_at_the_pace(seed: int) -> None:
    orders = 30_000
    queue = Queue(Provider(random.Random(seed)))
    due = [(0, f"o{at}") for at in range(orders)]
    for _, order_id in due:
        queue.calls[order_id] = []
        queue.waiting[order_id] = 700
    now_ms = 0
    while due:
        now_ms = max(now_ms, due[0][0])
        batch: list[str] = []
        while due and due[0][0] <= now_ms and len(batch) < 1_000:
            batch.append(heapq.heappop(due)[1])
        for order_id, at_ms in queue.step(batch, now_ms).items():
            heapq.heappush(due, (at_ms, order_id))
        now_ms += 30
    assert queue.provider.paid == Counter({f"o{at}": 700 for at in range(orders)})
    assert all(calls[-1].state is CallState.DONE for calls in queue.calls.values())
    # The provider's limit is the only thing that is waited for, but for the last unknown ones.
    assert now_ms / 1_000 < queue.provider.asked / CALLS_PER_S * 1.2 + 120


@given(st.lists(st.integers(0, 90_000), min_size=1, max_size=12), st.integers(0, 2**32))
def test_refunds_of_one_order_share_calls_a_minute_apart(gaps: list[int], seed: int) -> None:
    queue = Queue(Provider(random.Random(seed)))
    queue.calls["o"] = []
    due_ms = now_ms = 0
    for gap in gaps:
        while due_ms < now_ms + gap:  # what is due before the next request
            due_ms = queue.step(["o"], due_ms).get("o", now_ms + gap)
        now_ms = due_ms = now_ms + gap
        queue.waiting["o"] += 100
    while (turn := turn_of(queue.calls["o"], bool(queue.waiting["o"]))) is not None:
        due_ms = max(due_ms + 10, turn.due_at_ms)
        queue.step(["o"], due_ms)
    assert queue.provider.paid["o"] == 100 * len(gaps)


def test_no_call_is_made_beyond_what_the_provider_takes() -> None:
    done = [RefundCall("o", n, 1, CallState.DONE, 1, 0, n, n) for n in range(1, CALLS_MAX + 1)]
    assert turn_of(done, waiting=True) is None
    assert turn_of(done[:-1], waiting=True) is not None


def test_a_failed_call_waits_for_a_person_and_then_keeps_its_number() -> None:
    failed = RefundCall("o", 1, 1, CallState.FAILED, 1, 0, 500, 500)
    assert turn_of([failed], waiting=False) is None
    queued = replace(failed, state=CallState.QUEUED)
    turn = turn_of([queued], waiting=True)
    assert turn is not None
    assert (turn.call, turn.due_at_ms) == (queued, 500 + CALL_GAP_MS)
