"""Names as leaders see them: enough to know a neighbour again, not enough to look one up."""

import re
import unicodedata

_JOINED = re.compile("[\u200d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]")


def masked(nickname: str) -> str:
    """Return the first and the last character of a nickname around an asterisk.

    Of two characters the last one is covered; of one, nothing is left to cover.
    """
    clusters = _clusters(nickname)
    if len(clusters) <= 1:
        return nickname
    last = clusters[-1] if len(clusters) > 2 else ""
    return f"{clusters[0]}*{last}"


def initial(nickname: str) -> str:
    """Return the first character of a nickname and an asterisk; nothing of an empty one."""
    return f"{_clusters(nickname)[0]}*" if nickname else ""


def _clusters(text: str) -> list[str]:
    """Characters as people count them, near enough: marks and joined emoji stay together."""
    clusters: list[str] = []
    for char in text:
        continues = _JOINED.match(char) or unicodedata.category(char).startswith("M")
        if clusters and (continues or clusters[-1].endswith("\u200d")):
            clusters[-1] += char
        else:
            clusters.append(char)
    return clusters
