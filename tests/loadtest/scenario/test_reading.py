"""A scenario's mistakes are named with their line and the nearest right word."""

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.scenario.reading import ScenarioError, read_scenario, scenario_schema
from loadtest.scenario.shipped import shipped, shipped_names, shipped_text
from loadtest.scenario.toml_lines import line_of

GOOD = """\
title = { en = "A", zh = "甲" }
thresholds = [
    "room.gaps == 0",  # none
    "join.p99_ms < 5",
]
[[profiles]]
kind = "lurker"
weight = 1
[[profiles]]
kind = "chatter"
weight = 2
think_s = { uniform = [1, 2] }
[[stages]]
seconds = 10
viewers = 5
"""


def mistakes(text: str) -> list[tuple[int, str]]:
    with pytest.raises(ScenarioError) as caught:
        read_scenario(text, "s.toml")
    return [(mistake.line, mistake.text) for mistake in caught.value.mistakes]


@pytest.mark.parametrize(
    ("right", "wrong", "line", "words"),
    [
        ('"chatter"', '"chater"', 10, "did you mean 'chatter'?"),
        ("weight = 2", "wieght = 2", 11, "unknown key 'wieght'; did you mean 'weight'?"),
        ("uniform", "unifrom", 12, "unknown key 'unifrom'; did you mean 'uniform'?"),
        ("[1, 2]", "[2, 1]", 12, "the least comes first"),
        ("join.p99_ms < 5", "join.p99ms < 5", 4, "did you mean 'join.p99_ms'?"),
        ("join.p99_ms < 5", "join.p99_ms under 5", 4, "is not of the form"),
        ("seconds = 10", "seconds = -1", 14, "greater than 0"),
        ("viewers = 5", "viewers = 5\narrivals_per_s = 2", 13, "exclude each other"),
        ("viewers = 5", 'viewers = "5', 15, "not TOML"),
        ("weight = 1\n", "", 6, "'weight' is missing"),
    ],
)
def test_a_mistake_names_its_line_and_the_nearest_right_word(
    right: str, wrong: str, line: int, words: str
) -> None:
    found = mistakes(GOOD.replace(right, wrong, 1))
    assert any(at == line and words in text for at, text in found), found


def test_every_mistake_of_a_file_is_named_at_once() -> None:
    text = GOOD.replace("weight = 1", "weight = 0").replace("viewers = 5", "viewer = 5")
    assert [line for line, _ in mistakes(text)] == [8, 15]


def test_a_host_step_after_the_end_is_refused() -> None:
    (found,) = mistakes(GOOD + '[[host]]\nat_s = 11\ndo = "pin"\n')
    assert "comes after the end" in found[1]


def test_a_scenario_of_more_than_six_hours_is_refused() -> None:
    hours = "".join(f"[[stages]]\nseconds = 7200\nviewers = {n}\n" for n in range(1, 4))
    (found,) = mistakes(GOOD + hours)
    assert "more than 6 hours" in found[1]


@settings(max_examples=40)
@given(st.text(max_size=60))
def test_any_text_is_a_scenario_or_a_scenario_error(text: str) -> None:
    for candidate in (text, GOOD + text):
        try:
            read_scenario(candidate, "x")
        except ScenarioError as error:
            assert all(1 <= m.line <= candidate.count("\n") + 1 for m in error.mistakes)


_KEYS = st.text("abcdefgh_-", min_size=1, max_size=6)
_SCALARS = st.one_of(st.integers(), st.booleans(), st.text("ab#[]{},.=\n\"'\\ ", max_size=8))


@given(st.lists(st.tuples(_KEYS, st.lists(_SCALARS, max_size=4)), unique_by=lambda pair: pair[0]))
def test_lines_of_keys_and_elements_are_found_in_any_layout(
    pairs: list[tuple[str, list[Any]]],
) -> None:
    lines: list[str] = []
    expected: dict[tuple[str | int, ...], int] = {}
    for key, elements in pairs:
        lines.append(f"{key} = [ # [ a comment ]")
        expected[(key,)] = len(lines)
        for number, element in enumerate(elements):
            lines.append(f"  {json.dumps(element)},")
            expected[(key, number)] = len(lines)
        lines.append("]")
    text = "\n".join(lines)
    tomllib.loads(text)
    assert {path: line_of(text, path) for path in expected} == expected


def test_every_shipped_scenario_is_valid_and_has_thresholds() -> None:
    assert shipped_names() == ["celebrity", "evening", "flash", "friday-eight", "soak", "storm"]
    for name in shipped_names():
        assert shipped(name).thresholds
        assert shipped_text(name).startswith("#")


def test_the_schema_names_every_key_of_the_shipped_scenarios() -> None:
    schema = scenario_schema()
    for name in shipped_names():
        assert tomllib.loads(shipped_text(name)).keys() <= schema["properties"].keys()
    assert set(schema["$defs"]["ViewerKind"]["enum"]) >= {"lurker", "buyer", "slow-reader"}
    times = schema["$defs"]["Profile"]["properties"]["think_s"]["anyOf"]
    assert {option.get("type", "table") for option in times} == {"number", "table"}
