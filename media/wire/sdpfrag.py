"""SDP fragments of trickle ICE (RFC 8840 section 9), which WHIP and WHEP clients PATCH.

An ICE-lite agent does not need a peer's candidates: it learns the peer's address from its checks.
So candidates are read for their form only.
"""

import re
from dataclasses import dataclass

from media.errors import BadFragment

FRAGMENT_CHARS_MAX = 20_000
_LINE = re.compile(r"[a-z]=[^\r\n]*")
_UFRAG = re.compile(r"[A-Za-z0-9+/]{4,256}")
_PASSWORD = re.compile(r"[A-Za-z0-9+/]{22,256}")


@dataclass(frozen=True, slots=True)
class Fragment:
    """ICE credentials, if there are any, and the number of candidates."""

    ufrag: str | None
    password: str | None
    candidates: int


def parse_fragment(text: str) -> Fragment:
    """Parse a body of type `application/trickle-ice-sdpfrag`.

    Raises:
        BadFragment: It is not one, or its credentials differ between sections (RFC 8840 section 9)
            or do not have the form of RFC 8839 section 5.4.
    """
    if len(text) > FRAGMENT_CHARS_MAX:
        raise BadFragment("The fragment is too long.")
    lines = [line for line in re.split(r"\r?\n", text) if line]
    if not lines:
        raise BadFragment("The fragment is empty.")
    ufrags: set[str] = set()
    passwords: set[str] = set()
    candidates = 0
    for line in lines:
        if not _LINE.fullmatch(line):
            raise BadFragment("A line is not of the form a=….")
        name, _, value = line[2:].partition(":")
        if name == "ice-ufrag":
            ufrags.add(value)
        elif name == "ice-pwd":
            passwords.add(value)
        elif name == "candidate":
            candidates += 1
    if len(ufrags) > 1 or len(passwords) > 1 or len(ufrags) != len(passwords):
        raise BadFragment("A fragment has one ice-ufrag and one ice-pwd, or none.")
    ufrag, password = next(iter(ufrags), None), next(iter(passwords), None)
    if ufrag is not None and not _UFRAG.fullmatch(ufrag):
        raise BadFragment("The ice-ufrag is malformed.")
    if password is not None and not _PASSWORD.fullmatch(password):
        raise BadFragment("The ice-pwd is malformed.")
    return Fragment(ufrag, password, candidates)
