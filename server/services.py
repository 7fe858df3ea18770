"""The parts of the running program, handed to routes as `request.app.state.services`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from server.access.host_sessions import HostSessions
from server.access.moves import MoveCodes
from server.access.rehearsals import Rehearsals
from server.access.tokens import Access
from server.latency import Latency
from server.limits import Limits
from server.net.connections import ConnectionTable
from server.printing.drawings import Drawings
from server.settings import Settings
from server.tracing import Tracing
from server.worker import Worker

if TYPE_CHECKING:
    from commerce.activities.moderation import Line
    from commerce.io.commerce import Commerce
    from insight.facts import SpooledFact
    from insight.io.kpi import KpiBoard, Plan, Statements
    from media.io.cascade.cascade import Cascade
    from media.io.flv.road import FlvRoad
    from media.io.hls.road import HlsRoad
    from media.io.recording.road import RecordingRoad
    from media.io.recording.thumbnails import RecordingThumbnails
    from media.io.reencode.road import ReencodeRoad
    from media.io.restream.road import PushState, RestreamStats
    from media.io.rtmp.listener import RtmpListener
    from media.io.thumbnails import Thumbnails
    from media.io.webrtc.plane import MediaPlane
    from media.recording.index import Index
    from media.wire.rtmp_url import PushTarget
    from rooms.io.hub import RoomHub


class ProductPictures(Protocol):
    """Pictures of products; see `server.ops.pictures`, which keeps them."""

    async def put(self, product_id: str, data: bytes) -> str:
        """Keep a picture; return the path by which pages load it; raises `BadPicture`."""

    async def get(self, product_id: str, file: str) -> bytes | None:
        """Return one size of a picture, or None; raises `NoSuchBlob`."""

    async def forget(self, product_id: str) -> None:
        """Delete all pictures of a product; raises `BlobsAway`."""


class FactSink(Protocol):
    """Where facts of pages wait for the lake; see `server.bridge.facts`."""

    async def add(self, sender: str, facts: Sequence[tuple[int, SpooledFact]]) -> int:
        """Add numbered facts of a sender, each once; return how many were new."""


class KpiFigures(Protocol):
    """Key figures of brands, from the lake; see `server.bridge.kpi`."""

    async def board(
        self, brand: str, month: str, plan: Plan, stated: Statements
    ) -> KpiBoard | None:
        """Return the figures of a month, or None while there is no lake."""


class RestreamTargets(Protocol):
    """Where rooms are pushed to, and how that goes."""

    async def read(self) -> Mapping[str, PushTarget]:
        """Return the targets by room, as the record has them now."""

    async def put(self, room_id: str, target: PushTarget) -> None:
        """Push a room there from now on; raises `NotFound`."""

    async def remove(self, room_id: str) -> None:
        """Push a room nowhere; idempotent; raises `NotFound`."""

    def state(self, room_id: str) -> PushState:
        """Return how the push of a room goes on this worker."""

    def stats(self) -> RestreamStats:
        """Return the figures."""


class Prompters(Protocol):
    """What hosts are prompted with; see `server.bridge.prompter`."""

    async def look(self, room_id: str) -> object:
        """Return it for a room, as JSON is made of it."""


class ChatLines(Protocol):
    """Lines that rooms show, and who wrote them; see `server.bridge.moderation`."""

    async def line(self, room_id: str, line_id: str) -> Line | None:
        """Return a line that the room shows."""

    async def show(self, room_id: str, line: Line) -> None:
        """Show the room a line that was held."""

    async def keys_of_writer(self, room_id: str, subject: str) -> tuple[str, str]:
        """Return the keys of somebody's address and device, or empty ones."""


@dataclass(slots=True)
class Services:
    """Built once by `server.app`, closed by it, shared by every route of the worker."""

    settings: Settings
    worker: Worker
    ask_siblings: Callable[[str], Awaitable[list[str]]]
    """What the other workers of the node answer to a GET, in time."""
    redis: Redis
    engine: AsyncEngine
    tracing: Tracing | None  # None: no collector is set
    latency: Mapping[str, Latency]  # of `orders` and of `joins`
    access: Access
    host_sessions: HostSessions
    moves: MoveCodes
    rehearsals: Rehearsals
    limits: Limits
    connections: ConnectionTable
    media: MediaPlane
    cascade: Cascade | None  # None: there is no other worker, or it is switched off
    rtmp: RtmpListener | None
    thumbnails: Thumbnails
    hls: HlsRoad
    flv: FlvRoad
    reencode: ReencodeRoad
    restreams: RestreamTargets
    page_facts: FactSink
    chat_facts: FactSink
    kpi: KpiFigures
    recordings: RecordingRoad
    pictures: ProductPictures
    drawings: Drawings
    clip_thumbnails: RecordingThumbnails
    rooms: RoomHub
    commerce: Commerce
    moderation: ChatLines
    prompters: Prompters
    explain: Callable[[str, str | None], bool]  # in a room, a product or none; False: no recording
    timeline: Callable[[str, str, Index], Awaitable[bytes]]  # of a room's live: JSON
    end_rehearsal: Callable[[str, Callable[[], Awaitable[None]]], Awaitable[None]]
    end_live: Callable[[str], Awaitable[None]]  # of a room, whichever worker owns it
