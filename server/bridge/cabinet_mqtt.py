"""Cold cabinets by MQTT: a worker subscribes to

    {prefix}/{cabinet}/readings   {"key": …, "sent_at_ms": …, "readings": […]} as over HTTP
    {prefix}/{cabinet}/answer     {"number": …, "taken": …, "alarm": …}, published after each

with QoS 1: what is delivered or sent again counts once, by its number. A cabinet sends again what
was not answered, as the record may have been away. `{cabinet}` only names where the answer goes;
whose readings they are says the key.
"""

import asyncio
import ssl
from urllib.parse import unquote, urlsplit

import msgspec
import structlog
from aiomqtt import Client, MqttError
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from commerce.io.record.shutdown import stopping
from rooms.log import LogUnavailable
from server.bridge.cabinets import CabinetDesk, SentReadings

MESSAGE_BYTES_MAX = 131_072
WAITING_MAX = 1_000  # messages; what comes beyond is sent again by its cabinet
RETRY_S = 1.0
RETRY_S_MAX = 60.0
PORT, TLS_PORT = 1883, 8883

log = structlog.get_logger()
_decode = msgspec.json.Decoder(SentReadings).decode


class CabinetSubscriber:
    """`run` until cancelled: reads what cabinets publish at a broker."""

    def __init__(self, desk: CabinetDesk, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise ValueError("mqtt://user:password@host:port/prefix, or mqtts://")
        self._desk = desk
        self._host = parts.hostname
        self._is_tls = parts.scheme == "mqtts"
        self._port = parts.port or (TLS_PORT if self._is_tls else PORT)
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._prefix = parts.path.strip("/") or "linli/cabinets"
        self.refused = 0

    async def run(self) -> None:
        """Subscribe, and again whenever the broker is back."""
        wait_s = RETRY_S
        while not stopping():
            try:
                async with self._client() as client:
                    await client.subscribe(f"{self._prefix}/+/readings", qos=1)
                    wait_s = RETRY_S
                    async for message in client.messages:
                        await self._answer(client, str(message.topic), bytes(message.payload))
            except (MqttError, DBAPIError, RedisError, LogUnavailable, OSError) as error:
                # The cabinet sends again what was not answered.
                log.warning("the broker of cabinets waits", error=type(error).__name__)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, RETRY_S_MAX)

    def _client(self) -> Client:
        return Client(
            self._host,
            self._port,
            username=self._user,
            password=self._password,
            max_queued_incoming_messages=WAITING_MAX,
            tls_context=ssl.create_default_context() if self._is_tls else None,
        )

    async def _answer(self, client: Client, topic: str, payload: bytes) -> None:
        try:
            if len(payload) > MESSAGE_BYTES_MAX:
                raise ValueError("too long")
            taken = await self._desk.take(_decode(payload))
        except ValueError:  # msgspec's errors are among them
            taken = None
        if taken is None:
            self.refused += 1
            log.warning("a message of a cabinet was refused", topic=topic[:100])
            return
        answer = {"number": taken.number, "taken": taken.taken, "alarm": taken.cabinet.alarm}
        to = f"{topic.removesuffix('/readings')}/answer"
        await client.publish(to, msgspec.json.encode(answer), qos=1)
