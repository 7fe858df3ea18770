"""Neighbours' nicknames, chat lines and view of the room."""

import random
from typing import Any

import pytest

from loadtest.actors.buyer import RoomView
from loadtest.actors.neighbours import NEIGHBOURS_MAX, line_about, nickname, spoken_name


def group(state: str, joined: int = 3) -> dict[str, Any]:
    return {
        "id": "g1",
        "product_id": "bun",
        "estate_id": "wutong",
        "state": state,
        "joined": joined,
    }


def card(product_id: str) -> dict[str, Any]:
    return {"product": {"id": product_id, "name": {"zh": "包子", "en": "Buns"}}}


def snapshot(**state: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {"live": {"state": "live"}, "cards": [], "groups": []}
    return {"t": "snapshot", "epoch": "e", "offset": 0, "state": empty | state}


def test_neighbours_have_different_nicknames() -> None:
    names = [nickname(number) for number in range(NEIGHBOURS_MAX)]
    assert names[0] == "1栋晨光"
    assert len(set(names)) >= NEIGHBOURS_MAX // 2


def test_lines_name_a_pinned_product_in_the_neighbours_language() -> None:
    names = [{"zh": "包子", "en": "Buns"}]
    chinese = {line_about(names, "zh", random.Random(seed)) for seed in range(99)}
    english = {line_about(names, "en", random.Random(seed)) for seed in range(99)}
    assert any("包子" in line for line in chinese)
    assert any("buns" in line for line in english)
    assert not any("{" in line for line in chinese | english)


@pytest.mark.parametrize(
    ("name", "spoken"),
    [
        ("有机菠菜 300 克", "有机菠菜"),
        ("鲜活鲈鱼 约 600 克", "鲜活鲈鱼"),
        ("周末家庭套餐(主菜+配菜+汤)", "周末家庭套餐"),
        ("Fruit puree for children, 4 pouches", "Fruit puree for children"),
        ("300 eggs", "300 eggs"),
    ],
)
def test_spoken_names_have_no_weight_number_or_brackets(name: str, spoken: str) -> None:
    assert spoken_name(name) == spoken


def test_lines_name_no_product_when_none_is_pinned() -> None:
    lines = {line_about([], "en", random.Random(seed)) for seed in range(99)}
    assert "Just got here" in lines
    assert not any("{name}" in line for line in lines)


def test_the_view_follows_snapshot_and_events() -> None:
    view = RoomView()
    view.apply(snapshot(cards=[card("bun")], groups=[group("open")]))
    assert view.live
    assert view.group_of("bun", "wutong") == "g1"
    assert view.group_of("bun", "xuefu") is None
    view.apply({"t": "tick", "events": [{"k": "group", "group": group("expired")}]})
    assert view.group_of("bun", "wutong") is None
    view.apply({"t": "tick", "events": [{"k": "unpin", "product_id": "bun"}, {"k": "new-kind"}]})
    assert not view.products
    view.apply({"t": "tick", "events": [{"k": "live", "state": "over"}]})
    assert not view.live
