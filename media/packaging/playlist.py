"""The text of playlists (draft-pantos-hls-rfc8216bis), written from what a `Segmenter` has."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from media.packaging.segmenter import PART_TARGET_S, TARGET_DURATION_S, Segment, Segmenter
from media.wire import fmp4

VERSION = 9  # EXT-X-SKIP
HOLD_BACK_S = 3 * PART_TARGET_S
SKIP_UNTIL_S = 6.0 * TARGET_DURATION_S
# How far from the end a segment still has its parts listed (section 4.4.4.9).
PARTS_S = 3.0 * TARGET_DURATION_S
PART_SEGMENTS_MAX = 4  # the open one is one of them


def segment_uri(msn: int) -> str:
    """Name a segment."""
    return f"s{msn}.m4s"


def part_uri(msn: int, part: int) -> str:
    """Name a part."""
    return f"p{msn}.{part}.m4s"


def init_uri(number: int) -> str:
    """Name an init segment, the first is 1."""
    return f"i{number}.mp4"


def media_uri(stream_id: str) -> str:
    """Name the media playlist of a stream, from where the multivariant playlist is."""
    return f"{stream_id}/media.m3u8"


def multivariant(variants: Sequence[tuple[str, Segmenter]]) -> str:
    """Return the multivariant playlist (section 4.4.6) of streams, by id, as their peaks were.

    Each has at least one part. Players that do not choose begin with the first.
    """
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{VERSION}"]
    for stream_id, segmenter in variants:
        codecs = ",".join(track.codecs for track in segmenter.tracks)
        attributes = [f"BANDWIDTH={math.ceil(_peak_bits_per_s(segmenter))}", f'CODECS="{codecs}"']
        first = segmenter.tracks[0]
        if isinstance(first, fmp4.Video):
            attributes.append(f"RESOLUTION={first.width}x{first.height}")
        lines += ["#EXT-X-STREAM-INF:" + ",".join(attributes), media_uri(stream_id)]
    return "\n".join(lines) + "\n"


def _peak_bits_per_s(segmenter: Segmenter) -> float:
    """Of segments; until the first is complete, of what there is of it."""
    if segmenter.bits_per_s_peak:
        return segmenter.bits_per_s_peak
    first = segmenter.segments[0]
    return first.octets * 8 / first.duration_s


def media(
    segmenter: Segmenter,
    *,
    skips: bool = False,
    reports: Sequence[tuple[str, Segmenter]] = (),
) -> str:
    """Return the media playlist; with `skips` a delta update (section 6.2.5.1), if one is due.

    `reports` are the other streams of the live, by id (section 4.4.5.4).
    """
    segments = list(segmenter.segments)
    first_msn = segments[0].msn if segments else segmenter.next_msn
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{VERSION}",
        f"#EXT-X-TARGETDURATION:{TARGET_DURATION_S}",
        f"#EXT-X-PART-INF:PART-TARGET={PART_TARGET_S:.5f}",
        "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,"
        f"PART-HOLD-BACK={HOLD_BACK_S:.5f},CAN-SKIP-UNTIL={SKIP_UNTIL_S:.1f}",
        f"#EXT-X-MEDIA-SEQUENCE:{first_msn}",
        f"#EXT-X-DISCONTINUITY-SEQUENCE:{segmenter.discontinuities_retired}",
    ]
    left_s = sum(segment.duration_s for segment in segments)
    skipped = _skipped(segments, left_s) if skips else 0
    if skipped:
        lines.append(f"#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}")
        left_s -= sum(segment.duration_s for segment in segments[:skipped])
    init = 0
    for left, segment in enumerate(segments[skipped:], skipped - len(segments)):
        if segment.begins_discontinuity:
            lines.append("#EXT-X-DISCONTINUITY")
        if segment.init != init:
            init = segment.init
            lines.append(f'#EXT-X-MAP:URI="{init_uri(init)}"')
        left_s -= segment.duration_s
        lines += _segment(segment, with_parts=left_s <= PARTS_S and left >= -PART_SEGMENTS_MAX)
    if segmenter.ended:
        lines.append("#EXT-X-ENDLIST")
    else:
        if segmenter.announces_discontinuity:
            lines.append("#EXT-X-DISCONTINUITY")
        uri = part_uri(*segmenter.next_part)
        lines.append(f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{uri}"')
    for stream_id, other in reports:
        if other.last_part is not None:
            msn, part = other.last_part
            place = f"LAST-MSN={msn},LAST-PART={part}"
            lines.append(f'#EXT-X-RENDITION-REPORT:URI="../{media_uri(stream_id)}",{place}')
    return "\n".join(lines) + "\n"


def _skipped(segments: list[Segment], left_s: float) -> int:
    """Return how many segments a client knows that has the playlist of before.

    A discontinuity is never skipped: players lose count of them.
    """
    skipped = 0
    for segment in segments:
        left_s -= segment.duration_s
        if segment.begins_discontinuity or left_s < SKIP_UNTIL_S:
            break
        skipped += 1
    return skipped


def _segment(segment: Segment, *, with_parts: bool) -> list[str]:
    at = datetime.fromtimestamp(segment.program_s, UTC).isoformat(timespec="milliseconds")
    lines = [f"#EXT-X-PROGRAM-DATE-TIME:{at.removesuffix('+00:00')}Z"]
    for index, part in enumerate(segment.parts) if with_parts else ():
        # A longer one is a single frame before a short pause: the segment has its true duration.
        duration_s = min(part.duration_s, PART_TARGET_S)
        line = f'#EXT-X-PART:DURATION={duration_s:.5f},URI="{part_uri(segment.msn, index)}"'
        lines.append(line + (",INDEPENDENT=YES" if part.independent else ""))
    if segment.complete:
        lines += [f"#EXTINF:{segment.duration_s:.5f},", segment_uri(segment.msn)]
    return lines
