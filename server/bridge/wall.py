"""Keeps the walls of head offices: one worker adds up the facts of the record and pushes them.

    wall:{brand}:state   string  the figures as of a fact's number, so that another worker goes on
    wall:{brand}:shown   string  the whole wall as JSON, for `GET /api/hq/wall`

Both can be lost: they are made again from the facts that the record keeps, of two days.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from commerce.io.record.engine import wall_clock
from commerce.io.record.shutdown import stopping
from commerce.io.shop.catalogue.catalogue import Catalogue
from commerce.io.shop.context import ShopContext
from commerce.io.shop.facts import FactLog
from commerce.io.shop.lives import LiveRecord
from commerce.io.shop.overview import CabinetCount, Overview, RatingSum
from insight.tables import CHINA_MS, DAY_MS, day_of
from insight.wall import DAYS_KEPT, DayCurve, Wall, by_estate, by_room, curve, figures, open_groups
from rooms.io.hub import RoomHub
from rooms.log import LogUnavailable
from server.bridge.channels.texts import LocalText
from server.bridge.channels.wall import (
    WallCabinets,
    WallChanged,
    WallEstate,
    WallFigures,
    WallLive,
    WallRatings,
    WallSource,
)
from server.bridge.facts import RecordSource
from server.bridge.lease import Lease, LeasesUnavailable
from server.bridge.redis_lease import RedisLeases

READ_EVERY_S = 0.4
READ_IDLE_S = 0.8  # while there are no facts
RENEW_EVERY_S = 1.5
PUSH_EVERY_S = 1.0
PUSH_NEWS_EVERY_S = 0.5  # while there are facts
SAVE_EVERY_S = 5.0
LOOK_EVERY_S = 3.0  # at lives and stock
LAST_WEEK_EVERY_S = 30.0
RETRY_S = 1.0
FACTS_MAX = 2_000
KEYS_TTL_S = 3 * 86_400
NAME = "wall"
ON_AIR = ("live", "paused")

Curves = Callable[[str], Awaitable[Mapping[str, DayCurve]]]
"""Day → GMV of each brand by ten minutes; none of a brand without any that day."""

log = structlog.get_logger()

T = TypeVar("T")

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Wall).decode


class ShownWall(msgspec.Struct, frozen=True):
    """The whole wall: what `GET /api/hq/wall` answers."""

    brand_id: str
    made_at_ms: int
    behind: int
    figures: WallFigures
    stock_outs: int
    curve: tuple[int, ...]
    last_week: tuple[int, ...] | None
    last_week_simulated: bool
    estates: tuple[WallEstate, ...]
    lives: tuple[WallLive, ...]
    sources: tuple[WallSource, ...]
    ratings: WallRatings
    cabinets: WallCabinets


@dataclass(slots=True)
class _Brand:
    """A brand's figures, with estates and lives as they were last announced."""

    wall: Wall = field(default_factory=Wall)
    estates: dict[str, WallEstate] = field(default_factory=dict)
    lives: dict[str, WallLive] = field(default_factory=dict)


class WallKeeper:
    """`run` until cancelled; several may run, one of them keeps the walls."""

    def __init__(
        self,
        shop: ShopContext,
        hub: RoomHub,
        redis: Redis,
        leases: RedisLeases,
        curves: Curves,
        *,
        owner: str,
        clock: Callable[[], int] = wall_clock,
    ) -> None:
        self._shop = shop
        self._facts = FactLog(shop)
        self._overview = Overview(shop)
        self._live_record = LiveRecord(shop)
        self._hub = hub
        self._redis = redis
        self._leases = leases
        self._curves = curves
        self._last_week: Mapping[str, DayCurve] = {}
        self._last_week_of = ""
        self._owner = owner
        self._clock = clock
        self._source = RecordSource(self._facts, clock, with_people=False)
        self._brands: dict[str, _Brand] = {}
        self._position = -1
        self._behind = 0
        self._stock_outs: Mapping[str, int] = {}
        self._ratings: Mapping[str, RatingSum] = {}
        self._cabinets: Mapping[str, CabinetCount] = {}
        self._pushed_at = self._saved_at = self._looked_at = 0.0
        self._has_news = False
        self._looked_at_ms = 0

    async def run(self) -> None:
        """Keep the walls while the lease is ours; wait for it otherwise."""
        async with asyncio.TaskGroup() as tasks:
            past = tasks.create_task(self._follow_last_week())
            await self._keep()
            past.cancel()

    async def _keep(self) -> None:
        while not stopping():
            try:
                lease = await self._leases.claim(NAME, self._owner, above=0)
                if lease is not None:
                    await self._keep_under(lease)
            except (LeasesUnavailable, LogUnavailable, RedisError, DBAPIError, OSError) as error:
                log.warning("the wall waits", error=type(error).__name__)
            await asyncio.sleep(RETRY_S)

    async def _keep_under(self, lease: Lease) -> None:
        try:
            renewed_at = time.monotonic()
            while not stopping():
                if time.monotonic() - renewed_at >= RENEW_EVERY_S:
                    if not await self._leases.renew(lease):
                        return
                    renewed_at = time.monotonic()
                position = self._position
                if not await self.step():
                    await asyncio.sleep(READ_IDLE_S if self._position == position else READ_EVERY_S)
        finally:
            self._position = -1
            with contextlib.suppress(LeasesUnavailable):
                await self._leases.release(lease)

    async def step(self) -> bool:
        """Add new facts, and push what they changed; return whether there are more."""
        if self._position < 0:
            await self._load()
        facts = await self._source.read(self._position, FACTS_MAX)
        for fact in facts:
            if fact.brand:
                self._brands.setdefault(fact.brand, _Brand()).wall.apply(fact)
            self._position = fact.sequence
        more = len(facts) >= FACTS_MAX
        self._has_news |= bool(facts)
        self._behind = (await self._facts.ends())[1] - self._position if more else 0
        now = time.monotonic()
        if now - self._looked_at >= LOOK_EVERY_S:
            self._looked_at, self._looked_at_ms = now, self._clock()
            overview = self._overview
            self._stock_outs = await overview.stock_outs()
            self._ratings = await overview.ratings(_midnight_ms(self._looked_at_ms))
            self._cabinets = await overview.cabinets()
        if now - self._pushed_at >= (PUSH_NEWS_EVERY_S if self._has_news else PUSH_EVERY_S):
            self._pushed_at, self._has_news = now, False
            await self.push()
        if now - self._saved_at >= SAVE_EVERY_S:
            self._saved_at = now
            await self._save()
        return more

    @property
    def _catalogue(self) -> Catalogue:
        return self._shop.catalogue

    async def push(self) -> None:
        """Show every brand's wall to those who watch it, and keep it for those who come."""
        lives = await self._lives()
        for brand_id in self._catalogue.brands:
            brand = self._brands.setdefault(brand_id, _Brand())
            shown = self._shown(brand_id, brand, lives.get(brand_id, ()))
            estates = [each for each in shown.estates if brand.estates.get(each.id) != each]
            changed = [each for each in shown.lives if brand.lives.get(each.room_id) != each]
            on_air = tuple(live for live in shown.lives if live.state in ON_AIR)
            kept = msgspec.json.encode(msgspec.structs.replace(shown, lives=on_air))
            await self._redis.set(_key(brand_id, "shown"), kept, ex=KEYS_TTL_S)
            # Viewers are counted a second late: what nobody was sent stays to be announced.
            if self._hub.viewers(f"hq:{brand_id}"):
                event = WallChanged(
                    made_at_ms=shown.made_at_ms,
                    behind=shown.behind,
                    figures=shown.figures,
                    stock_outs=shown.stock_outs,
                    estates=tuple(estates),
                    lives=tuple(changed),
                    sources=shown.sources,
                    ratings=shown.ratings,
                    cabinets=shown.cabinets,
                )
                await self._hub.announce(f"hq:{brand_id}", event)
                brand.estates = {each.id: each for each in shown.estates}
                brand.lives = {each.room_id: each for each in on_air}

    def _shown(self, brand_id: str, brand: _Brand, lives: Sequence[WallLive]) -> ShownWall:
        now_ms, wall = self._clock(), brand.wall
        is_of_today = self._last_week_of == day_of(now_ms - 7 * DAY_MS)
        past = self._last_week.get(brand_id) if is_of_today else None
        last_week = None if past is None else past.gmv_fen
        sold, groups = by_estate(wall, now_ms=now_ms), open_groups(wall)
        sources = [WallSource("orders", now_ms), WallSource("lives", self._looked_at_ms)]
        return ShownWall(
            brand_id=brand_id,
            made_at_ms=now_ms,
            behind=self._behind,
            figures=msgspec.convert(
                figures(wall, last_week, now_ms=now_ms),
                WallFigures,
                from_attributes=True,
            ),
            stock_outs=self._stock_outs.get(brand_id, 0),
            curve=curve(wall, now_ms=now_ms),
            last_week=last_week,
            last_week_simulated=past is not None and past.is_simulated,
            estates=tuple(
                WallEstate(
                    id,
                    sold[id].gmv_fen if id in sold else 0,
                    sold[id].orders if id in sold else 0,
                    sold[id].refunded_fen if id in sold else 0,
                    groups.get(id, 0),
                )
                for id in sorted(sold.keys() | groups.keys())
            ),
            lives=tuple(lives),
            sources=tuple(sources),
            ratings=_as(WallRatings, self._ratings.get(brand_id)),
            cabinets=_as(WallCabinets, self._cabinets.get(brand_id)),
        )

    async def _lives(self) -> dict[str, list[WallLive]]:
        """Lives on air, and those that were announced as such, by brand, most viewers first."""
        found: dict[str, list[WallLive]] = {}
        now_ms, catalogue = self._clock(), self._catalogue
        for live in await self._live_record.lives():
            brand_id = catalogue.brand_id("room", live.room_id)
            brand = self._brands.get(brand_id)
            was_announced = brand is not None and live.room_id in brand.lives
            if live.state.value not in ON_AIR and not was_announced:
                continue
            room = catalogue.rooms[live.room_id]
            sales = by_room(brand.wall, now_ms=now_ms).get(live.room_id) if brand else None
            found.setdefault(brand_id, []).append(
                WallLive(
                    live.room_id,
                    LocalText(room.title.zh, room.title.en),
                    room.store_id,
                    live.state.value,
                    live.started_at_ms,
                    self._hub.viewers(f"room:{live.room_id}"),
                    sales.orders if sales else 0,
                    sales.gmv_fen if sales else 0,
                )
            )
        for lives in found.values():
            lives.sort(key=lambda live: -live.viewers)
        return found

    async def _follow_last_week(self) -> None:
        """Beside the wall, as a lake that is away may keep its reader waiting."""
        while True:
            if self._position >= 0:
                try:
                    await self.read_last_week()
                except Exception as error:  # the store may fail in any way
                    log.warning("last week cannot be read", error=repr(error)[:200])
            await asyncio.sleep(LAST_WEEK_EVERY_S if self._last_week_of else RETRY_S)

    async def read_last_week(self) -> None:
        """Read what each brand sold a week ago, also if it came to the lake only now."""
        day = day_of(self._clock() - 7 * DAY_MS)
        self._last_week, self._last_week_of = await self._curves(day), day

    async def _load(self) -> None:
        """Go on from what was saved, or from two days ago."""
        self._brands.clear()
        kept, last = await self._facts.ends()
        begin = await self._facts.since(self._clock() - DAYS_KEPT * DAY_MS)
        positions = []
        for brand_id in self._catalogue.brands:
            saved: Any = await self._redis.get(_key(brand_id, "state"))
            brand = self._brands[brand_id] = _Brand()
            with contextlib.suppress(msgspec.DecodeError):
                wall = _unpack(saved) if saved else Wall()
                if kept - 1 <= wall.sequence <= last:
                    brand.wall = wall
            positions.append(brand.wall.sequence or begin)
        self._position = min(positions, default=begin)

    async def _save(self) -> None:
        for brand_id, brand in self._brands.items():
            brand.wall.sequence = max(brand.wall.sequence, self._position)
            await self._redis.set(_key(brand_id, "state"), _pack(brand.wall), ex=KEYS_TTL_S)


async def shown_wall(redis: Redis, brand_id: str) -> bytes | None:
    """Return a brand's whole wall as JSON; None while no worker keeps it."""
    found: Any = await redis.get(_key(brand_id, "shown"))
    return bytes(found) if found is not None else None


def _midnight_ms(at_ms: int) -> int:
    """When the day in China began."""
    return at_ms - (at_ms + CHINA_MS) % DAY_MS


def _as(kind: type[T], counted: object) -> T:
    return kind() if counted is None else msgspec.convert(counted, kind, from_attributes=True)


def _key(brand_id: str, name: str) -> str:
    return f"wall:{{{brand_id}}}:{name}"
