"""Where the direct path to the server is closed, Debian's coturn relays: the page finds it."""

import asyncio
import re
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aioice.stun import TransactionFailed
from aioice.turn import create_turn_endpoint
from playwright.async_api import Browser, expect

from server.http.ice_servers import CREDENTIAL_TTL_S, links
from tests.support.browsers import People, more_frames
from tests.support.closed_networks import CLOSED_NETWORK, published
from tests.support.running import SHOP, running
from tests.support.waiting import free_port, wait_until

SECRET = "what only coturn and Linli know"
UNAUTHORIZED = 401
SELECTED_CANDIDATE = """async () => {
  const stats = await window.connections.at(-1).getStats()
  const transport = [...stats.values()].find((each) => each.type === 'transport')
  return {...stats.get(stats.get(transport.selectedCandidatePairId).localCandidateId)}
}"""


class Turn:
    """A coturn on loopback, UDP and TCP on one port."""

    def __init__(self, log: Path) -> None:
        self.port = free_port()
        self.log = log

    def urls(self, *transports: str) -> str:
        """What LINLI_ICE_SERVERS says of it."""
        return ",".join(f"turn:127.0.0.1:{self.port}?transport={each}" for each in transports)

    async def answers(self) -> bool:
        """Whether it listens."""
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True

    async def allocate(self, username: str, password: str, transport: str) -> None:
        """Ask for a relay and give it back; raises what coturn refuses it with."""
        endpoint, _ = await create_turn_endpoint(
            asyncio.DatagramProtocol,
            ("127.0.0.1", self.port),
            username=username,
            password=password,
            transport=transport,
        )
        endpoint.close()


@pytest_asyncio.fixture(loop_scope="session")
async def turn(tmp_path: Path) -> AsyncIterator[Turn]:
    """A started TURN server that shares SECRET with Linli."""
    executable = shutil.which("turnserver")
    assert executable, "turnserver is missing; `make test` installs it with apt"
    turn = Turn(tmp_path / "turn.log")
    options = {
        "listening-ip": "127.0.0.1",
        "relay-ip": "127.0.0.1",
        "listening-port": turn.port,
        "static-auth-secret": SECRET,
        "realm": "linli",
        "userdb": tmp_path / "turn.db",
        "pidfile": tmp_path / "turn.pid",
        "relay-threads": 1,
    }
    with turn.log.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            executable,
            *("-n", "--use-auth-secret", "--no-tls", "--no-dtls", "--no-cli"),
            *("--allow-loopback-peers", "--log-file=stdout", "--verbose"),
            *(f"--{name}={value}" for name, value in options.items()),
            stdout=log,
            stderr=log,
        )
    try:
        await wait_until(turn.answers, what="coturn")
        yield turn
    finally:
        process.terminate()
        await process.wait()


@pytest.mark.soak
@pytest.mark.parametrize("transports", [("udp", "tcp"), ("tcp",)])
async def test_a_viewer_in_a_closed_network_plays_over_a_relay(
    turn: Turn, browser: Browser, tmp_path: Path, transports: tuple[str, ...]
) -> None:
    settings = {"LINLI_ICE_SERVERS": turn.urls(*transports), "LINLI_TURN_SECRET": SECRET}
    async with running(tmp_path, SHOP, **settings) as linli, published(linli):
        people = People(browser, linli)
        page = await people.open(people.room_path, scripts=[CLOSED_NETWORK])
        room = page.get_by_test_id("room")
        await expect(room).to_have_attribute("data-road", "webrtc")
        await expect(room).to_have_attribute("data-player", "playing")
        await more_frames(page)
        candidate: dict[str, Any] = await page.evaluate(SELECTED_CANDIDATE)
        assert candidate["candidateType"] == "relay"
        # Which of the relays the browser nominates is its own choice: the first check that passes.
        assert candidate["relayProtocol"] in transports
        # One direct try and one over the relay, which on a busy machine may need another.
        assert await page.evaluate("window.connections.length") >= len(["direct", "relayed"])
        await people.close()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_coturn_takes_our_credentials_until_they_expire(turn: Turn, transport: str) -> None:
    now_s = time.time()
    await turn.allocate(*_credential(turn, SECRET, now_s), transport)
    expired = _credential(turn, SECRET, now_s - CREDENTIAL_TTL_S - 60)
    of_another_secret = _credential(turn, "another secret", now_s)
    for username, password in (expired, of_another_secret):
        with pytest.raises(TransactionFailed) as refused:
            await turn.allocate(username, password, transport)
        assert refused.value.response.error_code == UNAUTHORIZED


def _credential(turn: Turn, secret: str, now_s: float) -> tuple[str, str]:
    """User name and password as the server's Link header names them."""
    [link] = links([turn.urls("udp")], secret, now_s=now_s)
    found = re.search(r'username="(.+?)"; credential="(.+?)"', link)
    assert found
    return found[1], found[2]
