"""A cluster of three nodes on loopback, each with a replica if wanted, of Valkey or Redis 7.0."""

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import redis

from tests.support.waiting import free_port

PRIMARIES = 3
SLOTS = 16_384
START_S = 120.0
NODE_TIMEOUT_MS = 1_000
MIGRATE_MS = 5_000


class ClusterServer:
    """One node."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self.port = free_port()
        bus_port = free_port()
        folder.mkdir()
        options = {
            "port": self.port,
            "bind": "127.0.0.1",
            "dir": folder,
            "save": "",
            "appendonly": "yes",
            "cluster-enabled": "yes",
            "cluster-port": bus_port,
            "cluster-node-timeout": NODE_TIMEOUT_MS,
            "enable-debug-command": "local",
        }
        self._command = [str(binary)]
        for name, value in options.items():
            self._command += [f"--{name}", str(value)]
        self._log = folder / "log"
        self.bus_port = bus_port
        self.start()

    def start(self) -> None:
        """Start, or start again on the same data, and wait until it answers."""
        with self._log.open("ab") as log:
            self._child = subprocess.Popen(self._command, stdout=log, stderr=log)
        deadline = time.monotonic() + START_S
        while True:
            try:
                self.ask("PING")
                return
            except redis.RedisError:
                assert time.monotonic() < deadline, self._log.read_text()
                time.sleep(0.02)

    def ask(self, *command: object) -> str:
        """Return what the node answers to a command."""
        return str(self.ask_all([command])[0])

    def ask_all(self, commands: Iterable[Sequence[object]]) -> list[Any]:
        """Return what the node answers to each of the commands, one after the other."""
        with contextlib.closing(redis.Redis(port=self.port, decode_responses=True)) as client:
            return [
                client.execute_command(*command)  # type: ignore[no-untyped-call]  # no types
                for command in commands
            ]

    def kill(self) -> None:
        """SIGKILL."""
        self._child.kill()
        self._child.wait()


class RedisCluster:
    """Three primaries; `replicas` follow them in the same order."""

    def __init__(self, binary: Path, folder: Path, *, replicas: bool = False) -> None:
        self._folder = folder
        self.primaries = [self._start(binary, f"p{n}") for n in range(PRIMARIES)]
        self.replicas = [self._start(binary, f"r{n}") for n in range(PRIMARIES * replicas)]
        self.nodes = [*self.primaries, *self.replicas]
        self.url = (
            "redis://"
            + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
            + "/?cluster=true"
        )
        self._join()

    def _start(self, binary: Path, name: str) -> ClusterServer:
        return ClusterServer(binary, self._folder / name)

    def _join(self) -> None:
        first, step = self.primaries[0], SLOTS // PRIMARIES + 1
        for at, node in enumerate(self.primaries):
            last = min(SLOTS, (at + 1) * step) - 1
            node.ask("CLUSTER", "ADDSLOTSRANGE", at * step, last)
        for at, node in enumerate(self.nodes, 1):
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", at)
        for node in self.nodes[1:]:
            node.ask("CLUSTER", "MEET", "127.0.0.1", first.port, first.bus_port)
        self._until("all know each other", lambda node: self._known(node) == len(self.nodes))
        for primary, replica in zip(self.primaries, self.replicas, strict=False):
            replica.ask("CLUSTER", "REPLICATE", primary.ask("CLUSTER", "MYID"))
        self.wait_until_whole()

    def slot_of(self, key: str) -> int:
        """The slot of a key."""
        return int(self.primaries[0].ask("CLUSTER", "KEYSLOT", key))

    def owner_of(self, slot: int) -> ClusterServer:
        """The primary that has a slot."""
        for node in self.primaries:
            [slots] = node.ask_all([("CLUSTER", "SLOTS")])
            for first, last, (_, port, *_), *_ in slots:
                if first <= slot <= last and port == node.port:
                    return node
        raise AssertionError(f"nobody has slot {slot}")

    def move_slot(self, slot: int, *, key_s: float) -> int:
        """Move a slot to the next primary as `redis-cli --cluster reshard` does; return its keys.

        Key by key, each after `key_s`, so that calls find some of them here and some there.
        """
        source = self.owner_of(slot)
        target = self.primaries[(self.primaries.index(source) + 1) % PRIMARIES]
        source_id, target_id = (node.ask("CLUSTER", "MYID") for node in (source, target))
        target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source_id)
        source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target_id)
        moved = 0
        while True:
            [keys] = source.ask_all([("CLUSTER", "GETKEYSINSLOT", slot, 1)])
            if not keys:
                break
            time.sleep(key_s)
            # A key that expired meanwhile is answered with NOKEY.
            source.ask("MIGRATE", "127.0.0.1", target.port, "", 0, MIGRATE_MS, "KEYS", *keys)
            moved += 1
        for node in (target, source, *self.primaries):
            node.ask("CLUSTER", "SETSLOT", slot, "NODE", target_id)
        return moved

    def wait_until_whole(self) -> None:
        """Return once every node serves, and every replica has its primary's data."""
        self._until(
            "a whole cluster", lambda node: "cluster_state:ok" in node.ask("CLUSTER", "INFO")
        )
        for replica in self.replicas:
            self._until("a replica in step", _follows, [replica])

    def _known(self, node: ClusterServer) -> int:
        return len(node.ask("CLUSTER", "NODES").splitlines()) if node else 0

    def _until(
        self,
        what: str,
        holds: Callable[[ClusterServer], bool],
        nodes: list[ClusterServer] | None = None,
    ) -> None:
        deadline = time.monotonic() + START_S
        for node in nodes or self.nodes:
            while not holds(node):
                assert time.monotonic() < deadline, what
                time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL to all nodes."""
        for node in self.nodes:
            node.kill()


def _follows(node: ClusterServer) -> bool:
    about = node.ask("INFO", "replication")
    return "'role': 'master'" in about or "'master_link_status': 'up'" in about


@contextlib.contextmanager
def running_cluster(
    binary: Path, folder: Path, *, replicas: bool = False
) -> Iterator[RedisCluster]:
    """A cluster that ends with the block."""
    cluster = RedisCluster(binary, folder, replicas=replicas)
    try:
        yield cluster
    finally:
        cluster.kill()
