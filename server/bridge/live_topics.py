"""What lives' chats are about, as facts for the lake: no words, and nobody who wrote them.

Lines wait in this worker for `SEND_EVERY_S` at most, `LINES_MAX` of them; beyond, and while Redis
is away, they are not counted.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from redis.exceptions import RedisError

from commerce.io.record.engine import wall_clock
from commerce.io.record.shutdown import stopping
from commerce.io.shop.catalogue.catalogue import Catalogue
from insight.chats import Asked, Ordered, named_in, names_of, read
from insight.facts import LiveAsked, LiveChatted, SpooledFact
from server.services import FactSink

SEND_EVERY_S = 2.0
LINES_MAX = 2_000
ROOM = "room:"


@dataclass(frozen=True, slots=True)
class _Line:
    room_id: str
    estate_id: str
    text: str
    at_ms: int


class LiveTopics:
    """`add` lines of viewers; `run` until cancelled. One for each worker."""

    def __init__(
        self,
        spool: FactSink,
        catalogue: Callable[[], Catalogue],
        rehearsing: Collection[str] = (),
        clock: Callable[[], int] = wall_clock,
    ) -> None:
        """Lines of rooms that are `rehearsing` are no facts."""
        self._spool = spool
        self._catalogue = catalogue
        self._rehearsing = rehearsing
        self._clock = clock
        self._lines: list[_Line] = []
        self._sender = secrets.token_hex(8)
        self._number = 0
        self._names_of: Catalogue | None = None
        self._names: dict[str, Mapping[str, str]] = {}

    def add(self, channel: str, estate_id: str, text: str) -> None:
        """A viewer wrote a line that all see."""
        room_id = channel.removeprefix(ROOM)
        if channel == room_id or room_id in self._rehearsing or len(self._lines) >= LINES_MAX:
            return
        self._lines.append(_Line(room_id, estate_id, text, self._clock()))

    async def run(self) -> None:
        """Send what there is, again and again."""
        while not stopping():
            await asyncio.sleep(SEND_EVERY_S)
            with contextlib.suppress(RedisError, OSError):
                await self.send()

    async def send(self) -> None:
        """Spool the topics of the lines that wait."""
        lines, self._lines = self._lines, []
        facts = []
        for line in lines:
            self._number += 1
            facts.append((self._number, self._fact(line)))
        if facts:
            await self._spool.add(self._sender, facts)

    def _fact(self, line: _Line) -> SpooledFact:
        brand_id = self._catalogue().brand_id("room", line.room_id)
        names = self._brand_names(brand_id)
        found = read(line.text, names)
        topic, product_id = LiveChatted.topic, named_in(line.text, names)
        about = "product" if product_id else "other"
        match found:
            case Asked():
                topic, about = LiveAsked.topic, found.about.value
            case Ordered():
                about = "order"
        payload = {"room_id": line.room_id, "product_id": product_id, "about": about}
        return SpooledFact(
            topic, 1, line.at_ms, self._clock(), brand_id, self._estate(line, brand_id), payload
        )

    def _estate(self, line: _Line, brand_id: str) -> str:
        """Return the writer's, if it is one of the room's brand."""
        is_own = self._catalogue().brand_id("estate", line.estate_id) == brand_id
        return line.estate_id if line.estate_id and is_own else ""

    def _brand_names(self, brand_id: str) -> Mapping[str, str]:
        catalogue = self._catalogue()
        if self._names_of is not catalogue:
            self._names_of, self._names = catalogue, {}
        if brand_id not in self._names:
            self._names[brand_id] = names_of(
                {
                    id: product.name.zh
                    for id, product in sorted(catalogue.products.items())
                    if catalogue.brand_id("product", id) == brand_id
                }
            )
        return self._names[brand_id]
