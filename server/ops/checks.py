"""What `linli doctor` checks of the machine, Redis, PostgreSQL and the nodes beside this one.

The rules take what was read and advise only where something is wrong; the readers are below.
"""

import asyncio
import errno
import socket
import time
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

import httpx
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from media.io.webrtc.udp import BUFFER_BYTES, open_socket
from server.net.addresses import is_loopback
from server.ops.heartbeat import Beat, Heartbeats, this_version
from server.redis_client import open_redis

CLOCK_OFF_S_MAX = 0.5
"""Deadlines of groups and holds are compared with the clocks of several machines."""
NODE_ANSWER_S_MAX = 2.0
UDP_SEGMENT, UDP_GRO = 103, 104  # of linux/udp.h
_BUFFERS = {
    "receives": ("net.core.rmem_max", socket.SO_RCVBUF),
    "sends": ("net.core.wmem_max", socket.SO_SNDBUF),
}
_OFFLOADS = {
    "sends whole frames (GSO)": (UDP_SEGMENT, "4.18"),
    "receives whole frames (GRO)": (UDP_GRO, "5.0"),
}


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check of `linli doctor`."""

    name: str
    ok: bool
    advice: str = ""

    def as_dict(self) -> dict[str, object]:
        """Return it for JSON."""
        return asdict(self)


def result(name: str, ok: bool, advice: str) -> CheckResult:
    """Give advice only where something is wrong."""
    return CheckResult(name, ok, "" if ok else advice)


# Rules


def buffer_result(direction: str, setting: str, got_bytes: int) -> CheckResult:
    """Whether the UDP socket's buffer is as large as it asks for."""
    return result(
        f"UDP {direction} bursts",
        got_bytes >= BUFFER_BYTES,
        f"The socket's buffer has {got_bytes >> 10:,} KiB instead of {BUFFER_BYTES >> 10:,}: "
        f"sysctl -w {setting}={BUFFER_BYTES}, and into /etc/sysctl.d for the next start.",
    )


def clock_result(whose: str, offset_s: float, round_trip_s: float) -> CheckResult:
    """Whether our clock and another's agree, as far as the round trip lets us see."""
    way = "behind" if offset_s > 0 else "ahead of"
    return result(
        f"clock agrees with {whose}",
        abs(offset_s) <= CLOCK_OFF_S_MAX + round_trip_s / 2,
        f"This machine is {abs(offset_s):.1f} s {way} {whose}'s. Run chrony or systemd-timesyncd "
        "on both.",
    )


def memory_results(info: Mapping[str, object]) -> list[CheckResult]:
    """Whether Redis, by its INFO, keeps what it was given."""
    policy = str(info.get("maxmemory_policy", "noeviction"))
    limit, used = int(str(info.get("maxmemory", 0))), int(str(info.get("used_memory", 0)))
    return [
        result(
            "redis evicts nothing",
            policy == "noeviction",
            f"maxmemory-policy is {policy}: holds and logs would vanish under load. "
            "Set it to noeviction.",
        ),
        result(
            "redis has memory left",
            not limit or used < 0.8 * limit,
            f"It uses {used >> 20:,} of {limit >> 20:,} MiB; beyond, orders are refused. "
            "Raise maxmemory.",
        ),
        result(
            "redis keeps an append-only file",
            str(info.get("aof_enabled", 1)) != "0",
            "A restart would empty it: set appendonly yes.",
        ),
    ]


def version_result(beats: Collection[Beat], ours: str) -> CheckResult:
    """Whether all workers that run are of one version, and doctor of the same."""
    nodes: dict[str, set[str]] = {ours: {"this command"}}
    for beat in beats:
        nodes.setdefault(beat.version, set()).add(beat.node)
    listed = "; ".join(
        f"{version}: {', '.join(sorted(names))}" for version, names in sorted(nodes.items())
    )
    return result(
        "workers are of one version",
        len(nodes) == 1,
        f"{listed}. Bring all to the newest; this may last as long as an upgrade does.",
    )


def address_result(urls: Mapping[str, str], silent: Collection[str]) -> CheckResult:
    """Whether nodes reach each other: `urls` by node, and the nodes that did not answer there.

    An address of loopback is each node's own.
    """
    own = {node for node, url in urls.items() if is_loopback(urlsplit(url).hostname or "")}
    wrong = sorted({*silent, *own})
    listed = ", ".join(f"{node} at {urls[node]}" for node in wrong)
    return result(
        "nodes reach each other",
        not wrong,
        f"Not reached: {listed}. Set LINLI_NODE_URL there, and LINLI_HOST to an address of the "
        "private network: requests are passed on to the node with the live.",
    )


# Readers


def kernel_results() -> list[CheckResult]:
    """What the kernel gives a UDP socket of ours."""
    found: list[CheckResult] = []
    with open_socket(0) as sock:
        for direction, (setting, option) in _BUFFERS.items():
            # The kernel reports twice what may be used (socket(7)).
            got_bytes = sock.getsockopt(socket.SOL_SOCKET, option) // 2
            found.append(buffer_result(direction, setting, got_bytes))
        for what, (option, since) in _OFFLOADS.items():
            advice = f"This kernel does not; Linux has it since {since}. Each packet costs a call."
            found.append(result(f"kernel {what}", _takes(sock, option), advice))
    return found


def _takes(sock: socket.socket, option: int) -> bool:
    try:
        sock.setsockopt(socket.IPPROTO_UDP, option, 0)
    except OSError as error:
        return error.errno not in (errno.ENOPROTOOPT, errno.EOPNOTSUPP)
    return True


async def redis_results(redis: Redis) -> list[CheckResult]:
    """Clock, memory and versions, as Redis knows them.

    Raises:
        RedisError: It does not answer.
    """
    began_s = time.time()
    seconds, microseconds = await redis.time()
    ended_s = time.time()
    offset_s = int(seconds) + int(microseconds) / 1e6 - (began_s + ended_s) / 2
    beats = await Heartbeats(redis).read()
    return [
        clock_result("Redis", offset_s, ended_s - began_s),
        *memory_results(await redis.info()),
        version_result(beats, this_version()),
        *await node_results(beats),
    ]


async def node_results(beats: Collection[Beat]) -> list[CheckResult]:
    """Whether the nodes answer from here where they say; none where there is one node."""
    urls = {beat.node: beat.url for beat in beats if beat.url}
    if len(urls) < 2:
        return []
    answers = await asyncio.gather(*(_is_node(url) for url in urls.values()))
    silent = [node for node, answered in zip(urls, answers, strict=True) if not answered]
    return [address_result(urls, silent)]


async def _is_node(url: str) -> bool:
    try:
        async with httpx.AsyncClient(timeout=NODE_ANSWER_S_MAX, trust_env=False) as client:
            return (await client.get(f"{url}/healthz")).status_code == 200
    except httpx.TransportError:
        return False


async def running_results(url: str) -> list[CheckResult]:
    """The checks of the embedded Valkey; none while no server runs."""
    async with open_redis(url) as redis:
        try:
            return await redis_results(redis)
        except (RedisError, OSError):
            return []


async def record_clock(engine: AsyncEngine) -> list[CheckResult]:
    """The clock of PostgreSQL; SQLite has ours.

    Raises:
        SQLAlchemyError: It does not answer.
    """
    if engine.dialect.name != "postgresql":
        return []
    async with engine.connect() as connection:
        began_s = time.time()
        query = text("SELECT extract(epoch FROM clock_timestamp())::float8")
        theirs_s = (await connection.execute(query)).scalar_one()
        ended_s = time.time()
    offset_s = theirs_s - (began_s + ended_s) / 2
    return [clock_result("PostgreSQL", offset_s, ended_s - began_s)]
