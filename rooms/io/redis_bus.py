"""The bus between workers over Redis pub/sub, on connections of its own that always reconnect."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from rooms.io import scripts
from rooms.io.redis_log import LOG_TTL_S, PublishedDecoder, channel_key, channel_topic
from rooms.io.topics import Topics, publishing
from rooms.log import TALLY_TTL_S, Batch, BusListener, LogUnavailable, People, Tally
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

_MESSAGE = (b"message", b"smessage")
_SUBSCRIBED = (b"subscribe", b"ssubscribe")
_UNSUBSCRIBED = (b"unsubscribe", b"sunsubscribe")

log = structlog.get_logger()

_encoder = msgspec.msgpack.Encoder()
_batch_decoder = msgspec.msgpack.Decoder(Batch)
_line_decoder = msgspec.msgpack.Decoder(ChatLine)
_private_decoder = msgspec.msgpack.Decoder(list[tuple[str, bytes]])


class RedisRoomBus:
    """See `RoomBus`. `redis` publishes; connections with the same settings subscribe."""

    def __init__(self, redis: Redis, rules: ChannelRules) -> None:
        self._published = PublishedDecoder(rules)
        self._redis = redis
        self._publish_batch = redis.register_script(publishing(redis, scripts.PUBLISH_BATCH))
        self._tally = redis.register_script(scripts.TALLY)
        self._topics: dict[str, str] = {}  # topic → channel
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._at = Topics(redis)
        self._connections: dict[str, Any] = {}  # by node; none while the bus is lost
        self._leaving: Counter[str] = Counter()  # topics whose end is not confirmed yet
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
        if not self._connections:
            raise LogUnavailable("the bus is not connected")
        waiting = self._waiting.setdefault(topic, asyncio.get_running_loop().create_future())
        try:
            await self._send(topic, self._at.subscribe, topic)
            async with asyncio.timeout(JOIN_TIMEOUT_S):
                await asyncio.shield(waiting)
        except (RedisError, OSError, TimeoutError) as error:
            raise LogUnavailable(str(error)) from error

    async def leave(self, channel: str) -> None:
        """See `RoomBus.leave`."""
        topic = channel_topic(channel)
        self._topics.pop(topic, None)
        if self._connections:
            self._leaving[topic] += 1
            with contextlib.suppress(RedisError, OSError):
                await self._send(topic, self._at.unsubscribe, topic)

    # Publishing

    async def publish(self, channel: str, batch: Batch) -> None:
        """See `RoomBus.publish`."""
        head = [channel_topic(channel), b"B" + _encoder.encode(batch)]
        lines = [_encoder.encode(line) for line in batch.chat]
        await self._script(
            self._publish_batch,
            channel,
            ["chat"],
            [*head, LOG_TTL_S * 1000, CHAT_LINES_MAX, *lines],
        )

    async def send_private(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """See `RoomBus.send_private`."""
        try:
            await self._redis.publish(PRIVATE_TOPIC, _encoder.encode(messages))
        except (RedisError, OSError) as error:
            raise LogUnavailable(str(error)) from error

    async def tally(
        self,
        channel: str,
        worker_id: str,
        viewers: int,
        likes: int,
        since_ms: int = 0,
        people: People | None = None,
    ) -> Tally:
        """See `RoomBus.tally`."""
        ttls = [int(TALLY_TTL_S * 1000), LOG_TTL_S * 1000]
        changes: list[Any] = []
        if people is not None:
            changes = [int(people.all), len(people.joined), *people.joined, *people.left]
        args = [worker_id, viewers, likes, *ttls, since_ms, *changes]
        viewers, likes, knows, others = await self._script(
            self._tally, channel, ["tally", "people"], args
        )
        return Tally(Counters(viewers, likes), bool(knows), bool(others))

    async def recent_chat(self, channel: str) -> tuple[ChatLine, ...]:
        """See `RoomBus.recent_chat`."""
        try:
            lines: list[Any] = await self._redis.lrange(channel_key(channel, "chat"), 0, -1)
        except (RedisError, OSError) as error:
            raise LogUnavailable(str(error)) from error
        return tuple(_line_decoder.decode(line) for line in lines)

    async def _script(self, script: Any, channel: str, kinds: list[str], args: list[Any]) -> Any:
        try:
            return await script(keys=[channel_key(channel, kind) for kind in kinds], args=args)
        except (RedisError, OSError) as error:
            raise LogUnavailable(str(error)) from error

    # The connection

    async def _connect(self, listener: BusListener) -> None:
        connections = await self._at.connections()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                for connection in connections.values():
                    await connection.connect()
                await self._subscribe(connections, listener)
        except BaseException:
            for connection in connections.values():
                await _drop(connection)
            raise
        self._leaving.clear()
        self._connections = connections

    async def _subscribe(self, connections: dict[str, Any], listener: BusListener) -> None:
        """Return once all topics are confirmed, those included that are joined meanwhile."""
        confirmed: set[str] = set()
        first = next(iter(connections))
        while missing := {PRIVATE_TOPIC, *self._topics} - confirmed:
            wanted: dict[str, set[str]] = {}
            for topic in missing:
                private = topic == PRIVATE_TOPIC
                node = first if private else self._at.node_of(topic)
                if node not in connections:
                    raise OSError("a node of the cluster is not known")
                verb = "SUBSCRIBE" if private else self._at.subscribe
                wanted.setdefault(node, set()).add(topic)
                # One by one: topics of one call would have to share a slot.
                await connections[node].send_command(verb, topic, check_health=False)
            for node, topics in wanted.items():
                while not topics <= confirmed:
                    message = await connections[node].read_response()
                    if message[0] in _SUBSCRIBED:
                        confirmed.add(message[1].decode())
                    else:
                        self._dispatch(listener, message[1].decode(), message[2])

    async def _disconnect(self) -> None:
        connections, self._connections = self._connections, {}
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(LogUnavailable("the bus was lost"))
                waiting.exception()  # The waiting call may have timed out meanwhile.
        self._waiting.clear()
        for connection in connections.values():
            await _drop(connection)

    async def _listen(self, listener: BusListener) -> None:
        """Listen to all nodes; if one is lost, all are, and the topics may lie elsewhere."""
        [only, *others] = self._connections.values()
        if not others:
            await self._listen_to(only, listener)
            return
        tasks = [
            asyncio.create_task(self._listen_to(connection, listener), name="room bus")
            for connection in (only, *others)
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await self._disconnect()  # a read that ignores the cancellation ends, too
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen_to(self, connection: Any, listener: BusListener) -> None:
        task, silent = asyncio.current_task(), False
        while task is None or not task.cancelling():
            message = await connection.read_response(timeout=PING_AFTER_S)
            if message is not None:
                silent = False
                if message[0] in _MESSAGE:
                    self._dispatch(listener, message[1].decode(), message[2])
                elif isinstance(message, list):  # else PONG, where nothing is subscribed to
                    self._confirm(message)
            elif silent:
                raise OSError("silent")
            else:
                silent = True
                await connection.send_command("PING", check_health=False)

    def _confirm(self, message: Any) -> None:
        topic = message[1].decode()
        if message[0] in _SUBSCRIBED:
            waiting = self._waiting.pop(topic, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(None)
        elif message[0] in _UNSUBSCRIBED:
            self._leaving[topic] -= 1
            if self._leaving[topic] < 0:
                raise OSError("a topic moved to another node")
            if not self._leaving[topic]:
                del self._leaving[topic]

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

    async def _send(self, topic: str, *command: str) -> None:
        connection = self._connections.get(self._at.node_of(topic))
        if connection is None:
            raise OSError("not connected")
        await connection.send_command(*command, check_health=False)


async def _drop(connection: Any) -> None:
    with contextlib.suppress(RedisError, OSError):
        await connection.disconnect(nowait=True)
