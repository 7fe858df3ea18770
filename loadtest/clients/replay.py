"""A replay as a player loads it: a VOD playlist of byte ranges (RFC 8216), segment by segment."""

import re
from dataclasses import dataclass
from urllib.parse import urljoin

# A player loads so far ahead of what it shows.
BUFFER_S = 10.0
_SEGMENT = re.compile(
    r"#EXTINF:(?P<seconds>[\d.]+)[^\n]*\n"
    r"(?:#EXT-X-BYTERANGE:(?P<length>\d+)(?:@(?P<offset>\d+))?\n)?"
    r"(?P<uri>[^#\n]+)"
)


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment; a `length` of 0 is the whole resource."""

    path: str
    seconds: float
    offset: int = 0
    length: int = 0

    def headers(self) -> dict[str, str]:
        """Return those of the request for it."""
        if not self.length:
            return {}
        return {"Range": f"bytes={self.offset}-{self.offset + self.length - 1}"}


def segments_of(playlist: str, path: str) -> list[Segment]:
    """Return the segments of the media playlist at `path`."""
    found: list[Segment] = []
    following = 0
    for match in _SEGMENT.finditer(playlist):
        length = int(match["length"] or 0)
        # Without an offset a range follows on the one before.
        offset = int(match["offset"]) if match["offset"] else following if length else 0
        following = offset + length
        uri = urljoin(path, match["uri"].strip())
        found.append(Segment(uri, float(match["seconds"]), offset, length))
    return found


@dataclass(slots=True)
class Playback:
    """What of a replay is here and what is shown: says when to load, counts stalls."""

    loaded_s: float = 0.0
    stalls: int = 0
    stalled_s: float = 0.0
    # Position 0 was, or would have been, shown then; None before the first segment.
    began: float | None = None

    def load_at(self, now: float) -> float:
        """Return when the next segment is to be asked for."""
        return now if self.began is None else max(now, self.began + self.loaded_s - BUFFER_S)

    def loaded(self, seconds: float, now: float) -> None:
        """A segment of so many seconds is here."""
        if self.began is None:
            self.began = now
        late_s = now - (self.began + self.loaded_s)
        if late_s > 0 and self.loaded_s:
            self.stalls += 1
            self.stalled_s += late_s
            self.began += late_s
        self.loaded_s += seconds
