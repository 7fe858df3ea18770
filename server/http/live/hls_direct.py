"""LL-HLS for many: what `server.http.live.hls` answers, past ASGI, for requests without a token.

A viewer asks for a playlist and a part three times a second.
"""

import re
import time
from email.utils import formatdate
from functools import partial

from media.io.hls.rendition import Rendition
from server.access.policy import ANONYMOUS, Action, allowed
from server.http.live import hls
from server.http.live.common import CORS
from server.net.direct import Reply
from server.services import Services

_TARGET = re.compile(
    rb"/live/([A-Za-z0-9][A-Za-z0-9_.:-]{0,63})/hls/([A-Za-z0-9_-]{1,32})/"
    rb"(?:media\.m3u8(?:\?(.*))?|p(\d{1,9})\.(\d{1,4})\.m4s)"
)
_QUERY = re.compile(rb"_HLS_msn=(\d{1,9})(?:&_HLS_part=(\d{1,4}))?(?:&_HLS_skip=(YES|v2))?")
_HEADERS = CORS | {"X-Content-Type-Options": "nosniff"}


def _head(media_type: str, cache: str) -> bytes:
    fields = _HEADERS | {"Content-Type": media_type, "Cache-Control": cache}
    lines = "".join(f"{name.lower()}: {value}\r\n" for name, value in fields.items())
    return b"HTTP/1.1 200 OK\r\n" + lines.encode()


_FRESH_PLAYLIST, _STALE_PLAYLIST = (
    _head(hls.PLAYLIST, cache) for cache in (hls.BRIEFLY, hls.NEVER)
)
_PART = _head(hls.PART, hls.FOREVER)


class DirectHls:
    """A `Direct`: reloads that wait and parts; what it does not take is for the routes."""

    def __init__(self, services: Services) -> None:
        self._road = services.hls
        self._rehearsals = services.rehearsals
        self._date = b""
        self._date_s = 0

    def __call__(self, target: bytes, reply: Reply) -> bool:
        """See `Direct`."""
        match = _TARGET.fullmatch(target)
        if match is None:
            return False
        room_id = match[1].decode()
        stream = self._road.stream(room_id, match[2].decode())
        if stream is None or not self._admits(room_id):
            return False
        if match[4] is not None:
            return self._part(stream, int(match[4]), int(match[5]), reply)
        return match[3] is not None and self._playlist(room_id, stream, match[3], reply)

    def _admits(self, room_id: str) -> bool:
        watches = allowed(ANONYMOUS, Action.WATCH, room_id=room_id)
        return watches and self._rehearsals.admits(ANONYMOUS, room_id)

    def _playlist(self, room_id: str, stream: Rendition, query: bytes, reply: Reply) -> bool:
        asked = _QUERY.fullmatch(query)
        if asked is None:
            return False
        msn, part, skips = int(asked[1]), int(asked[2] or 0), asked[3] is not None
        if hls.is_too_far(stream, msn, part):
            return False
        self._road.use(room_id)
        answer = partial(self._reply_playlist, stream, skips, reply)
        if stream.has(msn, part):
            answer(True)
        else:
            stream.call_when(msn, part, hls.BLOCKED_S_MAX, answer)
        return True

    def _reply_playlist(self, stream: Rendition, skips: bool, reply: Reply, came: bool) -> None:
        head = _FRESH_PLAYLIST if came else _STALE_PLAYLIST
        self._reply(reply, head, stream.text(skips=skips))

    def _part(self, stream: Rendition, msn: int, index: int, reply: Reply) -> bool:
        data = hls.part_of(stream, msn, index)
        if data is not None:
            self._reply(reply, _PART, data)
        return data is not None

    def _reply(self, reply: Reply, head: bytes, body: bytes) -> None:
        now_s = int(time.time())
        if now_s != self._date_s:
            self._date_s = now_s
            self._date = b"date: " + formatdate(now_s, usegmt=True).encode() + b"\r\n"
        reply(b"%b%bcontent-length: %d\r\n\r\n" % (head, self._date, len(body)), body)
