"""Barcodes as a till scans them: EAN-13, and in-store codes that carry a weight.

EAN-13 and the check digit: GS1 General Specifications sections 2.1 and 7.9. Prefixes 20 to 29 are
for restricted circulation within a company (section 1.4): two digits of prefix and five of the
item, then five of the weight in grams, then the check digit.
"""

from dataclasses import dataclass

EAN13_DIGITS = 13
UPC_A_DIGITS = 12
ITEM_DIGITS = 7  # prefix and item of an in-store code


class BadBarcode(ValueError):
    """Not a barcode: the wrong length, other characters, or a wrong check digit."""


@dataclass(frozen=True, slots=True)
class Barcode:
    """What a code stands for: `key` is what products are known by; `grams` of a weight code."""

    key: str
    grams: int | None = None


def check_digit(digits: str) -> int:
    """Return the check digit of the twelve digits of an EAN-13 before it."""
    weighted = sum(int(digit) * (3 if at % 2 else 1) for at, digit in enumerate(digits))
    return -weighted % 10


def parse(code: str) -> Barcode:
    """Read an EAN-13 (or a UPC-A, which is one that begins with 0).

    Raises:
        BadBarcode: It is none.
    """
    if not (code.isascii() and code.isdecimal()):
        raise BadBarcode("not digits")
    if len(code) == UPC_A_DIGITS:
        code = f"0{code}"
    if len(code) != EAN13_DIGITS:
        raise BadBarcode("not 13 digits")
    if check_digit(code[:-1]) != int(code[-1]):
        raise BadBarcode("wrong check digit")
    if code[0] == "2":
        return Barcode(code[:ITEM_DIGITS], int(code[ITEM_DIGITS:-1]))
    return Barcode(code)


def is_key(code: str) -> bool:
    """Whether a product may be known by `code`: a whole EAN-13, or the item of a weight code."""
    if len(code) == ITEM_DIGITS:
        return code.isascii() and code.isdecimal() and code[0] == "2"
    try:
        return parse(code).key == code
    except BadBarcode:
        return False


@dataclass(frozen=True, slots=True)
class Scanned:
    """How much a scan sells: whole units of stock, and what they cost in fen."""

    units: int
    amount_fen: int


def scanned(barcode: Barcode, price_fen: int, grams_per_unit: int | None) -> Scanned:
    """Return what one scan of a product sells.

    A weight is priced to the fen; stock counts whole units, at least one, rounded half up.
    """
    if barcode.grams is None or not grams_per_unit:
        return Scanned(1, price_fen)
    grams = barcode.grams
    units = max(1, (2 * grams + grams_per_unit) // (2 * grams_per_unit))
    return Scanned(units, (2 * price_fen * grams + grams_per_unit) // (2 * grams_per_unit))
