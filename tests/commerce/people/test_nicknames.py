"""Nicknames are judged by what is visible, as the page judges them."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.people.nicknames import CODE_POINTS_MAX, BadNickname, nickname_of

VECTORS = Path(__file__).parents[2] / "vectors" / "nicknames.json"
CASES = json.loads(VECTORS.read_text("utf-8"))["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_nickname_is_judged_as_the_page_judges_it(case: dict[str, Any]) -> None:
    if "nickname" in case:
        assert nickname_of(case["typed"]) == case["nickname"]
        return
    with pytest.raises(BadNickname) as caught:
        nickname_of(case["typed"])
    assert caught.value.problem == case["problem"]
    assert caught.value.character == case.get("character", "")


@given(st.text(max_size=80))
def test_any_text_is_a_nickname_or_refused_and_a_nickname_stays_one(typed: str) -> None:
    try:
        nickname = nickname_of(typed)
    except BadNickname:
        return
    assert nickname_of(nickname) == nickname
    assert 0 < len(nickname) <= CODE_POINTS_MAX
    assert not set(nickname) & set("\u202e\u2066\u200e\x00\n\u3164")
