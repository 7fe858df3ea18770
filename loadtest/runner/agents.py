"""Agents: processes on other machines that join a run over the coordinator's port.

Both sides prove that they know the shared secret (HMAC-SHA-256 of the other's nonce) before
anything else is said. Then the coordinator estimates how far the agent's monotonic clock is from
its own: by the exchange with the shortest round trip, half of which is what it may be wrong by.
"""

import asyncio
import contextlib
import hashlib
import hmac
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from loadtest.errors import LoadError
from loadtest.runner.link import MESSAGE_BYTES_MAX, Link, LinkBroken
from loadtest.runner.worker import work

SECRET_CHARACTERS_MIN = 16
HANDSHAKE_TIMEOUT_S = 10.0
JOIN_TIMEOUT_S = 120.0
RETRY_S = 0.25
CLOCK_EXCHANGES = 10
# Of a stranger nothing longer is read.
STRANGER_BYTES_MAX = 1_024


class AgentsMissing(LoadError):
    """Not all agents came, or the port cannot be had."""


class WrongSecret(LoadError):
    """The other side does not know the secret."""


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent that has joined; `offset_ns` is what its clock lacks to the coordinator's."""

    link: Link
    offset_ns: int
    uncertainty_ns: int


def parse_endpoint(text: str) -> tuple[str, int]:
    """Read HOST:PORT.

    Raises:
        AgentsMissing: It is none.
    """
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65_535:
        raise AgentsMissing(f"{text!r} is not of the form HOST:PORT")
    return host.strip("[]"), int(port)


def check_secret(secret: str) -> None:
    """Return if the secret is long enough.

    Raises:
        WrongSecret: It is not.
    """
    if len(secret) < SECRET_CHARACTERS_MIN:
        raise WrongSecret(f"the agents' secret needs at least {SECRET_CHARACTERS_MIN} characters")


@contextlib.asynccontextmanager
async def joined_agents(
    count: int,
    host: str,
    port: int,
    secret: str,
    timeout_s: float = JOIN_TIMEOUT_S,
    stopped: asyncio.Event | None = None,
) -> AsyncIterator[list[Agent]]:
    """Listen until `count` agents have joined; strangers are turned away.

    Raises:
        AgentsMissing: They did not come in time or before `stopped`, or the port is taken.
    """
    agents: asyncio.Queue[Agent] = asyncio.Queue()
    links: list[Link] = []

    async def admit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link(reader, writer)
        links.append(link)
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
                await _admit(link, secret)
                agents.put_nowait(await _with_clock(link))
        except (LoadError, TimeoutError):
            link.close()

    try:
        server = await asyncio.start_server(admit, host, port)
    except OSError as error:
        raise AgentsMissing(f"cannot listen on {host}:{port}: {error.strerror}") from None
    try:
        found = await _first(agents, count, timeout_s, stopped or asyncio.Event())
        server.close()  # nobody else is let in
        yield found
    finally:
        server.close()
        for link in links:
            link.close()


async def _first(
    agents: asyncio.Queue[Agent], count: int, timeout_s: float, stopped: asyncio.Event
) -> list[Agent]:
    """Return the first `count` agents."""
    found: list[Agent] = []
    stopping = asyncio.create_task(stopped.wait())
    try:
        async with asyncio.timeout(timeout_s):
            while len(found) < count and not stopped.is_set():
                coming = asyncio.create_task(agents.get())
                await asyncio.wait([coming, stopping], return_when=asyncio.FIRST_COMPLETED)
                if coming.done():
                    found.append(coming.result())
                else:
                    coming.cancel()
    except TimeoutError:
        pass
    finally:
        stopping.cancel()
    if len(found) < count:
        how = "before the run was interrupted" if stopped.is_set() else f"within {timeout_s:g} s"
        raise AgentsMissing(f"{len(found)} of {count} agents came {how}")
    return found


async def serve_agent(
    host: str,
    port: int,
    secret: str,
    timeout_s: float = JOIN_TIMEOUT_S,
    *,
    sources: tuple[str, ...] = (),
) -> None:
    """Join the run of the coordinator at `host`:`port` and play a share of it to its end.

    Raises:
        AgentsMissing: Nobody listens there.
        WrongSecret: The coordinator does not know the secret, or does not accept ours.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            reader, writer = await asyncio.open_connection(host, port)
            break
        except OSError as error:
            if time.monotonic() > deadline:
                raise AgentsMissing(f"no coordinator at {host}:{port}: {error.strerror}") from None
            await asyncio.sleep(RETRY_S)
    link = Link(reader, writer)
    try:
        await _introduce(link, secret)
        for _ in range(CLOCK_EXCHANGES):
            await _expect(link, "clock")
            link.send("clock", at_ns=time.monotonic_ns())
        with contextlib.suppress(LinkBroken):  # so the coordinator says that it is over
            await work(link, sources)
    finally:
        link.close()


async def _admit(link: Link, secret: str) -> None:
    """The coordinator's side of the handshake."""
    link.bytes_max = STRANGER_BYTES_MAX
    nonce = secrets.token_hex(16)
    link.send("challenge", nonce=nonce)
    answer = await _expect(link, "answer")
    if not hmac.compare_digest(str(answer.get("proof")), _proof(secret, "agent", nonce)):
        raise WrongSecret("an agent does not know the secret")
    link.send("welcome", proof=_proof(secret, "coordinator", str(answer.get("nonce"))))
    link.bytes_max = MESSAGE_BYTES_MAX


async def _introduce(link: Link, secret: str) -> None:
    """The agent's side of the handshake."""
    link.bytes_max = STRANGER_BYTES_MAX
    nonce = secrets.token_hex(16)
    try:
        challenge = await _expect(link, "challenge")
        proof = _proof(secret, "agent", str(challenge.get("nonce")))
        link.send("answer", nonce=nonce, proof=proof)
        welcome = await _expect(link, "welcome")
    except LinkBroken:
        raise WrongSecret("the coordinator has turned us away: another secret?") from None
    if not hmac.compare_digest(str(welcome.get("proof")), _proof(secret, "coordinator", nonce)):
        raise WrongSecret("the coordinator does not know the secret")
    link.bytes_max = MESSAGE_BYTES_MAX


async def _with_clock(link: Link) -> Agent:
    """Estimate the agent's clock."""
    best: tuple[int, int] | None = None
    for _ in range(CLOCK_EXCHANGES):
        sent_ns = time.monotonic_ns()
        link.send("clock")
        at_ns = int((await _expect(link, "clock"))["at_ns"])
        round_trip_ns = time.monotonic_ns() - sent_ns
        exchange = round_trip_ns, sent_ns + round_trip_ns // 2 - at_ns
        best = min(best or exchange, exchange)
    assert best
    return Agent(link, best[1], best[0] // 2)


async def _expect(link: Link, kind: str) -> dict[str, Any]:
    message = await link.receive()
    if message["t"] != kind:
        raise LinkBroken(f"{message['t']!r} instead of {kind!r}")
    return message


def _proof(secret: str, side: str, nonce: str) -> str:
    return hmac.new(secret.encode(), f"{side}:{nonce}".encode(), hashlib.sha256).hexdigest()
