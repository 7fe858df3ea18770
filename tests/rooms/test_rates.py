"""Token buckets and cleaned text."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.rates import Pace, TokenBucket, clean_text


def test_bucket_gives_its_burst_then_its_rate() -> None:
    bucket = TokenBucket(3, 2)
    assert [bucket.take(10.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert bucket.take(10.25) == 0.25
    assert bucket.take(10.5) == 0.0
    assert not bucket.is_full(11.9)
    assert bucket.is_full(12.1)


def test_bucket_gives_at_most_its_tokens() -> None:
    bucket = TokenBucket(5, 1)
    assert bucket.take_up_to(3, 0.0) == 3
    assert bucket.take_up_to(3, 0.0) == 2
    assert bucket.take_up_to(3, 1.5) == 1


@given(st.lists(st.floats(0, 3), max_size=50))
def test_bucket_never_gives_more_than_burst_plus_rate(waits: list[float]) -> None:
    bucket, now, taken = TokenBucket(4, 2), 0.0, 0
    for wait in waits:
        now += wait
        taken += bucket.take(now) == 0.0
    assert taken <= 4 + 2 * now + 1e-6


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("  草莓 \t\n 好吃 ", "草莓 好吃"),
        ("a\x00b\x1b[31mc", "ab[31mc"),
        ("\u202eevil\u2066", "evil"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("\u200b\ufeff", ""),
        ("\u3164 \u2800", ""),
        ("\u200d", ""),
        ("🏴\U000e0067\U000e0062\U000e007f", "🏴\U000e0067\U000e0062\U000e007f"),
        ("a\ud800b", "ab"),
        ("<b>x</b>", "<b>x</b>"),
    ],
)
def test_cleaned_text_is_one_line_of_visible_characters(text: str, clean: str) -> None:
    assert clean_text(text) == clean


@given(st.text())
def test_cleaning_removes_control_characters_and_is_idempotent(text: str) -> None:
    clean = clean_text(text)
    assert clean_text(clean) == clean
    assert not any(unicodedata.category(char) in {"Cc", "Cs", "Co"} for char in clean)
    assert "\n" not in clean


@given(st.lists(st.floats(0, 0.3), min_size=1, max_size=80), st.integers(1, 5))
def test_what_is_paced_leaves_in_bursts_but_no_more_of_it_than_evenly(
    gaps: list[float], burst: int
) -> None:
    pace, now, sent = Pace(0.1, burst, 0.01), 0.0, list[float]()
    for gap in gaps:
        now += gap
        leaves = max(now, pace.due_at)
        assert not sent or leaves - max(now, sent[-1]) <= 0.1 + 1e-9, "none waits longer"
        pace.on_sent(leaves)
        sent.append(leaves)
        now = leaves
    for first in range(len(sent)):
        for count, at in enumerate(sent[first:], 1):
            assert count <= burst + (at - sent[first]) / 0.1 + 1e-6
    assert all(after - before >= 0.01 - 1e-9 for before, after in pairwise(sent))


def test_what_comes_after_a_quiet_time_leaves_at_once() -> None:
    pace = Pace(0.1, 3, 0.01)
    for now in (5.0, 5.01, 5.02):
        assert pace.due_at <= now
        pace.on_sent(now)
    assert 5.02 + 0.01 < pace.due_at <= 5.02 + 0.1
