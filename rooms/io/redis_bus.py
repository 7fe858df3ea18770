"""The bus between workers over Redis pub/sub, on a connection of its own that always reconnects."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import structlog
from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from rooms.io import scripts
from rooms.io.redis_log import LOG_TTL_S, PublishedDecoder, channel_key, channel_topic
from rooms.log import TALLY_TTL_S, Batch, BusListener, LogUnavailable
from rooms.messages import ChatLine, Counters
from rooms.rules import ChannelRules
from rooms.state import CHAT_LINES_MAX

PRIVATE_TOPIC = "rooms:you"
PING_AFTER_S = 10.0
"""Silence after which a PING is sent; as much again and the connection is dead."""
CONNECT_TIMEOUT_S = 5.0
JOIN_TIMEOUT_S = 3.0
RETRY_S_MIN = 0.1
RETRY_S_MAX = 5.0

log = structlog.get_logger()

_encoder = msgspec.msgpack.Encoder()
_batch_decoder = msgspec.msgpack.Decoder(Batch)
_line_decoder = msgspec.msgpack.Decoder(ChatLine)
_private_decoder = msgspec.msgpack.Decoder(list[tuple[str, bytes]])


class RedisRoomBus:
    """See `RoomBus`. `redis` publishes; a connection with the same settings subscribes."""

    def __init__(self, redis: Redis, rules: ChannelRules) -> None:
        self._published = PublishedDecoder(rules)
        self._redis = redis
        self._publish_batch = redis.register_script(scripts.PUBLISH_BATCH)
        self._tally = redis.register_script(scripts.TALLY)
        self._topics: dict[str, str] = {}  # topic → channel
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._connection: Any = None
        self.restored_total = 0

    # Subscribing

    async def run(self, listener: BusListener, on_ready: Callable[[], None]) -> None:
        """See `RoomBus.run`."""
        retry_s = RETRY_S_MIN
        was_connected = False
        while True:
            try:
                await self._connect(listener)
                if was_connected:
                    self.restored_total += 1
                    listener.on_restored()
                was_connected = True
                retry_s = RETRY_S_MIN
                on_ready()
                await self._listen(listener)
            except (RedisError, OSError) as error:
                log.warning("room bus lost", error=type(error).__name__)
            finally:
                await self._disconnect()
            await asyncio.sleep(retry_s * random.uniform(0.5, 1.0))
            retry_s = min(RETRY_S_MAX, retry_s * 2)

    async def join(self, channel: str) -> None:
        """See `RoomBus.join`."""
        topic = channel_topic(channel)
        self._topics[topic] = channel
        if self._connection is None:
            raise LogUnavailable("the bus is not connected")
        waiting = self._waiting.setdefault(topic, asyncio.get_running_loop().create_future())
        try:
            await self._send("SUBSCRIBE", topic)
            async with asyncio.timeout(JOIN_TIMEOUT_S):
                await asyncio.shield(waiting)
        except (RedisError, OSError, TimeoutError) as error:
            raise LogUnavailable(str(error)) from error

    async def leave(self, channel: str) -> None:
        """See `RoomBus.leave`."""
        topic = channel_topic(channel)
        self._topics.pop(topic, None)
        if self._connection is not None:
            with contextlib.suppress(RedisError, OSError):
                await self._send("UNSUBSCRIBE", topic)

    # Publishing

    async def publish(self, channel: str, batch: Batch) -> None:
        """See `RoomBus.publish`."""
        head = [channel_topic(channel), b"B" + _encoder.encode(batch)]
        lines = [_encoder.encode(line) for line in batch.chat]
        await self._script(
            self._publish_batch, channel, "chat", [*head, LOG_TTL_S * 1000, CHAT_LINES_MAX, *lines]
        )

    async def send_private(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """See `RoomBus.send_private`."""
        try:
            await self._redis.publish(PRIVATE_TOPIC, _encoder.encode(messages))
        except (RedisError, OSError) as error:
            raise LogUnavailable(str(error)) from error

    async def tally(
        self, channel: str, worker_id: str, viewers: int, likes: int, since_ms: int = 0
    ) -> Counters:
        """See `RoomBus.tally`."""
        ttls = [int(TALLY_TTL_S * 1000), LOG_TTL_S * 1000]
        args = [worker_id, viewers, likes, *ttls, since_ms]
        return Counters(*await self._script(self._tally, channel, "tally", args))

    async def recent_chat(self, channel: str) -> tuple[ChatLine, ...]:
        """See `RoomBus.recent_chat`."""
        try:
            lines: list[Any] = await self._redis.lrange(channel_key(channel, "chat"), 0, -1)
        except (RedisError, OSError) as error:
            raise LogUnavailable(str(error)) from error
        return tuple(_line_decoder.decode(line) for line in lines)

    async def _script(self, script: Any, channel: str, kind: str, args: list[Any]) -> Any:
        try:
            return await script(keys=[channel_key(channel, kind)], args=args)
        except (RedisError, OSError) as error:
            raise LogUnavailable(str(error)) from error

    # The connection

    async def _connect(self, listener: BusListener) -> None:
        kind, kwargs = await _connection_of(self._redis)
        # RESP2: everything that arrives on a subscribed connection is a message to us. No retries
        # inside the client: a broken connection must be seen, since messages were missed.
        settings = {
            **kwargs,
            "protocol": 2,
            "retry": Retry(NoBackoff(), 0),
            "retry_on_error": [],
            "decode_responses": False,
            "health_check_interval": 0,
        }
        connection: Any = kind(**settings)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await connection.connect()
                await self._subscribe(connection, listener)
        except BaseException:
            await _drop(connection)
            raise
        self._connection = connection

    async def _subscribe(self, connection: Any, listener: BusListener) -> None:
        """Return once all topics are confirmed, those included that are joined meanwhile."""
        confirmed: set[str] = set()
        while missing := {PRIVATE_TOPIC, *self._topics} - confirmed:
            await connection.send_command("SUBSCRIBE", *missing, check_health=False)
            while not missing <= confirmed:
                message = await connection.read_response()
                if message[0] == b"subscribe":
                    confirmed.add(message[1].decode())
                else:
                    self._dispatch(listener, message[1].decode(), message[2])

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(LogUnavailable("the bus was lost"))
                waiting.exception()  # The waiting call may have timed out meanwhile.
        self._waiting.clear()
        if connection is not None:
            await _drop(connection)

    async def _listen(self, listener: BusListener) -> None:
        silent = False
        while True:
            message = await self._connection.read_response(timeout=PING_AFTER_S)
            if message is not None:
                silent = False
                if message[0] == b"message":
                    self._dispatch(listener, message[1].decode(), message[2])
                else:
                    self._confirm(message)
            elif silent:
                raise OSError("silent")
            else:
                silent = True
                await self._send("PING")

    def _confirm(self, message: Any) -> None:
        if message[0] == b"subscribe":
            waiting = self._waiting.pop(message[1].decode(), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(None)

    def _dispatch(self, listener: BusListener, topic: str, payload: bytes) -> None:
        try:
            if topic == PRIVATE_TOPIC:
                for user_id, message in _private_decoder.decode(payload):
                    listener.on_private(user_id, message)
            elif (channel := self._topics.get(topic)) is not None:
                if payload[:1] == b"E":
                    listener.on_events(channel, *self._published.decode(payload[1:]))
                else:
                    listener.on_batch(channel, _batch_decoder.decode(payload[1:]))
        except (msgspec.DecodeError, ValueError) as error:
            # A newer program on the same Redis during a roll-out. Numbered events are found
            # missing by their offset and read from the log.
            log.warning("room bus message not decodable", topic=topic, error=str(error))

    async def _send(self, *command: str) -> None:
        if self._connection is None:
            raise OSError("not connected")
        await self._connection.send_command(*command, check_health=False)


async def _connection_of(redis: Redis | RedisCluster) -> tuple[Any, dict[str, Any]]:
    """The class and settings of connections of a client.

    A message that is published at any node of a cluster reaches the subscribers of every node: one
    node is as good as another, and another is tried when one is lost.
    """
    if not isinstance(redis, RedisCluster):
        return redis.connection_pool.connection_class, redis.connection_pool.connection_kwargs
    await redis.initialize()
    node = random.choice(redis.get_nodes())
    return node.connection_class, node.connection_kwargs


async def _drop(connection: Any) -> None:
    with contextlib.suppress(RedisError, OSError):
        await connection.disconnect(nowait=True)
