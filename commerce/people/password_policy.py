"""Which passwords staff may have: long, not one of the first that are guessed, not the user name.

WeakPassword    a password that is refused, and why
"""

import re

from commerce.errors import CommerceError

CHARS_MIN = 10
CHARS_MAX = 256
DIFFERENT_CHARS_MIN = 5

# What is left of a password without the digits and signs that people add to it.
_CORES = frozenset(
    """
    password passwort passw pass passwd motdepasse contrasena senha qwerty qwertyuiop qwertz azerty
    asdf asdfgh asdfghjkl zxcvbn zxcvbnm qazwsx qazwsxedc admin administrator root user guest test
    demo welcome letmein changeme default secret iloveyou woaini woaiwojia aini mima wodemima
    monkey dragon sunshine princess football baseball superman master shadow login hello abc abcd
    abcde abcdef abcdefg abcdefgh abcdefghij qweasd qweasdzxc linli shop store host live taobao
    alibaba tencent wechat weixin baidu
    """.split()
)
_COMMON = frozenset(
    """
    1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx3edc 1qazxsw23edc q1w2e3r4t5 q1w2e3r4t5y6 zaq12wsxcde3
    a1b2c3d4e5 qwe123qwe123 asd123asd123 abc123abc123 1a2b3c4d5e p@ssw0rd123 p@ssword123 passw0rd123
    pa55word123
    1314520520 5201314520 1314521314 5845201314 woaini1314520 woaini5201314 147258369a 1472583690
    0147258369 7894561230 1029384756 3.14159265 314159265358
    """.split()
)
_AROUND = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_ROWS = ("0123456789012", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm")


class WeakPassword(CommerceError):
    """A password that is refused; the text says why."""


def require_strong(password: str, username: str) -> None:
    """Refuse a password that is guessed early.

    Raises:
        WeakPassword: It is short, long, common, or made of the user name.
    """
    lower = password.casefold()
    core = _AROUND.sub("", lower)
    name = username.casefold()
    if len(password) < CHARS_MIN:
        raise WeakPassword(f"A password needs at least {CHARS_MIN} characters.")
    if len(password) > CHARS_MAX:
        raise WeakPassword(f"A password has at most {CHARS_MAX} characters.")
    if name and (core == name or (name in lower and len(lower) - len(name) < CHARS_MIN // 2)):
        raise WeakPassword("A password must not be the user name.")
    if (
        core in _CORES
        or lower in _COMMON
        or len(set(lower)) < DIFFERENT_CHARS_MIN
        or _is_repeated(lower)
        or any(lower in row or lower in row[::-1] for row in _ROWS)
        or lower.isdecimal()
    ):
        raise WeakPassword("This password is one of the first that are guessed; choose another.")


def _is_repeated(text: str) -> bool:
    """Whether the text is one short part again and again."""
    return len(text) > 1 and text in (text + text)[1:-1]
