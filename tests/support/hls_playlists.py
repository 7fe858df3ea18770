"""Reads LL-HLS media playlists and asserts the rules of draft-pantos-hls-rfc8216bis on them."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

# What a decimal with five places may be off, and a time in milliseconds.
ROUNDING_S, CLOCK_S = 2e-5, 2e-3
_ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"]*"|[^,]*)(?:,|$)')


@dataclass
class Part:
    uri: str
    duration_s: float
    independent: bool


@dataclass
class Segment:
    msn: int
    init: str
    at: datetime
    discontinuity: bool
    parts: list[Part] = field(default_factory=list)
    uri: str | None = None  # None: it is open
    duration_s: float = 0.0


@dataclass
class Playlist:
    """A media playlist; of a delta update the segments that are not skipped."""

    target_s: int = 0
    part_target_s: float = 0.0
    control: dict[str, str] = field(default_factory=dict)
    msn: int = 0
    discontinuities: int = 0
    skipped: int = 0
    version: int = 1
    segments: list[Segment] = field(default_factory=list)
    announces_discontinuity: bool = False
    hint: str | None = None
    reports: dict[str, tuple[int, int]] = field(default_factory=dict)  # URI → last segment, part
    ended: bool = False

    @property
    def complete(self) -> list[Segment]:
        return [segment for segment in self.segments if segment.uri]


def attributes(text: str) -> dict[str, str]:
    """Return an attribute list (section 4.2)."""
    assert re.fullmatch(r'([A-Z0-9-]+=("[^"]*"|[^",]*)(,(?=.)|$))+', text), text
    return {name: value.strip('"') for name, value in _ATTRIBUTE.findall(text)}


def parse(text: str) -> Playlist:
    """Read a media playlist; tags that we do not write are an error."""
    lines = text.split("\n")
    assert lines[0] == "#EXTM3U" and lines[-1] == ""
    out, seen = Playlist(), set[str]()
    init, at, discontinuity, duration_s = "", None, False, 0.0
    open_segment: Segment | None = None

    def segment() -> Segment:
        nonlocal open_segment, discontinuity
        if open_segment is None:
            assert init, "EXT-X-MAP stands before the media that needs it (section 4.4.4.5)"
            assert at is not None
            msn = out.msn + out.skipped + len(out.segments)
            open_segment = Segment(msn, init, at, discontinuity)
            discontinuity = False
            out.segments.append(open_segment)
        return open_segment

    for line in lines[1:-1]:
        tag, _, value = line.partition(":")
        if not line.startswith("#"):
            done = segment()
            assert duration_s > 0, "EXTINF stands before each URI"
            done.uri, done.duration_s = line, duration_s
            open_segment, at, duration_s = None, None, 0.0
            continue
        once = tag not in ("#EXTINF", "#EXT-X-PART", "#EXT-X-DISCONTINUITY", "#EXT-X-MAP")
        once &= tag not in ("#EXT-X-PROGRAM-DATE-TIME", "#EXT-X-RENDITION-REPORT")
        assert not once or tag not in seen, f"{tag} stands there twice"
        seen.add(tag)
        match tag:
            case "#EXT-X-VERSION":
                out.version = int(value)
            case "#EXT-X-TARGETDURATION":
                out.target_s = int(value)
            case "#EXT-X-PART-INF":
                out.part_target_s = float(attributes(value)["PART-TARGET"])
            case "#EXT-X-SERVER-CONTROL":
                out.control = attributes(value)
            case "#EXT-X-MEDIA-SEQUENCE":
                assert not out.segments
                out.msn = int(value)
            case "#EXT-X-DISCONTINUITY-SEQUENCE":
                assert not out.segments
                out.discontinuities = int(value)
            case "#EXT-X-SKIP":
                assert not out.segments
                out.skipped = int(attributes(value)["SKIPPED-SEGMENTS"])
            case "#EXT-X-DISCONTINUITY":
                assert open_segment is None
                discontinuity = True
            case "#EXT-X-MAP":
                init = attributes(value)["URI"]
            case "#EXT-X-PROGRAM-DATE-TIME":
                assert open_segment is None
                at = datetime.fromisoformat(value)
                assert at.tzinfo is not None
            case "#EXT-X-PART":
                part = attributes(value)
                independent = part.get("INDEPENDENT") == "YES"
                segment().parts.append(Part(part["URI"], float(part["DURATION"]), independent))
            case "#EXTINF":
                duration_s = float(value.rstrip(","))
            case "#EXT-X-PRELOAD-HINT":
                assert attributes(value)["TYPE"] == "PART"
                out.hint = attributes(value)["URI"]
            case "#EXT-X-RENDITION-REPORT":
                report = attributes(value)
                assert report["URI"] not in out.reports
                out.reports[report["URI"]] = int(report["LAST-MSN"]), int(report["LAST-PART"])
            case "#EXT-X-ENDLIST":
                out.ended = True
            case _:
                raise AssertionError(f"unknown tag {tag}")
    out.announces_discontinuity = discontinuity
    return out


@dataclass
class Variant:
    """An entry of a multivariant playlist."""

    uri: str
    bits_per_s: int
    codecs: list[str]
    size: tuple[int, int] | None


def parse_multivariant(text: str) -> list[Variant]:
    """Read a multivariant playlist and assert its rules (section 4.4.6.2)."""
    lines = text.split("\n")
    assert lines[0] == "#EXTM3U" and lines[-1] == ""
    assert lines[1].startswith("#EXT-X-VERSION:")
    found = []
    for stated, uri in zip(lines[2:-1:2], lines[3:-1:2], strict=True):
        tag, _, value = stated.partition(":")
        assert tag == "#EXT-X-STREAM-INF" and not uri.startswith("#")
        named = attributes(value)
        size = None
        if "RESOLUTION" in named:
            width, _, height = named["RESOLUTION"].partition("x")
            size = int(width), int(height)
        codecs = named["CODECS"].split(",")
        assert any(codec.startswith("avc1.") for codec in codecs) is (size is not None)
        found.append(Variant(uri, int(named["BANDWIDTH"]), codecs, size))
    assert len({variant.uri for variant in found}) == len(found) > 0
    return found


def check_peak(variant: Variant, playlist: Playlist, octets: dict[str, int]) -> None:
    """Assert that BANDWIDTH is the peak of the segments, of which `octets` has the length."""
    rates = [octets[str(each.uri)] * 8 / each.duration_s for each in playlist.complete]
    assert max(rates) <= variant.bits_per_s * 1.01, "a segment is above BANDWIDTH"


def check_aligned(one: Playlist, other: Playlist) -> None:
    """Assert what players need to change between two renditions (section 6.2.4)."""
    assert one.target_s == other.target_s and one.part_target_s == other.part_target_s
    begun = {
        name: playlist.discontinuities + sum(each.discontinuity for each in playlist.segments)
        for name, playlist in (("one", one), ("other", other))
    }
    assert len(set(begun.values())) == 1, "discontinuities are counted alike"


class PlaylistChecker:
    """Asserts the rules on each playlist of one stream, in the order of their publication.

    With `complete`, it is given each one that was published.
    """

    def __init__(self, *, complete: bool = True) -> None:
        self._complete = complete
        self.newest: Playlist | None = None
        self.checked = 0

    def check(self, text: str) -> Playlist:
        """Check a playlist; return it with what a delta update skipped."""
        playlist = parse(text)
        _check_one(playlist)
        before = self.newest
        if playlist.skipped:
            assert before is not None, "a delta update follows a playlist"
            _merge(playlist, before)
        if before is not None:
            _check_update(before, playlist, complete=self._complete)
        self.newest = playlist
        self.checked += 1
        return playlist


def _check_one(playlist: Playlist) -> None:
    target_s, part_target_s = playlist.target_s, playlist.part_target_s
    control = playlist.control
    assert playlist.version >= 9, "EXT-X-SKIP needs version 9 (section 8)"
    assert control["CAN-BLOCK-RELOAD"] == "YES"
    assert float(control["PART-HOLD-BACK"]) >= 3 * part_target_s - ROUNDING_S
    assert float(control["CAN-SKIP-UNTIL"]) >= 6 * target_s
    assert (playlist.hint is None) is playlist.ended
    left_s = sum(segment.duration_s for segment in playlist.complete)
    for segment in playlist.segments:
        assert segment is playlist.segments[-1] or segment.uri, "only the last segment is open"
        assert round(segment.duration_s) <= target_s, "section 4.4.3.1"
        left_s -= segment.duration_s
        assert not segment.parts or left_s <= 3 * target_s + 1e-6, "section 4.4.4.9"
        for part in segment.parts:
            assert part.duration_s <= part_target_s + ROUNDING_S, "section 4.4.4.9"
        full = segment.parts[:-1] if segment.uri else segment.parts
        for part in full:
            assert part.duration_s >= 0.85 * part_target_s - ROUNDING_S, "section 4.4.3.7"
    for one, other in pairwise(playlist.segments):
        step_s = (other.at - one.at).total_seconds()
        assert step_s > 0
        if not other.discontinuity:
            assert abs(step_s - one.duration_s) < CLOCK_S, "EXT-X-PROGRAM-DATE-TIME has one clock"
            assert other.init == one.init, "other tracks begin with a discontinuity"


def _merge(playlist: Playlist, before: Playlist) -> None:
    """Put in what a delta update skipped (section 6.2.5.1)."""
    known = {segment.msn: segment for segment in before.complete}
    skipped = [known[playlist.msn + at] for at in range(playlist.skipped)]
    assert sum(each.duration_s for each in playlist.segments) >= (
        float(playlist.control["CAN-SKIP-UNTIL"]) - ROUNDING_S
    )
    playlist.segments = skipped + playlist.segments


def _check_update(before: Playlist, after: Playlist, *, complete: bool) -> None:
    for name in ("target_s", "part_target_s", "control", "version"):
        assert getattr(before, name) == getattr(after, name), f"{name} never changes"
    assert after.msn >= before.msn
    gone = [segment for segment in before.segments if segment.msn < after.msn]
    if complete:
        retired = sum(segment.discontinuity for segment in gone)
        assert after.discontinuities == before.discontinuities + retired, "section 6.2.2"
    known = {segment.msn: segment for segment in before.segments}
    for segment in after.segments:
        old = known.get(segment.msn)
        if old is None:
            continue
        assert (old.init, old.at, old.discontinuity) == (
            segment.init,
            segment.at,
            segment.discontinuity,
        )
        assert old.uri is None or (old.uri, old.duration_s) == (segment.uri, segment.duration_s)
        assert not segment.parts or segment.parts[: len(old.parts)] == old.parts
    assert not before.ended or after.ended
    new = [
        part
        for segment in after.segments
        for part in segment.parts
        if segment.msn not in known or part not in known[segment.msn].parts
    ]
    if complete and new:
        assert len(new) == 1 and new[0].uri == before.hint, "the preload hint was right"
        begins = after.segments[-1].discontinuity and len(after.segments[-1].parts) == 1
        assert before.announces_discontinuity == begins, "announced when the source ended"
