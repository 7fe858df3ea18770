"""A machine of its own for a browser: a network namespace whose links are bad networks.

For all that a phone sends and receives, pages and sockets too: each of its links is a pair of
devices, one here and one in the namespace, and packets between them are lost, delayed and queued as
the link's conditions say, by media/emulator or by the `tc netem` of a router of its own. The
kernel's `tc tbf` may cap a link on top. Addresses are those for documentation (RFC 5737). Needs
root.
"""

import asyncio
import fcntl
import os
import secrets
import shutil
import struct
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from random import Random

from media.emulator import Conditions, EmulatedLink, LinkCounts
from tests.support.netem import Direction
from tests.support.router import Router, router

# This end of each link, where the server is; the phone's end has the next address.
HERE = ("198.51.100.1", "203.0.113.1")
MTU = 1_500
READS_MAX = 64  # packets per wake-up
SEED = 20
_TUN = Path("/dev/net/tun")
_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_TAP, _IFF_NO_PI = 0x0001, 0x0002, 0x1000
# Of the two ends of a link with a router, here and there: frames need addresses of their own.
_CARDS = ("02:00:00:00:00:01", "02:00:00:00:00:02")


def missing() -> str | None:
    """Return what keeps us from making one, None if nothing does."""
    if os.geteuid() != 0:
        return "only root may make network devices"
    if not _TUN.exists():
        return f"there is no {_TUN}"
    return None if shutil.which("ip") and shutil.which("tc") else "iproute2 is not installed"


class Link:
    """One way from the phone to the server: two devices, and whatever is between them."""

    def __init__(self, phone: str, number: int, kind: int = _IFF_TUN) -> None:
        self.device = f"{phone}{number}"
        self._phone = phone
        self._here_device = f"{self.device}o"
        here = HERE[number]
        there = here[:-1] + "2"
        with ExitStack() as opened:
            self.here = open_tun(self._here_device, kind)
            opened.callback(os.close, self.here)
            self.there = open_tun(self.device, kind)
            opened.callback(os.close, self.there)
            _run("ip", "link", "set", self.device, "netns", phone)
            _run("ip", "address", "add", here, "peer", there, "dev", self._here_device)
            _in(phone, "ip", "address", "add", there, "peer", here, "dev", self.device)
            if kind == _IFF_TAP:
                self._introduce(here, there)
            _run("ip", "link", "set", self._here_device, "mtu", str(MTU), "up")
            self._close_devices = opened.pop_all()
        self._metric = str(100 + number)
        self.connect()

    def connect(self) -> None:
        """The phone has this network; the link with the least number is the one it uses."""
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

    def close(self) -> None:
        """Delete the devices."""
        self._close_devices.close()

    def _introduce(self, here: str, there: str) -> None:
        """Add each end's neighbour, so that no ARP goes over a lossy link."""
        for run, device, own, peer, card in (
            (_run, self._here_device, _CARDS[0], there, _CARDS[1]),
            (partial(_in, self._phone), self.device, _CARDS[1], here, _CARDS[0]),
        ):
            run("ip", "link", "set", device, "address", own)
            run("ip", "neighbour", "add", peer, "lladdr", card, "dev", device)


class Emulated(Link):
    """A link through media/emulator; its conditions may be changed while it is used."""

    def __init__(self, phone: str, number: int, up: Conditions, down: Conditions) -> None:
        super().__init__(phone, number)
        self._loop = asyncio.get_running_loop()
        random = Random(SEED + number)
        self._up = Direction(EmulatedLink(up, Random(random.random())), _writer(self.here))
        self._down = Direction(EmulatedLink(down, Random(random.random())), _writer(self.there))
        self._loop.add_reader(self.here, self._pass, self.here, self._down)
        self._loop.add_reader(self.there, self._pass, self.there, self._up)

    @property
    def counts_down(self) -> LinkCounts:
        """What became of the packets to the phone."""
        return self._down.link.counts

    def close(self) -> None:
        """Drop everything that is in flight, and the devices."""
        for fd, direction in ((self.here, self._down), (self.there, self._up)):
            self._loop.remove_reader(fd)
            direction.close()
        super().close()

    def _pass(self, fd: int, direction: Direction) -> None:
        for _ in range(READS_MAX):
            try:
                packet = os.read(fd, MTU)
            except BlockingIOError:
                return
            direction.send(packet)


class Phone:
    """A network namespace with links to here; `command` runs something in it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def command(self, folder: Path, program: str) -> Path:
        """Return an executable that runs `program` as on the phone."""
        script = folder / f"{self.name}-{Path(program).name}"
        script.write_text(f'#!/bin/sh\nexec ip netns exec {self.name} {program} "$@"\n')
        script.chmod(0o755)
        return script


@asynccontextmanager
async def phone(
    *links: tuple[Conditions, Conditions],
) -> AsyncIterator[tuple[Phone, list[Emulated]]]:
    """A phone with a link for each pair of conditions, up and down."""
    with _namespace() as (device, cleanup):
        made = []
        for number, (up, down) in enumerate(links):
            link = Emulated(device.name, number, up, down)
            cleanup.callback(link.close)
            made.append(link)
        yield device, made


@asynccontextmanager
async def phone_behind_router(folder: Path) -> AsyncIterator[tuple[Phone, Router]]:
    """A phone with one link through a router; `folder` is for its sockets."""
    with _namespace() as (device, cleanup):
        link = Link(device.name, 0, _IFF_TAP)
        cleanup.callback(link.close)
        async with router(link.here, link.there, folder) as made:
            yield device, made


@contextmanager
def _namespace() -> Iterator[tuple[Phone, ExitStack]]:
    """A phone without links, and what is to be done before it goes."""
    name = f"lnl{secrets.token_hex(3)}"
    with ExitStack() as cleanup:
        _run("ip", "netns", "add", name)
        cleanup.callback(_run, "ip", "netns", "delete", name)
        _in(name, "ip", "link", "set", "lo", "up")
        yield Phone(name), cleanup


def open_tun(name: str, kind: int = _IFF_TUN) -> int:
    """Make a TUN or TAP device and return its end that is a file; reads do not block."""
    fd = os.open(_TUN, os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH", name.encode(), kind | _IFF_NO_PI))
    return fd


def _writer(fd: int) -> Callable[[bytes], None]:
    def write(packet: bytes) -> None:
        try:
            os.write(fd, packet)
        except OSError:
            pass  # the device is down, and the packet lost

    return write


def _in(phone: str, *command: str) -> None:
    _run("ip", "netns", "exec", phone, *command)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
