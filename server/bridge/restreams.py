"""The targets to which rooms are pushed: from the record to the media, on every worker."""

import asyncio

import structlog
from sqlalchemy.exc import DBAPIError

from commerce.io.shop.restreams import RestreamRow, Restreams
from commerce.io.shop.sealing import Sealer
from media.io.restream.road import PushState, RestreamRoad, RestreamStats
from media.wire.rtmp_url import PushTarget

# Picks up changes that other workers wrote to the record.
READ_EVERY_S = 5.0

log = structlog.get_logger()


class RoomRestreams:
    """`run` keeps the road's targets those of the record; the others are a host's commands."""

    def __init__(self, record: Restreams, road: RestreamRoad, sealer: Sealer) -> None:
        self._road = road
        self._record = record
        self._sealer = sealer

    async def run(self) -> None:
        """Read the targets every few seconds, until cancelled."""
        while True:
            try:
                await self.read()
            except (ConnectionError, OSError, DBAPIError) as error:
                log.warning("targets of pushes are not read for now", why=type(error).__name__)
            await asyncio.sleep(READ_EVERY_S)

    async def read(self) -> dict[str, PushTarget]:
        """Bring the road to what the record has; return that."""
        targets = {}
        for row in await self._record.all():
            key = self._sealer.open(row.sealed_key, row.room_id)
            if key is not None:
                targets[row.room_id] = PushTarget(row.address, key)
        self._road.set_targets(targets)
        return targets

    async def put(self, room_id: str, target: PushTarget) -> None:
        """Push a room there from now on.

        Raises:
            NotFound: There is no such room.
        """
        sealed = self._sealer.seal(target.key, room_id)
        await self._record.put(RestreamRow(room_id, target.address, sealed))
        await self.read()

    async def remove(self, room_id: str) -> None:
        """Push a room nowhere; idempotent.

        Raises:
            NotFound: There is no such room.
        """
        await self._record.remove(room_id)
        await self.read()

    def state(self, room_id: str) -> PushState:
        """Return how the push of a room goes on this worker."""
        return self._road.state(room_id)

    def stats(self) -> RestreamStats:
        """Return the figures."""
        return self._road.stats()
