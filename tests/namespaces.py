"""A machine of its own for a browser: a network namespace whose lines lead through media/emulator.

For everything that a phone sends and gets, pages and sockets too: each of its lines is a pair of
TUN devices, one here and one in the namespace, and what goes from one to the other is lost, delayed
and queued as the line's conditions say. The kernel's own `tc tbf` may cap a line on top, and where
there is `tc netem`, which many machines lack, that may lose and delay. Addresses are those for
documentation (RFC 5737). Needs root.
"""

import asyncio
import fcntl
import os
import secrets
import shutil
import struct
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from random import Random

from media.emulator import Conditions, Counts, Link
from tests.netem import Direction

# This end of each line, where the server is; the phone's end has the next address.
HERE = ("198.51.100.1", "203.0.113.1")
MTU = 1_500
READS_MAX = 64  # packets per wake-up
SEED = 20
_TUN = Path("/dev/net/tun")
_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000


def missing() -> str | None:
    """Return what keeps us from making one, None if nothing does."""
    if os.geteuid() != 0:
        return "only root may make network devices"
    if not _TUN.exists():
        return f"there is no {_TUN}"
    return None if shutil.which("ip") and shutil.which("tc") else "iproute2 is not installed"


def has_netem() -> bool:
    """Whether the kernel has `tc netem`, tried in a namespace of its own."""
    if missing() is not None:
        return False
    name = f"lnl{secrets.token_hex(3)}"
    _run("ip", "netns", "add", name)
    try:
        add = ("tc", "qdisc", "add", "dev", "lo", "root", "netem")
        command = ("ip", "netns", "exec", name, *add)
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    finally:
        _run("ip", "netns", "delete", name)


class Line:
    """One way from the phone to the server: `up` and `down` may be changed while it is used."""

    def __init__(self, phone: str, number: int, up: Conditions, down: Conditions) -> None:
        self.up, self.down = up, down
        self.device = f"{phone}{number}"
        self._phone = phone
        self._here_device = f"{self.device}o"
        self._loop = asyncio.get_running_loop()
        here = HERE[number]
        there = here[:-1] + "2"
        with ExitStack() as opened:
            self._here = _tun(self._here_device)
            opened.callback(os.close, self._here)
            self._there = _tun(self.device)
            opened.callback(os.close, self._there)
            _run("ip", "link", "set", self.device, "netns", phone)
            _run("ip", "address", "add", here, "peer", there, "dev", self._here_device)
            _run("ip", "link", "set", self._here_device, "mtu", str(MTU), "up")
            _in(phone, "ip", "address", "add", there, "peer", here, "dev", self.device)
            self.close_devices = opened.pop_all()
        self.address = there
        self._metric = str(100 + number)
        random = Random(SEED + number)
        self._up = Direction(Link(up, Random(random.random())), _writer(self._here))
        self._down = Direction(Link(down, Random(random.random())), _writer(self._there))
        self._loop.add_reader(self._here, self._pass, self._here, self._down)
        self._loop.add_reader(self._there, self._pass, self._there, self._up)
        self.connect()

    @property
    def counts_down(self) -> Counts:
        """What became of the packets to the phone."""
        return self._down.link.counts

    def connect(self) -> None:
        """The phone has this network; the line with the least number is the one it uses."""
        _in(self._phone, "ip", "link", "set", self.device, "mtu", str(MTU), "up")
        _in(
            self._phone, "ip", "route", "add", "default", "dev", self.device,
            "metric", self._metric,
        )  # fmt: skip

    def disconnect(self) -> None:
        """The phone loses this network and its address there, as out of the reach of Wi-Fi."""
        _in(self._phone, "ip", "address", "flush", "dev", self.device)
        _in(self._phone, "ip", "link", "set", self.device, "down")

    def cap(self, bits_per_s: int | None, queue_s: float = 0.3) -> None:
        """Have the kernel let through so much to the phone, None: everything."""
        if bits_per_s is None:
            _run("tc", "qdisc", "del", "dev", self._here_device, "root")
            return
        _run(
            "tc", "qdisc", "replace", "dev", self._here_device, "root", "tbf",
            "rate", f"{bits_per_s}bit", "burst", f"{2 * MTU}b", "latency", f"{queue_s}s",
        )  # fmt: skip

    def impair(self, conditions: Conditions) -> None:
        """Have the kernel lose and delay what goes either way; see `has_netem`."""
        netem = (
            "root", "netem", "loss", f"{conditions.loss:%}",
            "delay", f"{conditions.delay_s}s", f"{conditions.jitter_s}s",
        )  # fmt: skip
        _run("tc", "qdisc", "replace", "dev", self._here_device, *netem)
        _in(self._phone, "tc", "qdisc", "replace", "dev", self.device, *netem)

    def close(self) -> None:
        """Let go everything that is under way, and the devices."""
        for fd, direction in ((self._here, self._down), (self._there, self._up)):
            self._loop.remove_reader(fd)
            direction.close()
        self.close_devices.close()

    def _pass(self, fd: int, direction: Direction) -> None:
        for _ in range(READS_MAX):
            try:
                packet = os.read(fd, MTU)
            except BlockingIOError:
                return
            direction.send(packet)


class Phone:
    """A network namespace with lines to here; `command` runs something in it."""

    def __init__(self, name: str, lines: Sequence[Line]) -> None:
        self.name = name
        self.lines = lines

    def command(self, folder: Path, program: str) -> Path:
        """Return an executable that runs `program` as on the phone."""
        script = folder / f"{self.name}-{Path(program).name}"
        script.write_text(f'#!/bin/sh\nexec ip netns exec {self.name} {program} "$@"\n')
        script.chmod(0o755)
        return script


@asynccontextmanager
async def phone(*lines: tuple[Conditions, Conditions]) -> AsyncIterator[Phone]:
    """A phone with so many lines, each with its conditions up and down."""
    name = f"lnl{secrets.token_hex(3)}"
    with ExitStack() as cleanup:
        _run("ip", "netns", "add", name)
        cleanup.callback(_run, "ip", "netns", "delete", name)
        _in(name, "ip", "link", "set", "lo", "up")
        made = []
        for number, (up, down) in enumerate(lines):
            line = Line(name, number, up, down)
            cleanup.callback(line.close)
            made.append(line)
        yield Phone(name, made)


def _tun(name: str) -> int:
    """Make a TUN device and return its end that is a file."""
    fd = os.open(_TUN, os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH", name.encode(), _IFF_TUN | _IFF_NO_PI))
    return fd


def _writer(fd: int) -> Callable[[bytes], None]:
    def write(packet: bytes) -> None:
        try:
            os.write(fd, packet)
        except OSError:
            pass  # the device is down: so much for this packet

    return write


def _in(phone: str, *command: str) -> None:
    _run("ip", "netns", "exec", phone, *command)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
