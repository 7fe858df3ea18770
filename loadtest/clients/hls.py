"""Light LL-HLS viewers: each a kept-alive connection that reloads playlists and takes every part.

They cost as little as possible: playlists are searched for their hint, bytes of parts are counted
and thrown away.
"""

import asyncio
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import cast
from urllib.parse import urlsplit

from loadtest.clients.http import PlainHttp
from loadtest.errors import NoAnswer, RequestRefused, TryLater

CONNECTS_AT_ONCE = 100
_HINT = re.compile(rb'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="p(\d+)\.(\d+)\.m4s"')
_PART = re.compile(rb'#EXT-X-PART:[^\n]*URI="p(\d+)\.(\d+)\.m4s"')
_MAP = re.compile(rb'#EXT-X-MAP:URI="([^"]+)"')
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)

Place = tuple[int, int]  # segment and index of a part


@dataclass(slots=True)
class HlsTotals:
    """Counters of a crowd, and how long after the first mention of a part viewers had it, s."""

    viewers: int = 0
    playlists: int = 0
    parts: int = 0
    skipped: int = 0  # parts that a viewer did not take, since they came while it was behind
    refused: int = 0
    lost: int = 0  # connections
    octets: int = 0
    delays_s: list[float] = field(default_factory=list)


class HlsCrowd:
    """Viewers of one stream; open with `join`, end with `close`."""

    def __init__(self, base_url: str, room_id: str, *, tls: ssl.SSLContext | None = None) -> None:
        """`tls` goes with an https address."""
        self.totals = HlsTotals()
        self._base_url = base_url
        self._tls = tls
        self._room = f"/live/{room_id}/hls/"
        self._viewers: list[HlsViewer] = []
        self._mentioned: dict[Place, float] = {}

    async def join(self, viewers: int) -> None:
        """Load the stream's address once, then bring in `viewers` that play it.

        Raises:
            NoAnswer, RequestRefused: The server does not play it.
        """
        folder = await self._folder()
        for begin in range(0, viewers, CONNECTS_AT_ONCE):
            count = min(CONNECTS_AT_ONCE, viewers - begin)
            await asyncio.gather(*(self._connect(folder, None) for _ in range(count)))

    async def enter(
        self, source: str | None = None, on_part: Callable[[bytes, bytes], None] | None = None
    ) -> "HlsViewer":
        """Bring in one viewer, who loads the stream's address as a player does.

        `on_part` is given each part with the init segment that goes with it.

        Raises:
            NoAnswer, RequestRefused, TryLater: The server does not play it, or not yet.
        """
        return await self._connect(await self._folder(source), source, on_part)

    async def _folder(self, source: str | None = None) -> str:
        """Return the path of the stream's playlists and parts."""
        http = PlainHttp(self._base_url, source=source, tls=self._tls)
        try:
            answer = await http.request("GET", self._room + "index.m3u8")
        finally:
            await http.close()
        if answer.status in (409, 429, 503):
            raise TryLater(answer.status, answer.body.decode(errors="replace")[:200], None)
        if answer.status != 200:
            raise RequestRefused(answer.status, answer.body.decode(errors="replace"))
        first = next(line for line in answer.body.decode().split() if not line.startswith("#"))
        return self._room + first.partition("/")[0] + "/"

    async def _connect(
        self,
        folder: str,
        source: str | None,
        on_part: Callable[[bytes, bytes], None] | None = None,
    ) -> "HlsViewer":
        parts = urlsplit(self._base_url)
        try:
            _, viewer = await asyncio.get_running_loop().create_connection(
                lambda: HlsViewer(self, folder.encode(), on_part),
                parts.hostname or "",
                parts.port or (443 if self._tls else 80),
                ssl=self._tls,
                local_addr=(source, 0) if source else None,
            )
        except OSError as error:
            raise NoAnswer(f"no answer from {parts.netloc} ({error.strerror})") from error
        self._viewers.append(viewer)
        self.totals.viewers = len(self._viewers)
        return viewer

    def note(self, place: Place) -> None:
        """A playlist mentions a part."""
        if place not in self._mentioned:
            self._mentioned[place] = monotonic()

    def took(self, place: Place, octets: int) -> None:
        """A viewer has a whole part."""
        self.totals.parts += 1
        self.totals.octets += octets
        self.totals.delays_s.append(monotonic() - self._mentioned[place])

    def close(self) -> None:
        """All viewers leave."""
        for viewer in self._viewers:
            viewer.leave()


class HlsViewer(asyncio.Protocol):
    """Asks for one thing at a time: a playlist, then each part that it mentions first."""

    def __init__(
        self,
        crowd: HlsCrowd,
        folder: bytes,
        on_part: Callable[[bytes, bytes], None] | None = None,
    ) -> None:
        self._crowd = crowd
        self._folder = folder
        self._on_part = on_part
        self._init = b""
        self._map = self._wanted_map = b""  # of the init segment that is here, and that is needed
        self._takes_init = False
        self._transport: asyncio.Transport | None = None
        self._kept = bytearray()  # a head, or a playlist
        self._left = -1  # of the body; −1: the head comes
        self._octets = 0
        self._due: list[Place] = []
        self._part: Place | None = None  # that is being taken
        self._next: Place | None = None  # that comes next in the stream
        self._leaves = False
        self.first_part: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._transport = cast(asyncio.Transport, transport)
        self._ask(b"media.m3u8")

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self._crowd.totals.lost += not self._leaves
        if not self.first_part.done():
            self.first_part.set_exception(NoAnswer("the connection of an HLS viewer ended"))
            self.first_part.exception()  # retrieved: asyncio logs nothing

    def leave(self) -> None:
        """Close the connection."""
        self._leaves = True
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        if self._left < 0:
            self._kept += data
            end = self._kept.find(b"\r\n\r\n")
            if end < 0:
                return
            data = self._begin(end + 4)
        if self._part is None or self._on_part:
            self._kept += data
        self._left -= len(data)
        if self._left == 0:
            self._left = -1
            self._finish()

    def _begin(self, head_bytes: int) -> bytes:
        head = bytes(self._kept[:head_bytes])
        rest = bytes(self._kept[head_bytes:])
        self._kept.clear()
        length = _LENGTH.search(head)
        if not head.startswith(b"HTTP/1.1 200") or length is None:
            self._crowd.totals.refused += 1
            self.leave()
            return b""
        self._left = self._octets = int(length[1])
        return rest

    def _finish(self) -> None:
        crowd, body = self._crowd, bytes(self._kept)
        self._kept.clear()
        if self._takes_init:
            self._takes_init, self._init, self._map = False, body, self._wanted_map
        elif self._part is not None:
            crowd.took(self._part, self._octets)
            if self._on_part:
                self._on_part(self._init, body)
            if not self.first_part.done():
                self.first_part.set_result(None)
        else:
            crowd.totals.playlists += 1
            self._read(body)
        if self._on_part and self._wanted_map != self._map:
            self._takes_init = True
            self._ask(self._wanted_map)
            return
        if self._due:
            self._part = msn, index = self._due.pop(0)
            self._ask(b"p%d.%d.m4s" % (msn, index))
            return
        self._part = None
        if self._next is None:
            self._ask(b"media.m3u8")
        else:
            self._ask(b"media.m3u8?_HLS_msn=%d&_HLS_part=%d&_HLS_skip=YES" % self._next)

    def _read(self, playlist: bytes) -> None:
        """Find the parts that are new since the last playlist, and the place of the next one."""
        if maps := _MAP.findall(playlist):
            self._wanted_map = maps[-1]
        hint = _HINT.search(playlist)
        if hint is None:
            self._next = None
            return
        following = int(hint[1]), int(hint[2])
        if self._next is not None:
            listed = [(int(msn), int(index)) for msn, index in _PART.findall(playlist)]
            self._due = [place for place in listed if self._next <= place < following]
            self._crowd.totals.skipped += bool(listed) and listed[0] > self._next
            for place in self._due:
                self._crowd.note(place)
        self._next = following

    def _ask(self, name: bytes) -> None:
        assert self._transport is not None
        self._transport.write(
            b"GET %b%b HTTP/1.1\r\nHost: linli\r\nAccept: */*\r\n\r\n" % (self._folder, name)
        )
