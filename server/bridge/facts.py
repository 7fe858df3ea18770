"""Where facts come from: the record's log, and a spool in Redis for those of pages and devices.

    facts:{spool}:log     stream  the newest facts, with their arrival
    facts:{spool}:seen:S  string  the last number of a sender S that was taken

A source gives facts in the order of its numbers, each number once, also to several readers.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec
from redis.asyncio import Redis

from commerce.io.record.engine import wall_clock
from commerce.io.shop.facts import FactLog, RecordFact
from insight.facts import CHATS, PAGES, Fact, SpooledFact

RECORD = "record"
SPOOLED_MAX = 100_000  # facts that wait for a writer; older ones are lost
SEEN_TTL_S = 3 * 3_600  # of a page; it is not sent again after that
CHAT_SEEN_TTL_S = 90 * 86_400  # exports of a chat begin at its first line again and again
SEQUENCE_BITS = 20  # of a stream id's second number
SENDER = re.compile(r"[A-Za-z0-9_-]{8,40}")

# KEYS log, last number of the sender. ARGV its ttl s, length of the log, then number and fact, …
# Returns how many were new.
_ADD = """
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
local added = 0
for i = 3, #ARGV, 2 do
  local number = tonumber(ARGV[i])
  if number > last then
    redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'f', ARGV[i + 1])
    last = number
    added = added + 1
  end
end
redis.call('SET', KEYS[2], string.format('%d', last), 'EX', ARGV[1])
return added
"""


class FactSource(Protocol):
    """Numbered facts of one source."""

    @property
    def name(self) -> str:
        """The `source` of its facts."""
        ...

    async def read(self, after: int, facts_max: int) -> list[Fact]:
        """Return facts after a number, about so many at most."""
        ...


class RecordSource:
    """The record's facts, with their brand, the estate of their order, and a pseudonym."""

    name = RECORD

    def __init__(
        self, log: FactLog, clock: Callable[[], int] = wall_clock, *, with_people: bool = True
    ) -> None:
        """`with_people` off, no fact has a pseudonym, and none is made."""
        self._log = log
        self._clock = clock
        self._with_people = with_people

    async def read(self, after: int, facts_max: int) -> list[Fact]:
        """See `FactSource.read`."""
        found: list[RecordFact] = []
        while len(found) < facts_max and await self._log.has_more(after):
            await self._log.number()
            some = await self._log.read(after, facts_max - len(found))
            if not some:
                break
            found += some
            after = some[-1].sequence
        if not found:
            return []
        subjects = {fact.subject for fact in found} if self._with_people else ()
        names = await self._log.pseudonyms(subjects)
        arrived_ms = self._clock()
        return [
            Fact(
                source=RECORD,
                sequence=fact.sequence,
                topic=fact.topic,
                version=fact.version,
                occurred_ms=fact.at_ms,
                arrived_ms=arrived_ms,
                brand=fact.brand_id,
                estate=fact.estate_id,
                person=names.get(fact.subject, ""),
                trace=fact.trace,
                payload=fact.payload,
            )
            for fact in found
        ]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(SpooledFact).decode


class FactSpool:
    """Facts that pages and devices sent, bounded, until the lake has them."""

    def __init__(self, redis: Redis, name: str = PAGES) -> None:
        self.name = name
        self._redis = redis
        self._seen_ttl_s = CHAT_SEEN_TTL_S if name == CHATS else SEEN_TTL_S
        self._add = redis.register_script(_ADD)

    async def add(self, sender: str, facts: Sequence[tuple[int, SpooledFact]]) -> int:
        """Add numbered facts of a sender; those up to its last number are taken for doubled."""
        args: list[Any] = [self._seen_ttl_s, SPOOLED_MAX]
        for number, fact in facts:
            args += [number, _encode(fact)]
        keys = [self._key("log"), self._key(f"seen:{sender}")]
        return int(await self._add(keys=keys, args=args))

    async def read(self, after: int, facts_max: int) -> list[Fact]:
        """See `FactSource.read`."""
        first = f"({after >> SEQUENCE_BITS}-{after & ((1 << SEQUENCE_BITS) - 1)}"
        entries: Any = await self._redis.xrange(self._key("log"), min=first, count=facts_max)
        found = []
        for id, fields in entries:
            fact = _decode(next(iter(fields.values())))
            found.append(
                Fact(
                    source=self.name,
                    sequence=_sequence(id),
                    topic=fact.topic,
                    version=fact.version,
                    occurred_ms=fact.occurred_ms,
                    arrived_ms=fact.arrived_ms,
                    brand=fact.brand,
                    estate=fact.estate,
                    person="",
                    trace="",
                    payload=fact.payload,
                )
            )
        return found

    async def trim(self, up_to: int) -> None:
        """Forget facts that the lake has."""
        after = up_to + 1
        first = f"{after >> SEQUENCE_BITS}-{after & ((1 << SEQUENCE_BITS) - 1)}"
        await self._redis.xtrim(self._key("log"), minid=first)

    def _key(self, name: str) -> str:
        return f"facts:{{{self.name}}}:{name}"


def _sequence(id: bytes | str) -> int:
    ms, _, number = (id if isinstance(id, str) else id.decode()).partition("-")
    return int(ms) << SEQUENCE_BITS | int(number)
