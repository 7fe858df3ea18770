"""A till's own rules: what was scanned or typed, the basket, the total. Works without a network.

Lines that are typed: `6901234567892`, `tea`, `菠菜`, each with ` x3` for three of it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from commerce.supply.barcodes import BadBarcode, parse, scanned

UNITS_MAX = 10_000
_TIMES = re.compile(r"^(.*\S)\s+[x×*](\d{1,5})$")


class NotInCatalogue(Exception):
    """Nothing, or more than one product, has that code or name; `found` are the names."""

    def __init__(self, typed: str, found: Sequence[str]) -> None:
        super().__init__(typed)
        self.typed = typed
        self.found = tuple(found)

    def __str__(self) -> str:
        if self.found:
            return f"{self.typed}: which one? {', '.join(self.found)}"
        return f"{self.typed}: no such product"


@dataclass(frozen=True, slots=True)
class Code:
    """A barcode of a product; grams of a unit if it is sold by weight."""

    code: str
    grams_per_unit: int | None = None


@dataclass(frozen=True, slots=True)
class TillProduct:
    """A product as the till keeps it; `names` in all languages, the first is shown."""

    product_id: str
    names: tuple[str, ...]
    price_fen: int
    codes: tuple[Code, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the basket."""

    item: str
    name: str
    units: int
    amount_fen: int


@dataclass(slots=True)
class Basket:
    """What is about to be paid."""

    items: list[Item] = field(default_factory=list)

    @property
    def total_fen(self) -> int:
        """What it costs."""
        return sum(item.amount_fen for item in self.items)


class TillCatalogue:
    """What a till can sell."""

    def __init__(self, products: Sequence[TillProduct]) -> None:
        self.products = {product.product_id: product for product in products}
        self._codes = {
            code.code: (product, code.grams_per_unit)
            for product in products
            for code in product.codes
        }

    def item(self, typed: str) -> Item:
        """Return the line that a scan or typed words stand for.

        Raises:
            NotInCatalogue: Nothing has that code or name, or several have.
        """
        words, times = typed.strip(), 1
        if found := _TIMES.fullmatch(words):
            words, times = found[1], int(found[2])
        if not 1 <= times <= UNITS_MAX:
            raise NotInCatalogue(typed, ())
        try:
            barcode = parse(words)
        except BadBarcode:
            product = self._named(words)
            return Item(product.product_id, product.names[0], times, times * product.price_fen)
        if barcode.key not in self._codes:
            raise NotInCatalogue(words, ())
        product, grams_per_unit = self._codes[barcode.key]
        sold = scanned(barcode, product.price_fen, grams_per_unit)
        return Item(words, product.names[0], times * sold.units, times * sold.amount_fen)

    def _named(self, words: str) -> TillProduct:
        if words in self.products:
            return self.products[words]
        wanted = words.casefold()
        found = [
            product
            for product in self.products.values()
            if any(wanted in name.casefold() for name in product.names)
        ]
        exact = [product for product in found if words in product.names]
        if len(exact or found) != 1:
            raise NotInCatalogue(words, [product.names[0] for product in found[:9]])
        return (exact or found)[0]
