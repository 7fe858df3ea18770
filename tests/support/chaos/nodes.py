"""A node of the installation: `linli serve` with its workers on one machine."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from tests.support.chaos.machines import Machine

PORT = 8_080
ROOT = Path(__file__).parents[3]
COMMAND_TIMEOUT_S = 120.0
STOP_S = 20.0


class Node:
    """Its processes can be killed, one or all, and started again."""

    def __init__(
        self, machine: Machine, folder: Path, shared: dict[str, str], workers: int
    ) -> None:
        """`shared` are settings that all nodes have."""
        self.name = machine.name
        self.machine = machine
        self.log = folder / f"{machine.name}.log"
        self._env = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "LINLI_HOST": "0.0.0.0",
            "LINLI_PORT": str(PORT),
            "LINLI_WORKERS": str(workers),
            "LINLI_ICE_ADDRESSES": machine.address,
            "LINLI_NODE_URL": f"http://{machine.private_address}:{PORT}",
            "LINLI_DATA_DIR": str(folder / machine.name),
            "LINLI_RTMP_PORT": "",
            "LINLI_ROLES": "edge",
            "LINLI_RATE_LIMITS": "false",
            **shared,
        }
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it; who wants to know when it serves asks the balancer."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.machine.command(sys.executable, "-m", "server", "serve"),
                env=self._env,
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )

    def workers(self) -> list[int]:
        """The process ids of its workers, the longest running first."""
        if self._process is None or self._process.returncode is not None:
            return []
        supervisor = self._process.pid
        with contextlib.suppress(OSError):
            children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text()
            return sorted(map(int, children.split()))
        return []

    def answering(self) -> list[int]:
        """Those of them that are not stopped."""
        seen = {pid: Path(f"/proc/{pid}/stat") for pid in self.workers()}
        with contextlib.suppress(OSError):
            return [pid for pid, stat in seen.items() if ") T " not in stat.read_text()]
        return []

    def signal_worker(self, number: int, what: signal.Signals) -> None:
        """Send it to one of those that run."""
        running = self.workers()
        if running:
            os.kill(running[number % len(running)], what)

    async def kill(self) -> None:
        """SIGKILL all of it."""
        self.machine.kill_everything()
        if self._process is not None:
            await self._process.wait()

    async def stop(self) -> None:
        """End it in order, by force if it takes long."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await self._process.wait()
        await self.kill()

    async def linli(self, *arguments: str, stdin: str = "", may_fail: bool = False) -> str:
        """Run a `linli` command on this machine with this node's settings."""
        process = await asyncio.create_subprocess_exec(
            *self.machine.command(sys.executable, "-m", "server", *arguments),
            env=self._env,
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(COMMAND_TIMEOUT_S):
            out, err = await process.communicate(stdin.encode())
        assert may_fail or process.returncode == 0, f"linli {arguments[0]}: {err.decode()}"
        return out.decode()

    async def doctor(self) -> dict[str, str]:
        """What `linli doctor` finds wrong here: checks with their advice."""
        results: list[dict[str, Any]] = json.loads(
            await self.linli("doctor", "--json", may_fail=True)
        )
        return {each["name"]: each["advice"] for each in results if not each["ok"]}
