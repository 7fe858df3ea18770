"""Viewers' offers, of which those of one browser differ in little: the rest is parsed once.

A browser offers all that it can decode, some 200 lines, the same for each of its viewers but for
the numbers, passwords and fingerprints of one session.
"""

import re
from dataclasses import replace
from functools import lru_cache

from media.wire.sdp import Offer, parse_offer

KEPT_MAX = 128  # kinds of offers
KEPT_CHARS_MAX = 16_000  # of one; a longer one is parsed each time

# What is one session's own: the id in its origin, ICE credentials, fingerprints.
_OWN = re.compile(
    r"^(o=\S+ (?=\d+ \d+ IN )|a=ice-ufrag:|a=ice-pwd:|a=fingerprint:[\w-]+ )(\S+)(?= \d+ IN |\r?$)",
    flags=re.MULTILINE,
)


def parse_played(text: str) -> Offer:
    """Parse and check an offer to play; see `parse_offer`.

    Raises:
        BadOffer: As there.
    """
    if len(text) > KEPT_CHARS_MAX:
        return parse_offer(text, "play")
    own: dict[str, str] = {}

    def take(found: re.Match[str]) -> str:
        name = f"V{len(own)}"
        own[name] = found[2]
        return found[1] + name

    kept = _parsed(_OWN.sub(take, text))
    return replace(
        kept,
        ufrag=own.get(kept.ufrag, kept.ufrag),
        password=own.get(kept.password, kept.password),
        fingerprints=tuple(
            (name, own.get(value, value).upper()) for name, value in kept.fingerprints
        ),
    )


@lru_cache(KEPT_MAX)
def _parsed(text: str) -> Offer:
    return parse_offer(text, "play")
