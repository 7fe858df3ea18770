"""Cold cabinets at a real broker, Debian's mosquitto, which is away for a moment."""

import asyncio
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiomqtt import Client, MqttError

from commerce.catalogue.food import StorageKind
from commerce.io.record.engine import wall_clock
from commerce.supply.cabinets import Range
from server.bridge.cabinet_mqtt import CabinetSubscriber
from server.bridge.cabinets import CabinetDesk
from tests.support.commerce_shop import running_shop
from tests.support.figures import Figures
from tests.support.waiting import wait_until

WAIT_S = 30
ALARM_S_MAX = 5.0


class Broker:
    """Mosquitto on a port of its own, over loopback."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self._file = folder / "mosquitto.conf"
        self._file.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
        self.process = self.start()

    def start(self) -> "subprocess.Popen[bytes]":
        """Start it."""
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin")
        assert program, "mosquitto is missing; `make soak` installs it with apt"
        self.process = subprocess.Popen([program, "-c", str(self._file)], stderr=subprocess.DEVNULL)
        return self.process

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(WAIT_S)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker for this soak."""
    made = Broker(tmp_path)
    yield made
    made.stop()


async def send(broker: Broker, key: str, *readings: tuple[int, int]) -> dict[str, Any]:
    """Publish readings as (number, tenths) until they are answered, as a cabinet does."""
    now_ms = wall_clock()
    made = [{"number": n, "at_ms": now_ms, "celsius_tenths": tenths} for n, tenths in readings]
    body = msgspec.json.encode({"key": key, "sent_at_ms": now_ms, "readings": made})
    async with asyncio.timeout(WAIT_S):
        while True:
            try:
                async with Client("127.0.0.1", broker.port) as client:
                    await client.subscribe("linli/cabinets/c1/answer", qos=1)
                    await client.publish("linli/cabinets/c1/readings", body, qos=1)
                    async with asyncio.timeout(1.0):
                        async for message in client.messages:
                            return dict(msgspec.json.decode(bytes(message.payload)))
            except (MqttError, TimeoutError):
                await asyncio.sleep(0.1)


async def test_readings_at_a_broker_that_was_away_count_once_and_alarm_the_shop_in_time(
    sqlite_url: str, valkey_url: str, broker: Broker, figures: Figures
) -> None:
    async with running_shop(sqlite_url, valkey_url) as shop:
        cabinets = shop.commerce.cabinets
        made = await cabinets.add("s1", "c", StorageKind.CHILLED, Range(0, 40), "u1")
        desk = CabinetDesk(cabinets)
        subscriber = CabinetSubscriber(desk, f"mqtt://127.0.0.1:{broker.port}")
        task = asyncio.create_task(subscriber.run())
        try:
            assert (await send(broker, made.key, (1, 20)))["number"] == 1
            broker.stop()
            broker.start()
            began_s = time.monotonic()
            answer = await send(broker, made.key, (1, 20), (2, 90))
            assert (answer["number"], answer["alarm"]) == (2, "too_warm")
            await wait_until(lambda: shop.feed.cabinets, what="the alarm")
            took_s = time.monotonic() - began_s
            [(store_id, now)] = shop.feed.cabinets
            assert (store_id, now.alarm) == ("s1", "too_warm")
            figures.at_most("reading → alarm, broker just restarted", took_s, ALARM_S_MAX, "s")
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        [cabinet] = (await cabinets.list("s1"))[0]
        assert cabinet.celsius_tenths == 90 and subscriber.refused == 0
