"""Two machines of a run's own: network namespaces with clean links to here and a bad one between.

    here ── 198.18.1.0/30 ── a       clients, Redis and PostgreSQL are here
    here ── 198.18.2.0/30 ── b
    a    ══ 198.18.3.0/30 ══ b       loses and delays: what nodes pass on to each other, and lives

Addresses are those for benchmarks (RFC 2544). Everything is made inside the network and process
namespaces that the driver was started in, and goes with it. The link between is media/emulator's:
it needs no kernel with netem, and its losses are drawn from the seed.
"""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from media.emulator import Conditions, EmulatedLink
from tests.support.chaos.schedule import NODES
from tests.support.namespaces import open_tun
from tests.support.netem import Direction
from tests.support.waiting import wait_until

MTU = 1_500
READS_MAX = 64  # packets per wake-up
NETWORK = "198.18.0.0/15"
HERE = "0.0.0.0"


class Machine:
    """A network namespace, held by a process that sleeps."""

    def __init__(self, name: str) -> None:
        self.name = name
        number = NODES.index(name) + 1
        self.gateway = f"198.18.{number}.1"  # this end of the link to here: where services are
        self.address = f"198.18.{number}.2"
        self.private_address = f"198.18.3.{number}"  # at the link between the machines
        self._holder = subprocess.Popen(
            ["unshare", "--net", "sleep", "infinity"], start_new_session=True
        )

    @property
    def namespace(self) -> str:
        """Its path."""
        return f"/proc/{self._holder.pid}/ns/net"

    async def connect(self) -> None:
        """Make the link to here."""
        own = os.readlink("/proc/self/ns/net")
        await wait_until(lambda: os.readlink(self.namespace) != own, what="a network namespace")
        here, pid = f"to-{self.name}", str(self._holder.pid)
        run("ip", "link", "add", here, "type", "veth", "peer", "name", "uplink", "netns", pid)
        run("ip", "address", "add", f"{self.gateway}/30", "dev", here)
        run("ip", "link", "set", here, "up")
        self.run("ip", "link", "set", "lo", "up")
        self.run("ip", "address", "add", f"{self.address}/30", "dev", "uplink")
        self.run("ip", "link", "set", "uplink", "up")
        self.run("ip", "route", "add", "default", "via", self.gateway)

    def open_private(self) -> int:
        """Make the device of the link between the machines; return its end that is a file."""
        device = f"private-{self.name}"
        other = next(f"198.18.3.{n + 1}" for n, name in enumerate(NODES) if name != self.name)
        fd = open_tun(device)
        run("ip", "link", "set", device, "netns", str(self._holder.pid))
        self.run("ip", "address", "add", self.private_address, "peer", other, "dev", device)
        self.run("ip", "link", "set", device, "mtu", str(MTU), "up")
        return fd

    def command(self, *arguments: str) -> tuple[str, ...]:
        """Return what runs a command there."""
        return ("nsenter", f"--net={self.namespace}", *arguments)

    def run(self, *arguments: str) -> None:
        """Run a command there that has to succeed."""
        run(*self.command(*arguments))

    def processes(self) -> list[int]:
        """Everything that runs there."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if os.readlink(folder / "ns/net") == os.readlink(self.namespace):
                    found.append(int(folder.name))
        return [pid for pid in found if pid != self._holder.pid]

    def kill_everything(self) -> None:
        """SIGKILL, as when the power goes."""
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        """End what runs there, and the namespace with it."""
        self.kill_everything()
        self._holder.kill()
        self._holder.wait()


@contextlib.contextmanager
def link_between(
    machines: dict[str, Machine], conditions: Conditions, rng: random.Random
) -> Iterator[None]:
    """The bad link; `conditions` are those of both directions and may change meanwhile."""
    loop = asyncio.get_running_loop()
    with contextlib.ExitStack() as opened:
        ends = []
        for machine in machines.values():
            fd = machine.open_private()
            opened.callback(os.close, fd)
            ends.append(fd)
        for source, sink in (ends, ends[::-1]):
            link = EmulatedLink(conditions, random.Random(rng.random()))
            direction = Direction(link, partial(_write, sink))
            opened.callback(direction.close)
            loop.add_reader(source, _pass, source, direction)
            opened.callback(loop.remove_reader, source)
        yield


def _pass(fd: int, direction: Direction) -> None:
    for _ in range(READS_MAX):
        try:
            packet = os.read(fd, MTU)
        except OSError:  # nothing more now, or the device is gone
            return
        direction.send(packet)


def _write(fd: int, packet: bytes) -> None:
    with contextlib.suppress(OSError):  # the device is down, and the packet lost
        os.write(fd, packet)


def run(*command: str) -> None:
    """Run a command here that has to succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
