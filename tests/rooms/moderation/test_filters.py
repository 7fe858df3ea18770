"""Listed words are found however they are dressed up, and harmless lines are not."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.moderation.filters import BadWord, ListedWord, Verdict, WordFilter, folded_word
from rooms.moderation.folding import FOLDED_CHARS_MAX, fold
from tests.support.fuzz_examples import examples

LISTED = WordFilter(
    [
        ListedWord("加微信", Verdict.REFUSE, ("jia", "wei", "xin")),
        ListedWord("vx"),
        ListedWord("scam"),
        ListedWord("1##########"),
        ListedWord("加*群", Verdict.REFUSE),
    ]
)


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        ("加微信", Verdict.REFUSE),
        ("加.微 信 123", Verdict.REFUSE),
        ("加-WEI-信", Verdict.REFUSE),
        ("jia1 wei1xin4", Verdict.REFUSE),
        ("J I A weixin", Verdict.REFUSE),
        ("\uff2a\uff29\uff21\u5fae\u4fe1", Verdict.REFUSE),
        ("V\u00b7X", Verdict.HOLD),
        ("\uff56\u0445", Verdict.HOLD),
        ("\u0455\u0441\u0430\u043c", Verdict.HOLD),
        ("s\u0301c\u200bam", Verdict.HOLD),
        ("\u2460\u2462\u2467 0013 8000", Verdict.HOLD),
        ("加我老家的群", Verdict.REFUSE),
        ("vxworks", None),
        ("scampi 多少钱", None),
        ("1380013800012", None),
        ("加了好多好吃的进去给大家的群", None),
        ("今天的菠菜多少钱", None),
        ("", None),
    ],
)
def test_line_is_judged_by_what_it_reads_as(line: str, verdict: Verdict | None) -> None:
    assert LISTED.judge(line) is verdict


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("***", "empty"),
        ("·。", "empty"),
        ("好" * 41, "too-long"),
        ("?*", "too-wide"),
    ],
)
def test_word_that_would_match_nothing_or_nearly_everything_is_refused(
    text: str, reason: str
) -> None:
    with pytest.raises(BadWord) as refused:
        folded_word(text)
    assert refused.value.reason == reason


@given(text=st.text(max_size=200))
@examples(100)
def test_folded_text_stays_the_same_when_folded_again(text: str) -> None:
    once = fold(text)
    assert fold(once) == once
    assert len(once) <= FOLDED_CHARS_MAX
    assert fold(unicodedata.normalize("NFKC", text)) == once


@given(
    word=st.text(st.sampled_from("微信群加好友刷单vxqq"), min_size=2, max_size=6),
    between=st.lists(st.sampled_from(["", " ", ".", "--", "\u200b", "~"]), min_size=6, max_size=6),
    around=st.sampled_from(["", "。", " ", "好"]),
)
@examples(60)
def test_listed_word_is_found_with_anything_between_its_letters(
    word: str, between: list[str], around: str
) -> None:
    line = around + "".join(a + b for a, b in zip(word, between, strict=False)) + around
    assert WordFilter([ListedWord(word)]).judge(line) is Verdict.HOLD
