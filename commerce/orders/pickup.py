"""Pickup codes: Crockford base32 (no I L O U), made from given random bits, forgiving to type.

Source: https://www.crockford.com/base32.html
"""

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_CHARS = 9
CODE_BITS = 5 * CODE_CHARS  # 45 random bits, bound to one store
_GROUP_CHARS = 4

_READ = {symbol: symbol for symbol in ALPHABET} | {"O": "0", "I": "1", "L": "1"}
_IGNORED = frozenset(" -\t\u2010\u2011\u2013")


def code_of(bits: int) -> str:
    """Return the code of `CODE_BITS` random bits, without dashes."""
    assert 0 <= bits < 1 << CODE_BITS
    return "".join(ALPHABET[(bits >> 5 * place) & 31] for place in reversed(range(CODE_CHARS)))


def shown(code: str) -> str:
    """Return the code as people read it: `XXXX-XXXX-X`."""
    return "-".join(code[at : at + _GROUP_CHARS] for at in range(0, len(code), _GROUP_CHARS))


def read(typed: str) -> str | None:
    """Return the code that a person typed or scanned, or None if it cannot be one."""
    symbols = [symbol for symbol in typed.upper() if symbol not in _IGNORED]
    if len(symbols) != CODE_CHARS or any(symbol not in _READ for symbol in symbols):
        return None
    return "".join(_READ[symbol] for symbol in symbols)
