"""How many nodes an evening takes: a rule over measured figures, without a clock or a network.

Rates are per second, bitrates bit/s, CPU is in cores. All lives are taken to be of one size; what
the figures do not say is a named constant here, and stands among the plan's assumptions.
"""

import math
from dataclasses import asdict, dataclass

from media.cascade.tree import DEPTH_MAX, FANOUT
from server.ops import figures

EDGES_MAX = sum(FANOUT**depth for depth in range(1, DEPTH_MAX + 1))
"""Workers that one live reaches beside its own."""
AUDIO_PACKETS_PER_S = 50
VIDEO_PACKET_BYTES = 1_170
PACKET_HEADER_BYTES = 64
"""RTP header and extensions, the tag of AES-GCM, UDP and IPv4."""
AUDIO_BPS = 64_000
RETRANSMITS_PART = 0.03
LOAD_MAX = 0.7
"""Of a worker's core. It refuses viewers from 0.9 on."""
LINK_LOAD_MAX = 0.6
ROOM_EVENTS_PER_S = 1.0
"""Counters and cards of a room, besides its chat."""
TICKS_PER_S_MAX = 10.0
WORKER_MIB = 256
SESSION_KIB = 64
SYSTEM_MIB = 1_024
CORES_RESERVED = 1
SPARE_NODES = 1
REDIS_COMMANDS_PER_S = 50_000
REDIS_DELIVERIES_PER_S = 650_000
WORKER_REDIS_COMMANDS_PER_S = 20
WORKER_SQL_QUERIES_PER_S = 8
REDIS_CONNECTIONS_PER_WORKER = 68
SQL_CONNECTIONS_PER_WORKER = 24
CONNECTIONS_PER_WORKER_MAX = 20_000
FILES_RESERVED = 1_000
HTTP_PORT, ICE_PORT, HOP_PORT, RTMP_PORT = 8_080, 8_440, 8_540, 1_935


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What is expected at the peak. Viewers watch by WHEP and are in the room."""

    viewers: int
    lives: int
    bitrate_bps: float
    cores: int = 8
    link_bps: float = 10e9
    chat_per_s: float = 1.0  # lines of one room
    orders_per_s: float | None = None  # None: one viewer in fifty orders within a minute
    arrival_s: float = 300.0  # all viewers come within this time

    @property
    def orders(self) -> float:
        """Orders a second at the peak."""
        return self.viewers / 50 / 60 if self.orders_per_s is None else self.orders_per_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One machine of the plan."""

    cores: int
    workers: int
    viewers: int
    memory_gib: float
    out_bps: float
    http_ports: tuple[int, int]  # TCP, the first and the last
    ice_ports: tuple[int, int]  # UDP
    hop_ports: tuple[int, int]  # UDP, between the nodes
    rtmp_ports: tuple[int, int]  # TCP
    files: int  # LimitNOFILE of a worker


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseLoad:
    """The load of Redis, or of PostgreSQL."""

    requests_per_s: float
    deliveries_per_s: float
    connections: int
    cores: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the demand takes; with `problems`, it is not carried."""

    demand: Demand
    nodes: int
    bound_by: str
    workers: int
    viewers_per_live_max: int
    out_bps: float
    node: Node
    redis: DatabaseLoad
    postgres: DatabaseLoad
    assumptions: tuple[str, ...]
    problems: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        """Return it for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Costs:
    """CPU in cores."""

    viewer: float
    live: float
    budget: float  # of a worker, for lives

    @property
    def viewers_max(self) -> int:
        """Viewers of the largest live that one worker carries."""
        return max(0, math.floor((self.budget - self.live) / self.viewer))


def packets_per_s(bitrate_bps: float) -> float:
    """RTP packets to one viewer, video and audio."""
    return bitrate_bps / 8 / VIDEO_PACKET_BYTES + AUDIO_PACKETS_PER_S


def viewers_per_core(bitrate_bps: float) -> float:
    """Viewers whose packets take one core."""
    return 1e6 / (packets_per_s(bitrate_bps) * figures.PACKET_US.value)


def plan(demand: Demand) -> Plan:
    """Return how many nodes carry `demand`, and what each needs."""
    costs = _costs(demand)
    audience = math.ceil(demand.viewers / demand.lives)
    problems = []
    edges = max(0, math.ceil(audience / max(1, costs.viewers_max)) - 1)
    if edges > EDGES_MAX:
        problems.append(
            f"A live has {audience:,} viewers, for which {edges:,} workers would have to receive "
            f"it from each other, {DEPTH_MAX} hops deep at most: {EDGES_MAX:,} do. Give viewers a "
            "lower bitrate, or LL-HLS behind a CDN."
        )
    # An edge receives the live as its origin does from the host, and is a viewer of its parent.
    each = costs.live + audience * costs.viewer + edges * (costs.live + costs.viewer)
    lives_per_worker = max(1, math.floor(costs.budget / each))
    busy_cores = demand.lives * each + demand.orders / figures.ORDERS_PER_CORE.value
    workers = max(
        math.ceil(demand.lives / lives_per_worker),
        math.ceil(busy_cores / costs.budget),
        demand.lives * (edges + 1) if edges else 0,
    )
    out_bps = demand.viewers * _viewer_bps(demand.bitrate_bps)
    by_cpu = math.ceil(workers / max(1, demand.cores - CORES_RESERVED))
    by_link = math.ceil(out_bps / (demand.link_bps * LINK_LOAD_MAX))
    busy = max(by_cpu, by_link)
    node = _node(demand, busy, math.ceil(workers / busy), out_bps)
    total = node.workers * (busy + SPARE_NODES)
    return Plan(
        demand=demand,
        nodes=busy + SPARE_NODES,
        bound_by="network" if by_link > by_cpu else "CPU",
        workers=total,
        viewers_per_live_max=costs.viewers_max,
        out_bps=out_bps,
        node=node,
        redis=_redis(demand, total, audience),
        postgres=DatabaseLoad(
            requests_per_s=demand.orders + total * WORKER_SQL_QUERIES_PER_S,
            deliveries_per_s=0.0,
            connections=total * SQL_CONNECTIONS_PER_WORKER,
            cores=demand.orders / figures.ORDERS_PER_CORE.value,
        ),
        assumptions=_assumptions(demand),
        problems=tuple(problems),
    )


def _costs(demand: Demand) -> _Costs:
    ticks = min(TICKS_PER_S_MAX, demand.chat_per_s + ROOM_EVENTS_PER_S)
    packets = packets_per_s(demand.bitrate_bps) * figures.PACKET_US.value / 1e6
    room = ticks * figures.TICK_US.value / 1e6
    join = figures.JOIN_MS.value / 1e3 / demand.arrival_s
    idle = figures.IDLE_PERCENT.value / 100
    return _Costs(
        viewer=packets + room + join,
        live=figures.HOST_PERCENT.value / 100 - idle,
        budget=LOAD_MAX - idle,
    )


def _viewer_bps(bitrate_bps: float) -> float:
    headers = packets_per_s(bitrate_bps) * PACKET_HEADER_BYTES * 8
    return (bitrate_bps + AUDIO_BPS + headers) * (1 + RETRANSMITS_PART)


def _node(demand: Demand, busy: int, workers: int, out_bps: float) -> Node:
    viewers = math.ceil(demand.viewers / busy)
    kib = viewers * (SESSION_KIB + figures.ROOM_VIEWER_KIB.value)
    last = workers - 1
    connections = min(CONNECTIONS_PER_WORKER_MAX, 2 * math.ceil(viewers / workers))
    return Node(
        cores=demand.cores,
        workers=workers,
        viewers=viewers,
        memory_gib=round((SYSTEM_MIB + workers * WORKER_MIB + kib / 1_024) / 1_024, 1),
        out_bps=out_bps / busy,
        http_ports=(HTTP_PORT, HTTP_PORT + last),
        ice_ports=(ICE_PORT, ICE_PORT + last),
        hop_ports=(HOP_PORT, HOP_PORT + last),
        rtmp_ports=(RTMP_PORT, RTMP_PORT + last),
        files=max(4_096, 2 ** math.ceil(math.log2(connections + FILES_RESERVED))),
    )


def _redis(demand: Demand, workers: int, audience: int) -> DatabaseLoad:
    # Room sockets land on any worker: a room of a hundred is soon on a hundred workers.
    rooms = demand.lives * min(workers, audience)
    published = demand.lives * (demand.chat_per_s + ROOM_EVENTS_PER_S)
    deliveries = published * min(workers, audience)
    commands = rooms + published + workers * WORKER_REDIS_COMMANDS_PER_S + 4 * demand.orders
    return DatabaseLoad(
        requests_per_s=commands,
        deliveries_per_s=deliveries,
        connections=workers * REDIS_CONNECTIONS_PER_WORKER,
        cores=commands / REDIS_COMMANDS_PER_S + deliveries / REDIS_DELIVERIES_PER_S,
    )


def _assumptions(demand: Demand) -> tuple[str, ...]:
    measured = tuple(
        f"{figure.value:,g} {figure.what} (docs/performance.md)" for figure in figures.FIGURES
    )
    return (
        *measured,
        f"A viewer gets {packets_per_s(demand.bitrate_bps):.0f} RTP packets a second: "
        f"{AUDIO_PACKETS_PER_S} of audio ({AUDIO_BPS / 1e3:.0f} kbit/s), video in packets of "
        f"{VIDEO_PACKET_BYTES:,} bytes, {PACKET_HEADER_BYTES} bytes of headers each, "
        f"{RETRANSMITS_PART:.0%} retransmits.",
        f"A worker is filled to {LOAD_MAX:.0%} of its core, a network link to {LINK_LOAD_MAX:.0%}.",
        "A core of yours is as fast as that of docs/performance.md, and loopback costs what your "
        "network card does: run `linli bench relay` on your machine.",
        "All lives have the same number of viewers, and all watch at once by WHEP.",
        "A live's viewers are served by the worker that its host publishes to; those for whom it "
        "has no room by others, which receive the live from it or from each other (LINLI_CASCADE): "
        f"{FANOUT} from one (LINLI_CASCADE_FANOUT), {DEPTH_MAX} hops deep at most. Each costs the "
        "one that it receives from as much as a viewer.",
        "Each worker is one `linli serve` with ports of its own; "
        f"{CORES_RESERVED} core of a node is for the kernel and the proxy. TLS of the proxy, "
        "recording and re-encoding are not counted.",
        f"{SPARE_NODES} node more than needed, so that one may fail or be drained.",
        f"All viewers come within {demand.arrival_s:g} s.",
        f"A room has {demand.chat_per_s:g} chat lines and {ROOM_EVENTS_PER_S:g} other change "
        "a second, and viewers' sockets are on any worker.",
        f"{demand.orders:,.1f} orders a second at the peak.",
        f"Memory, not measured: {WORKER_MIB} MiB per worker, {SESSION_KIB} KiB per WHEP session, "
        f"{SYSTEM_MIB:,} MiB for the system.",
        f"Redis, not measured here: {REDIS_COMMANDS_PER_S:,} scripts a second and "
        f"{REDIS_DELIVERIES_PER_S:,} pub/sub deliveries a second per core; a worker at rest sends "
        f"{WORKER_REDIS_COMMANDS_PER_S} commands and {WORKER_SQL_QUERIES_PER_S} queries a second.",
        f"Connections are the largest pools: {REDIS_CONNECTIONS_PER_WORKER} to Redis, "
        f"{SQL_CONNECTIONS_PER_WORKER} to PostgreSQL per worker.",
    )
