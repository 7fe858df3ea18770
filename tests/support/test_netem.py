"""The proxy that emulates a bad network: what it passes, loses and delays."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from media.emulator import Conditions
from tests.support.netem import network
from tests.support.waiting import wait_until

DELAY_S = 0.1


class Echo(asyncio.DatagramProtocol):
    """Sends everything back and remembers from where it came."""

    def __init__(self) -> None:
        self.received: list[tuple[bytes, tuple[str, int]]] = []
        self.transport: asyncio.DatagramTransport | None = None

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert self.transport
        self.received.append((data, addr))
        self.transport.sendto(data, addr)


class Client(asyncio.DatagramProtocol):
    """Keeps what arrives, with its time."""

    def __init__(self) -> None:
        self.arrived: list[tuple[float, bytes]] = []

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.arrived.append((asyncio.get_running_loop().time(), data))


async def opened(port: int) -> tuple[Client, asyncio.DatagramTransport]:
    loop = asyncio.get_running_loop()
    transport, client = await loop.create_datagram_endpoint(
        Client, remote_addr=("127.0.0.1", port), family=socket.AF_INET
    )
    return client, transport


@pytest.fixture
async def server() -> AsyncIterator[tuple[Echo, int]]:
    loop = asyncio.get_running_loop()
    transport, echo = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
    echo.transport = transport
    yield echo, transport.get_extra_info("sockname")[1]
    transport.close()


async def test_the_server_sees_a_separate_address_for_each_client(
    server: tuple[Echo, int],
) -> None:
    echo, port = server
    async with network(port) as proxy:
        first, first_out = await opened(proxy.port)
        second, second_out = await opened(proxy.port)
        first_out.sendto(b"first")
        second_out.sendto(b"second")
        await wait_until(lambda: first.arrived and second.arrived, what="both echoes")
        first_out.close()
        second_out.close()
    assert [data for _, data in first.arrived] == [b"first"]
    assert [data for _, data in second.arrived] == [b"second"]
    assert len({address for _, address in echo.received}) == 2


async def test_both_directions_are_delayed_as_configured(
    server: tuple[Echo, int],
) -> None:
    slow = Conditions(delay_s=DELAY_S)
    async with network(server[1], up=slow, down=slow) as proxy:
        client, out = await opened(proxy.port)
        sent_at = asyncio.get_running_loop().time()
        out.sendto(b"one")
        await wait_until(lambda: client.arrived, what="the echo")
        out.close()
    assert client.arrived[0][0] - sent_at >= 2 * DELAY_S


async def test_conditions_change_while_it_runs(server: tuple[Echo, int]) -> None:
    echo, port = server
    async with network(port) as proxy:
        client, out = await opened(proxy.port)
        out.sendto(b"one")
        await wait_until(lambda: client.arrived, what="the echo")
        proxy.down.loss = 1.0
        out.sendto(b"two")
        await wait_until(lambda: proxy.counts_down.lost == 1, what="the loss")
        out.close()
        assert (proxy.counts_up.delivered, proxy.counts_down.delivered) == (2, 1)
    assert [data for data, _ in echo.received] == [b"one", b"two"]
