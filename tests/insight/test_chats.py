"""Orders and questions in a community's chat."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insight.chats import About, Asked, ChatLine, Ordered, lines_of, names_of, read

NAMES = names_of(
    {
        "spinach": "有机菠菜 300 克",
        "egg": "土鸡蛋 30 枚",
        "berry": "红颜草莓 500 克",
        "milk": "鲜牛奶",
    }
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("草莓2份", Ordered("berry", 2)),
        ("要两盒土鸡蛋", Ordered("egg", 2)),
        ("3. 李阿姨 1份菠菜", Ordered("spinach", 1)),
        ("菠菜 300 克 2 把", Ordered("spinach", 2)),
        ("草莓1份，再来3份", Ordered("berry", 4)),
        ("+1", Ordered("", 1)),
        ("牛奶＋2", Ordered("milk", 2)),
        ("草莓甜吗？", Asked("berry", About.QUALITY)),
        ("草莓多少钱一盒", Asked("berry", About.PRICE)),
        ("2份几点能取货", Asked("", About.TIME)),
        ("鸡蛋还有吗", Asked("egg", About.STOCK)),
        ("不要2份了", None),
        ("今天天气真好", None),
        ("20:30 见", None),
        ("100份", None),
    ],
)
def test_a_line_is_an_order_a_question_or_neither(text: str, said: Ordered | Asked | None) -> None:
    assert read(text, NAMES) == said


def test_a_short_name_of_two_products_is_nobodys() -> None:
    names = names_of({"a": "红富士苹果", "b": "青苹果"})
    assert "苹果" not in names
    assert (names["士苹果"], names["青苹果"]) == ("a", "b")


def test_an_export_has_numbered_lines_with_their_times() -> None:
    export = "导出\n2026-11-27 20:01:03 晨光\n草莓2份\n谢谢\n\n2026/11/27 20:02 云朵：+1\n"
    first, second = lines_of(export)
    assert first == ChatLine(1, 1_795_780_863_000, "草莓2份\n谢谢")
    assert (second.number, second.text) == (2, "+1")
    assert next(lines_of("2026-13-45 20:01 甲: +1")).at_ms == 0


@settings(max_examples=50)
@given(st.text(max_size=60))
def test_any_text_is_read(text: str) -> None:
    said = read(text, NAMES)
    assert said is None or not isinstance(said, Ordered) or 1 <= said.units <= 99
    numbers = [line.number for line in lines_of(text)]
    assert numbers == sorted(set(numbers))
