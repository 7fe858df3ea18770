"""Pickup codes: Crockford base32 (no I L O U), made from given random bits, forgiving to type.

Source: https://www.crockford.com/base32.html
web/src/lib/shop/pickup-code.ts reads codes by the same rules; the vectors in
tests/vectors/pickup_codes.json bind both.
"""

import re
import unicodedata

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_CHARS = 9
CODE_BITS = 5 * CODE_CHARS  # 45 random bits, bound to one store
_GROUP_CHARS = 4
_SYMBOLS = frozenset(ALPHABET)

_LOOKALIKES = str.maketrans("OIL", "011")
_IGNORED = re.compile("[^0-9A-Z]")
_SIGNATURE = re.compile(r"\.[A-Za-z0-9_-]{86}\s*$")


def code_of(bits: int) -> str:
    """Return the code of `CODE_BITS` random bits, without dashes."""
    assert 0 <= bits < 1 << CODE_BITS
    return "".join(ALPHABET[(bits >> 5 * place) & 31] for place in reversed(range(CODE_CHARS)))


def shown(code: str) -> str:
    """Return the code as people read it: `XXXX-XXXX-X`."""
    return "-".join(code[at : at + _GROUP_CHARS] for at in range(0, len(code), _GROUP_CHARS))


def signed(code: str, signature: str) -> str:
    """Return the text of a QR: the code as people read it, and its signature, if it has one."""
    return f"{shown(code)}.{signature}" if signature else shown(code)


def read(typed: str) -> str | None:
    """Return the code that a person typed, pasted or scanned, or None if it cannot be one.

    Full-width keyboards, any dashes, spaces and line breaks are allowed: only letters and digits
    count, after compatibility normalisation (NFKC). A signature behind the code is left out.
    """
    typed = _SIGNATURE.sub("", typed)
    plain = _IGNORED.sub("", unicodedata.normalize("NFKC", typed).upper())
    code = plain.translate(_LOOKALIKES)
    return code if len(code) == CODE_CHARS and set(code) <= _SYMBOLS else None
