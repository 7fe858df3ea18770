"""Variants: products that differ in one thing, 小份 and 大份, and are offered on one card.

A family is a product and those that are variants of it; each of them is a product with its own
price, barcode and stock, so that orders, gate and till know nothing of families.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from commerce.catalogue.text import Text

VARIANTS_MAX = 12  # of one product, which is an option of its own
NO_OPTION = Text("", "")


@dataclass(frozen=True, slots=True)
class Option:
    """Of which product one is a variant ("" for none), and what is different: 500 g, 1 kg."""

    variant_of: str = ""
    name: Text = NO_OPTION


Member = Literal["variant_of", "option_zh"]


@dataclass(slots=True)
class Families:
    """The options of a brand's products, by product id."""

    options: dict[str, Option]
    _variants: defaultdict[str, set[str]] = field(init=False)

    def __post_init__(self) -> None:
        self._variants = defaultdict(set)
        for id, option in self.options.items():
            if option.variant_of:
                self._variants[option.variant_of].add(id)

    def change(self, changes: Mapping[str, Option]) -> None:
        """Add products, or give them other options."""
        for id, option in changes.items():
            old = self.options.get(id)
            if old is not None:
                self._variants[old.variant_of].discard(id)
            self.options[id] = option
            if option.variant_of:
                self._variants[option.variant_of].add(id)

    def problem(self, id: str) -> tuple[Member, str] | None:
        """What is wrong with a product's place in its family: the member, and why."""
        own = self.options[id]
        if bool(own.name.zh) != bool(own.name.en):
            return "option_zh", "In both languages or in none."
        if own.variant_of:
            found = self._problem_of_variant(id, own)
            if found is not None:
                return found
        head_id = own.variant_of or id
        others = {head_id, *self._variants[head_id]} - {id}
        if others and not own.name.zh:
            return "option_zh", "Missing where there are variants."
        if any(_same(own.name, self.options[other].name) for other in others):
            return "option_zh", "Another variant has the same."
        return None

    def _problem_of_variant(self, id: str, own: Option) -> tuple[Member, str] | None:
        head = self.options.get(own.variant_of)
        if head is None or own.variant_of == id:
            return "variant_of", "There is no such product."
        if head.variant_of or self._variants[id]:
            return "variant_of", "A variant has no variants."
        if not head.name.zh:
            return "variant_of", "It has no option."
        if len(self._variants[own.variant_of]) > VARIANTS_MAX:
            return "variant_of", f"At most {VARIANTS_MAX} variants."
        return None

    def affected(self, ids: Iterable[str]) -> set[str]:
        """Products whose place in a family may be wrong once `ids` have changed."""
        found = set(ids)
        return found.union(*(self._variants[id] for id in found))


def with_option(name: Text, option: Text | None) -> Text:
    """Return the name of a product as people read it: 草莓 · 500 g."""
    if option is None:
        return name
    return Text(f"{name.zh} · {option.zh}", f"{name.en} · {option.en}")


def _same(one: Text, other: Text) -> bool:
    return one.zh.casefold() == other.zh.casefold() or one.en.casefold() == other.en.casefold()
