"""The words on pick lists and labels, in both languages."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from commerce.catalogue.values import Text

Language = Literal["zh", "en"]

ZONES: Mapping[str, Text] = MappingProxyType(
    {
        "": Text("货架", "Shelf"),
        "ambient": Text("常温", "Ambient"),
        "chilled": Text("冷藏", "Chilled"),
        "frozen": Text("冷冻", "Frozen"),
    }
)
PICK_LIST = Text("拣货单", "Pick list")
SINGLES = Text("单个订单", "Single orders")
BAGS = Text("按袋分装", "Bag by bag")
COUNT = Text("{n} 袋", "{n} bags")
DUE = Text("{time} 前备好", "ready by {time}")


def words_in(text: Text, language: Language, **values: object) -> str:
    """Return a text in a language, with its values; names have none, and may have braces."""
    words = text.zh if language == "zh" else text.en
    return words.format(**values) if values else words
