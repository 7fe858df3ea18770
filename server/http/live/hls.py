"""LL-HLS (draft-pantos-hls-rfc8216bis): playlists that wait for what is new, and its files."""

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from media.errors import NotPackaged
from media.io.hls.rendition import Rendition
from media.packaging import playlist
from media.packaging.segmenter import PART_TARGET_S
from media.wire import fmp4
from server.http.bodies import services_of
from server.http.live.common import media_problems, open_to_all, preflight, watched_room
from server.limits import LimitKind
from server.problem import Problem

PLAYLIST = "application/vnd.apple.mpegurl"
PART = "video/mp4"
MEDIA = "media.m3u8"
# Within three target durations (section 6.2.5.2), and before players give up.
BLOCKED_S_MAX = 6.0
# How many parts beyond the last one may be asked for (section 6.2.5.2).
PARTS_AHEAD_MAX = round(3 / PART_TARGET_S + 0.5)
# URLs of media name bytes that never change; a playlist is shared by those who wait for it.
FOREVER = "public, max-age=3600, immutable"
BRIEFLY = "public, max-age=1"
NEVER = "no-cache"
_NUMBER = re.compile(r"\d{1,9}")
_FILE = re.compile(r"([ips])(\d{1,9})(?:\.(\d{1,4}))?\.(mp4|m4s)")


async def multivariant(request: Request) -> Response:
    """`GET /live/{room}/hls/index.m3u8`: a variant per layer, and the sound alone."""
    return await _variants(request, sound_only=False)


async def sound(request: Request) -> Response:
    """`GET /live/{room}/hls/audio.m3u8`: the sound alone, for players that leave it out above."""
    return await _variants(request, sound_only=True)


async def _variants(request: Request, *, sound_only: bool) -> Response:
    services, room_id = services_of(request), watched_room(request)
    await services.limits.take(LimitKind.PLAY, services.limits.address(request))
    with media_problems():
        try:
            private = room_id in services.rehearsals.rooms
            stream = await services.hls.join(room_id, private=private)
        except NotPackaged:
            detail = "The host sends VP8; HLS carries H.264."
            raise Problem(409, "no-hls", "Not available by HLS.", detail) from None
    others = [each for each in stream.siblings if each.segmenter.bits_per_s_peak]
    renditions = [stream, *others]
    if sound_only:
        renditions = [each for each in renditions if not has_video(each)]
        if not renditions:
            raise Problem(409, "no-sound", "The live has no sound.")
    text = playlist.multivariant([(each.id, each.segmenter) for each in renditions])
    return Response(text, media_type=PLAYLIST, headers={"Cache-Control": NEVER})


async def file(request: Request) -> Response:
    """`GET /live/{room}/hls/{stream}/{file}`: the media playlist, or a file that it names."""
    services, room_id = services_of(request), watched_room(request)
    stream = services.hls.stream(room_id, request.path_params["stream"])
    if stream is None:
        raise Problem(404, "no-such-stream", "No such stream.", "Load index.m3u8 again.")
    name = request.path_params["file"]
    if name == MEDIA:
        services.hls.use(room_id)
        return await _media(request, stream)
    data = await _bytes(stream, name)
    if data is None:
        raise Problem(404, "not-found", "Not found.")
    return Response(data, media_type=PART, headers={"Cache-Control": FOREVER})


async def _media(request: Request, stream: Rendition) -> Response:
    msn, part = _number(request, "_HLS_msn"), _number(request, "_HLS_part")
    cache = NEVER
    if msn is not None:
        if is_too_far(stream, msn, part or 0):
            raise Problem(400, "too-far", "That part is too far ahead.")
        if await stream.wait_for(msn, part or 0, BLOCKED_S_MAX):
            cache = BRIEFLY
    elif part is not None:
        raise Problem(400, "bad-request", "_HLS_part needs _HLS_msn.")
    skips = request.query_params.get("_HLS_skip") in ("YES", "v2")
    headers = {"Cache-Control": cache}
    return Response(stream.text(skips=skips), media_type=PLAYLIST, headers=headers)


def _number(request: Request, name: str) -> int | None:
    text = request.query_params.get(name)
    if text is not None and not _NUMBER.fullmatch(text):
        raise Problem(400, "bad-request", f"{name} is not a number.")
    return None if text is None else int(text)


def is_too_far(stream: Rendition, msn: int, part: int) -> bool:
    """Whether a part is so far ahead that nobody who plays the stream would wait for it."""
    next_msn, next_part = stream.segmenter.next_part
    beyond = part - next_part if msn == next_msn else part
    return msn > next_msn + 1 or (msn >= next_msn and beyond > PARTS_AHEAD_MAX)


def part_of(stream: Rendition, msn: int, index: int) -> bytes | None:
    """Return a part; None: it is not there, or no longer."""
    segment = stream.segmenter.find(msn)
    parts = segment.parts if segment is not None else ()
    return parts[index].data if index < len(parts) else None


async def _bytes(stream: Rendition, name: str) -> bytes | None:
    """Return what a name stands for; the part of the preload hint is waited for."""
    match = _FILE.fullmatch(name)
    if match is None:
        return None
    kind, number, index = match[1], int(match[2]), match[3]
    segmenter = stream.segmenter
    if kind == "i":
        fits = index is None and 1 <= number <= len(segmenter.inits)
        return segmenter.inits[number - 1] if fits else None
    if kind == "s":
        segment = segmenter.find(number)
        if segment is None or not segment.complete or index is not None:
            return None
        return b"".join(part.data for part in segment.parts)
    if index is None:
        return None
    if (number, int(index)) == segmenter.next_part:
        await stream.wait_for(number, int(index), BLOCKED_S_MAX)
    return part_of(stream, number, int(index))


def has_video(stream: Rendition) -> bool:
    """Whether it is more than sound."""
    return any(isinstance(track, fmp4.Video) for track in stream.segmenter.tracks)


routes = [
    Route("/live/{room}/hls/index.m3u8", open_to_all(multivariant), methods=["GET"]),
    Route("/live/{room}/hls/index.m3u8", preflight(), methods=["OPTIONS"]),
    Route("/live/{room}/hls/audio.m3u8", open_to_all(sound), methods=["GET"]),
    Route("/live/{room}/hls/audio.m3u8", preflight(), methods=["OPTIONS"]),
    Route("/live/{room}/hls/{stream}/{file}", open_to_all(file), methods=["GET"]),
    Route("/live/{room}/hls/{stream}/{file}", preflight(), methods=["OPTIONS"]),
]
