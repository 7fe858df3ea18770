"""A server to be measured: a process of its own on a core of its own, fresh data, free ports.

It is started, filled and queried through its command line and public endpoints only.
"""

import asyncio
import contextlib
import ctypes
import os
import resource
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from loadtest.clients.http import PlainHttp
from loadtest.errors import LoadError, NoAnswer

ROOM, BRAND = "bench", "bench"
PACKING = (200, 120)  # packers, and orders of each in an hour: the most that a store has
PRODUCTS = 40
STOCK = 1_000_000
START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 15.0
POLL_S = 0.1
LOG_TAIL_BYTES = 2_000
SERVER_CORE, TESTER_CORE = 0, 1
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)
_CORES = sorted(os.sched_getaffinity(0))


class RigFailed(LoadError):
    """The server to be measured did not start; carries the end of its log."""


@dataclass(frozen=True, slots=True)
class Cpu:
    """CPU seconds used so far, and when that was.

    `server_kernel_s` is part of `server_s`, in whole ticks of 10 ms; `others_s` is what the rest
    of the machine used.
    """

    at: float
    server_s: float
    children_s: float
    tester_s: float
    server_kernel_s: float = 0.0
    others_s: float = 0.0

    def since(self, before: "Cpu") -> "Cpu":
        """Return the difference; `at` is then the time that passed."""
        return Cpu(
            self.at - before.at,
            self.server_s - before.server_s,
            self.children_s - before.children_s,
            self.tester_s - before.tester_s,
            self.server_kernel_s - before.server_kernel_s,
            self.others_s - before.others_s,
        )


def shop_toml(set_parts: int = 0, rooms: Sequence[str] = (ROOM,)) -> str:
    """Return a shop of one store with more stock than any measurement buys.

    With `set_parts` it sells sets of so many of its products, too, one unit of each.
    """
    head = """
[brand]
id = "bench"
name = { zh = "测量", en = "Bench" }
recording_days = 0
[[estates]]
id = "e1"
name = { zh = "一号院", en = "Court One" }
latitude = 30.0
longitude = 120.0
store = "s1"
[[stores]]
id = "s1"
name = { zh = "测量店", en = "Bench Store" }
address = { zh = "一号院门口", en = "Gate of Court One" }
latitude = 30.0
longitude = 120.0
[[staff]]
username = "bench"
name = "bench"
roles = ["host", "store"]
room = "{room}"
store = "s1"
"""
    room = """
[[rooms]]
id = "{id}"
store = "s1"
title = {{ zh = "测量", en = "Bench" }}
"""
    product = """
[[products]]
id = "p{number}"
image = "/goods/spinach.svg"
name = {{ zh = "商品 {number}", en = "Product {number}" }}
unit = {{ zh = "份", en = "piece" }}
price_fen = 990
stock = {stock}
group = {{ price_fen = 790, target = 10000, duration_s = 86400 }}
"""
    set_meal = """
[[products]]
id = "set{number}"
image = "/goods/spinach.svg"
name = {{ zh = "套餐 {number}", en = "Set {number}" }}
unit = {{ zh = "份", en = "set" }}
price_fen = 2990
parts = [{parts}]
"""
    products = [product.format(number=n, stock=STOCK) for n in range(PRODUCTS)]
    sets = [
        set_meal.format(
            number=n,
            parts=", ".join(
                f'{{ product = "p{(n + part) % PRODUCTS}" }}' for part in range(set_parts)
            ),
        )
        for n in range(PRODUCTS if set_parts else 0)
    ]
    head = head.replace("{room}", rooms[0])
    return head + "".join([*(room.format(id=each) for each in rooms), *products, *sets])


class Rig:
    """A running server and what can be read from outside: CPU, memory, its log."""

    def __init__(
        self, folder: Path, process: asyncio.subprocess.Process, port: int, room: str = ROOM
    ) -> None:
        self._room = room
        self.base_url = f"http://127.0.0.1:{port}"
        self.folder = folder
        self._process = process
        self._server = psutil.Process(process.pid)
        self._tester = psutil.Process()
        self._host: psutil.Process | None = None

    def cpu(self) -> Cpu:
        """Return CPU used so far: server, its children (Valkey), this process, everybody else."""
        server_s, tester_s = cpu_s(self._server), cpu_s(self._tester)
        children_s = sum(cpu_s(child) for child in self._server.children(recursive=True))
        kernel_s = float(self._server.cpu_times().system)
        others_s = _machine_cpu_s() - server_s - children_s - tester_s
        if self._host:
            others_s -= cpu_s(self._host)
        return Cpu(time.monotonic(), server_s, children_s, tester_s, kernel_s, others_s)

    @property
    def pid(self) -> int:
        """The server's."""
        return self._process.pid

    def rss_bytes(self) -> int:
        """Return the server's resident memory."""
        return int(self._server.memory_info().rss)

    def children(self) -> list[psutil.Process]:
        """Return the processes that the server has started."""
        return list(self._server.children(recursive=True))

    async def metric(self, name: str) -> float:
        """Return one figure of `/metrics`; 0 if it is not there."""
        http = PlainHttp(self.base_url)
        answer = await http.request("GET", "/metrics", headers={"Connection": "close"})
        await http.close()
        for line in answer.body.decode().splitlines():
            if line.startswith(f"{name} "):
                return float(line.split()[1])
        return 0.0

    async def token(self, role: str = "host") -> str:
        """Return a token, a host's for the room."""
        command = ["token", "--role", role, *(["--room", self._room] if role == "host" else [])]
        return (await run_linli(command, rig_environment(self.folder))).strip()

    async def count_slots(self) -> None:
        """Give the bench's store packers, so that each order takes a place in a window.

        Raises:
            RigFailed: The windows were not opened.
        """
        command = ["token", "--role", "hq", "--brand", BRAND]
        token = (await run_linli(command, rig_environment(self.folder))).strip()
        http = PlainHttp(self.base_url)
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "If-Match": '"1"',
        }
        body = b'{"packers": %d, "orders_per_packer_hour": %d}' % PACKING
        answer = await http.request("PATCH", "/api/hq/stores/s1", body, headers)
        if answer.status != 200:
            raise RigFailed(answer.body.decode()[:LOG_TAIL_BYTES])
        deadline = time.monotonic() + START_TIMEOUT_S
        path = f"/api/rooms/{self._room}/promises?estate=e1"
        while time.monotonic() < deadline:
            promised = (await http.request("GET", path)).json()["pickup"]
            if promised and promised[0]["from_ms"] is not None:
                await http.close()
                return
            await asyncio.sleep(POLL_S)
        raise RigFailed("no window was opened")

    @contextlib.asynccontextmanager
    async def host(self, clip: Path | None) -> AsyncIterator[None]:
        """Have a host publish `clip`, passed through, or the clock pattern, until left."""
        environment = rig_environment(self.folder) | {"LINLI_PUBLISH_TOKEN": await self.token()}
        to = f"{self.base_url}/live/{self._room}/whip"
        command = ["publish", "--to", to, *([str(clip), "--copy"] if clip else [])]
        async with process(command, environment, TESTER_CORE, self.folder / "host.log") as host:
            self._host = psutil.Process(host.pid)
            yield
            self._host = None

    def log_tail(self) -> str:
        """Return the end of the server's log."""
        return _tail(self.folder / "server.log")


@contextlib.asynccontextmanager
async def rig(shop: str = "", room: str = ROOM, **settings: str) -> AsyncIterator[Rig]:
    """Run a server on SERVER_CORE, and this process on TESTER_CORE.

    `shop` is the text of its shop file, by default the bench's. `settings` are `LINLI_…` of the
    server beside those of every rig.

    Raises:
        RigFailed: It did not start.
    """
    async with workplace() as folder:
        port = free_port(socket.SOCK_STREAM)
        environment = rig_environment(folder) | {
            "LINLI_PORT": str(port),
            "LINLI_ICE_PORT": str(free_port(socket.SOCK_DGRAM)),
            **settings,
        }
        file = folder / "shop.toml"
        file.write_text(shop or shop_toml(), "utf-8")
        await run_linli(["db", "load", str(file), "--password-stdin"], environment, "bench-bench\n")
        log = folder / "server.log"
        async with process(["serve"], environment, SERVER_CORE, log) as running:
            rig = Rig(folder, running, port, room)
            await _ready(rig, running)
            yield rig


@contextlib.asynccontextmanager
async def workplace() -> AsyncIterator[Path]:
    """Have this process on TESTER_CORE, with many sockets and a folder, until left."""
    before = os.sched_getaffinity(0)
    pin(TESTER_CORE)
    _allow_sockets()
    folder = Path(tempfile.mkdtemp(prefix="linli-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.sched_setaffinity(0, before)


def rig_environment(folder: Path) -> dict[str, str]:
    """Return the environment of everything that belongs to the rig in `folder`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LINLI_")}
    return kept | {
        "LINLI_HOST": "127.0.0.1",
        "LINLI_DATA_DIR": str(folder / "data"),
        "LINLI_ICE_ADDRESSES": "127.0.0.1",
        "LINLI_RATE_LIMITS": "false",
        "LINLI_RTMP_PORT": "",
        "LINLI_SUPERVISE": "0",
        "LINLI_LOG_LEVEL": "warning",
    }


@contextlib.asynccontextmanager
async def process(
    command: Sequence[str], environment: Mapping[str, str], core: int, log: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `linli` with `command` on `core` until left; SIGTERM, then by force."""
    linli = [sys.executable, "-m", "server", *command]
    async with program(linli, environment, core, log) as child:
        yield child


@contextlib.asynccontextmanager
async def program(
    command: Sequence[str], environment: Mapping[str, str], core: int, log: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run any program on `core` until left; SIGTERM, then by force."""
    with log.open("wb") as output:
        child = await asyncio.create_subprocess_exec(
            *command,
            env=dict(environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Ctrl-C at a terminal is for us: what we started, we end in order.
            start_new_session=True,
            preexec_fn=lambda: before_exec(core),
        )
    try:
        yield child
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await child.wait()
            except TimeoutError:
                child.kill()
                await child.wait()


async def run_linli(command: Sequence[str], environment: Mapping[str, str], stdin: str = "") -> str:
    """Run one `linli` command to its end and return what it printed.

    Raises:
        RigFailed: It failed.
    """
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "server",
        *command,
        env=dict(environment),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await child.communicate(stdin.encode())
    if child.returncode != 0:
        raise RigFailed(f"linli {command[0]} failed: {err.decode()[-LOG_TAIL_BYTES:]}")
    return out.decode()


def pin(core: int) -> None:
    """Keep this process on `core`, or on the last one there is."""
    os.sched_setaffinity(0, {_CORES[min(core, len(_CORES) - 1)]})


def _allow_sockets() -> None:
    """Take all file descriptors that may be had, for thousands of sockets; children inherit it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def before_exec(core: int) -> None:
    """Pin the child, and have the kernel end it if this process is killed (prctl(2))."""
    pin(core)
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


async def _ready(rig: Rig, running: asyncio.subprocess.Process) -> None:
    http = PlainHttp(rig.base_url)
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        with contextlib.suppress(NoAnswer):
            answer = await http.request("GET", "/healthz", headers={"Connection": "close"})
            if answer.status == 200:
                await http.close()
                return
        if running.returncode is not None or time.monotonic() > deadline:
            raise RigFailed(f"the server did not start:\n{rig.log_tail()}")
        await asyncio.sleep(POLL_S)


def cpu_s(process: psutil.Process) -> float:
    """Return what all threads of `process` used, to the nanosecond; 0 if it has ended.

    /proc counts whole ticks of 10 ms, in which a small load may not be seen at all.
    """
    clock = ctypes.c_int()
    if _LIBC.clock_getcpuclockid(process.pid, ctypes.byref(clock)):
        return 0.0
    with contextlib.suppress(OSError):
        return time.clock_gettime(clock.value)
    return 0.0


def _machine_cpu_s() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait - times.guest - times.guest_nice)


def free_port(kind: socket.SocketKind) -> int:
    """Return a port of 127.0.0.1 that nobody has now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _tail(path: Path) -> str:
    if not path.exists():
        return ""
    return path.read_bytes()[-LOG_TAIL_BYTES:].decode("utf-8", "replace")
