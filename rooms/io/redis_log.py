"""The room log in Redis or Valkey (see scripts.py for keys and what ends an epoch)."""

import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from rooms.events import Event
from rooms.io import scripts
from rooms.io.topics import publishing
from rooms.log import LOG_EVENTS_MAX, LogUnavailable, Position, Reading
from rooms.rules import ChannelRules, apply

LOG_TTL_S = 7 * 86_400
APPEND_TOKEN_TTL_S = 60
SAVE_EVERY_EVENTS = 256
"""Events after which an append saves the state, so that older ones may be trimmed."""

_encoder = msgspec.msgpack.Encoder()


def channel_key(channel: str, kind: str) -> str:
    """Return a channel's Redis key of one kind; all share the channel's cluster slot."""
    return f"rooms:{{{channel}}}:{kind}"


def channel_topic(channel: str) -> str:
    """Return the pub/sub topic of a channel."""
    return f"rooms:{{{channel}}}"


class PublishedDecoder:
    """Reads what the append script published."""

    def __init__(self, rules: ChannelRules) -> None:
        kind: Any = rules.event_type
        self._decode = msgspec.msgpack.Decoder(tuple[kind, ...]).decode

    def decode(self, payload: bytes) -> tuple[str, tuple[Event, ...]]:
        """Return epoch and events of a payload without its leading `E`."""
        epoch, first, events = payload.split(b" ", 2)
        return epoch.decode(), _numbered(self._decode(events), int(first))


class RedisRoomLog:
    """See `RoomLog`."""

    def __init__(self, redis: Redis, rules: ChannelRules) -> None:
        self._rules = rules
        self._decode_event = msgspec.msgpack.Decoder(rules.event_type).decode
        self._append = redis.register_script(publishing(redis, scripts.APPEND))
        self._read = redis.register_script(scripts.READ)
        self._position = redis.register_script(scripts.POSITION)
        self._save = redis.register_script(scripts.SAVE)
        self._saving: set[str] = set()

    async def append(
        self, channel: str, events: Sequence[Event], *, only_first: bool = False
    ) -> Position:
        """See `RoomLog.append`."""
        assert 0 < len(events) <= LOG_EVENTS_MAX, "one to LOG_EVENTS_MAX events at once"
        # redis-py resends a command whose connection broke; the token makes that harmless.
        token = uuid.uuid4().hex
        keys = [channel_key(channel, kind) for kind in ("meta", "log", f"done:{token}")]
        head: list[str | int] = [_new_epoch(), LOG_TTL_S * 1000, channel_topic(channel)]
        head += [LOG_EVENTS_MAX, APPEND_TOKEN_TTL_S * 1000, int(only_first)]
        try:
            epoch, offset, saved = await self._append(
                keys=keys, args=[*head, *(_encoder.encode(event) for event in events)]
            )
            if offset - saved >= SAVE_EVERY_EVENTS and channel not in self._saving:
                await self._save_state(channel)
        except (RedisError, OSError) as error:
            raise LogUnavailable(str(error)) from error
        return Position(epoch.decode(), offset)

    async def read(self, channel: str) -> Reading:
        """See `RoomLog.read`."""
        try:
            answer = await self._read(keys=self._keys(channel), args=[*_new(), "all"])
        except (RedisError, OSError) as error:
            raise LogUnavailable(str(error)) from error
        return self._reading(channel, answer)

    async def position(self, channel: str) -> Position:
        """See `RoomLog.position`."""
        keys = [
            *self._keys(channel),
            *(channel_key(channel, kind) for kind in ("chat", "tally", "people")),
        ]
        try:
            epoch, offset = await self._position(keys=keys, args=_new())
        except (RedisError, OSError) as error:
            raise LogUnavailable(str(error)) from error
        return Position(epoch.decode(), offset)

    async def _save_state(self, channel: str) -> None:
        self._saving.add(channel)
        try:
            answer = await self._read(keys=self._keys(channel), args=[*_new(), "unsaved"])
            reading = self._reading(channel, answer)
            epoch, offset = reading.position
            await self._save(
                keys=[channel_key(channel, "meta")],
                args=[epoch, offset, _encoder.encode(reading.state)],
            )
        finally:
            self._saving.discard(channel)

    def _keys(self, channel: str) -> list[str]:
        return [channel_key(channel, "meta"), channel_key(channel, "log")]

    def _reading(self, channel: str, answer: list[Any]) -> Reading:
        epoch, offset, saved, encoded, entries = answer
        events = tuple(
            msgspec.structs.replace(self._decode_event(fields[1]), o=int(entry.partition(b"-")[0]))
            for entry, fields in entries
        )
        state = self._rules.empty_state(channel)
        if encoded:
            state = msgspec.msgpack.decode(encoded, type=type(state))
        state = apply(self._rules, state, (event for event in events if event.o > saved))
        return Reading(Position(epoch.decode(), offset), state, events[-LOG_EVENTS_MAX:])


def _new_epoch() -> str:
    return uuid.uuid4().hex[:12]


def _new() -> list[str | int]:
    return [_new_epoch(), LOG_TTL_S * 1000]


def _numbered(events: tuple[Event, ...], first: int) -> tuple[Event, ...]:
    return tuple(msgspec.structs.replace(event, o=at) for at, event in enumerate(events, first))
