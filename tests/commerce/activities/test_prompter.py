"""What a host is prompted with, by virtual sales; and the same question asked in many ways."""

import random
from itertools import combinations
from pathlib import Path

import pytest

from commerce.activities.asked import (
    GROUPS_MAX,
    AskedQuestions,
    asks,
    called,
    products_named,
)
from commerce.activities.prompter import (
    Figures,
    RunningOut,
    Sold,
    Unsold,
    Worst,
    rest_of,
    running_out,
    unsold,
    worst,
)

LABELLED = Path(__file__).parents[2] / "data" / "host_questions.tsv"
NAMES = called(
    {
        "strawberry": ("丹东草莓", "Dandong strawberries"),
        "shrimp": ("鲜活基围虾", "Live shrimps"),
        "egg": ("散养土鸡蛋", "Free-range eggs"),
        "milk": ("鲜牛奶", "Fresh milk"),
        "pork": ("黑猪肉", "Black pork"),
        "rice": ("五常大米", "Wuchang rice"),
    }
)


def score(rows: list[tuple[str, str]]) -> tuple[float, float]:
    """Precision and recall of pairs of questions that are put into one group."""
    asked, groups = AskedQuestions(NAMES), []
    for number, (label, text) in enumerate(rows):
        groups.append((label, id(asked.add(text, str(number), number))))
    pairs = list(combinations(groups, 2))
    grouped = [one[0] == other[0] for one, other in pairs if one[1] == other[1]]
    same = sum(one[0] == other[0] for one, other in pairs)
    return sum(grouped) / len(grouped), sum(grouped) / same


def test_same_question_of_many_is_one_line() -> None:
    lines = LABELLED.read_text("utf-8").splitlines()
    rows = [(label, text) for label, text in (line.split("\t") for line in lines)]
    assert len(rows) >= 300
    random.Random(5).shuffle(rows)
    precision, recall = score(rows)
    assert precision >= 0.85
    assert recall >= 0.85


def test_asker_counts_once_and_products_are_named() -> None:
    asked = AskedQuestions(NAMES)
    for asker in ("a", "a", "b"):
        asked.add("草莓 多 少 钱?", asker, 1)
    asked.add("how much are the strawberries", "c", 2)
    asked.add("虾怎么卖", "c", 3)
    assert [(each.count, each.products) for each in asked.most_asked(9)] == [
        (3, {"strawberry"}),
        (1, {"shrimp"}),
    ]


def test_groups_kept_are_bounded_and_the_least_asked_gives_way() -> None:
    asked = AskedQuestions()
    for asker in ("a", "b"):
        asked.add("停车方便吗", asker, 0)
    for number in range(GROUPS_MAX + 5):
        asked.add(f"{number:05d}?", "a", number)
    kept = asked.most_asked(GROUPS_MAX + 9)
    assert len(kept) == GROUPS_MAX
    assert kept[0].text == "停车方便吗"


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("多少钱", True), ("辣不辣", True), ("is it spicy", True), ("好看", False), ("666", False)],
)
def test_questions_are_told_from_other_lines(text: str, is_one: bool) -> None:
    assert asks(text) is is_one


def test_parts_that_two_names_share_name_neither() -> None:
    names = called({"a": ("有机草莓", "Strawberries"), "b": ("草莓酱", "Strawberry jam")})
    assert products_named("草莓多少钱", names) == set()
    assert products_named("草莓酱多少钱", names) == {"b"}


def test_product_that_many_ask_for_and_few_buy_is_named() -> None:
    sold = [Sold("a", 1, 0, 1, 9), Sold("b", 9, 0, 9, 9), Sold("c", 0, 0, 0, 0)]
    assert unsold({"a": 8, "b": 8, "c": 8, "gone": 8}, sold) == [Unsold("a", 8, 1)]
    assert unsold({"a": 2}, sold) == []


def test_product_is_running_out_when_its_rate_empties_it_before_the_end() -> None:
    sold = [Sold("a", 50, 20, 9, 10), Sold("b", 50, 20, 9, 100), Sold("c", 0, 0, 0, 1)]
    assert running_out(sold, 30.0, rest_min=40.0) == [RunningOut("a", 10, 2.0, 5)]
    assert rest_of(50.0, [60.0, 90.0, 70.0]) == 20.0
    assert rest_of(500.0, []) == 10.0


def test_worst_figure_is_the_one_furthest_below_its_median() -> None:
    earlier = [Figures(40, 30, 100_000), Figures(50, 40, 100_000), Figures(60, 50, 100_000)]
    assert worst(Figures(30, 39, 90_000), earlier) == Worst("orders", 30, 50)
    assert worst(Figures(50, 40, 100_000), earlier) is None
    assert worst(Figures(0, 0, 0), earlier[:1]) is None
