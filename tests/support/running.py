"""A running `linli serve` in a process of its own, for tests from the outside."""

import asyncio
import atexit
import contextlib
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from server.access.policy import Principal, Role
from server.access.tokens import Access
from server.ops.secrets import SECRET_BYTES, kept_secret
from server.settings import Settings
from tests.support.waiting import WAIT_S, free_port

START_S = 120.0
STOP_S = 60.0
TOKEN_TTL_S = 3_600
SHOP = Path(__file__).with_name("shop.toml")
PASSWORD = "correct horse battery"
SDP = {"Content-Type": "application/sdp"}


# What loading a shop makes, to be copied: passwords are meant to take their time.
_loaded: dict[Path, Path] = {}


class Running:
    """One server on loopback with a data folder of its own; may be killed and started again.

    `room` and its `host` (a username) are those of the story that runs.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.room = "demo"
        self.host = "chunjiang"
        self.port = free_port()
        self.env = {
            **os.environ,
            "LINLI_HOST": "127.0.0.1",
            "LINLI_PORT": str(self.port),
            "LINLI_ICE_PORT": str(free_port(socket.SOCK_DGRAM)),
            "LINLI_ICE_ADDRESSES": "127.0.0.1",
            "LINLI_DATA_DIR": str(folder / "var"),
            # On a busy machine, too, orders are confirmed and a host that was lost is back in time.
            "LINLI_CONFIRM_TIMEOUT_S": "30",
            "LINLI_PUBLISH_GRACE_S": "300",
            # One process less to start; tests of its own one say so.
            "LINLI_INSIGHT_PROCESS": "shared",
            **settings,
        }
        self.process: asyncio.subprocess.Process | None = None
        self.code: Path | None = None  # a checkout of another version; None: this one

    @property
    def url(self) -> str:
        """Base URL of HTTP."""
        host = self.env["LINLI_HOST"]
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def whip(self) -> str:
        """Where the room's host publishes."""
        return f"{self.url}/live/{self.room}/whip"

    @property
    def whep(self) -> str:
        """Where the room's viewers play."""
        return f"{self.url}/live/{self.room}/whep"

    @property
    def log(self) -> str:
        """All that the server wrote so far."""
        return (self.folder / "log").read_text()

    @property
    def settings(self) -> Settings:
        """What a command on the same data reads."""
        names = {name.removeprefix("LINLI_").lower(): text for name, text in self.env.items()}
        return Settings.model_validate(
            {name: names[name] for name in Settings.model_fields if name in names}
        )

    def client(self, token: str = "") -> httpx.AsyncClient:
        """Return a client of the server, with the rights of `token`."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # Without TLS: certificates would be read for each client.
        return httpx.AsyncClient(
            base_url=self.url, headers=headers, timeout=WAIT_S, trust_env=False, verify=False
        )

    @property
    def insight_pid(self) -> int | None:
        """Id of the server's process of the role insight, while there is one."""
        assert self.process is not None
        for task in Path(f"/proc/{self.process.pid}/task").glob("*/children"):
            for pid in task.read_text().split():
                with contextlib.suppress(OSError):  # it has just ended
                    if b"LINLI_ROLES=insight" in Path(f"/proc/{pid}/environ").read_bytes():
                        return int(pid)
        return None

    @property
    def libraries(self) -> str:
        """What the server's process has mapped, as the kernel prints it."""
        assert self.process is not None
        return Path(f"/proc/{self.process.pid}/maps").read_text()

    async def linli(self, *arguments: str, stdin: str = "") -> str:
        """Run another `linli` command on the same data; return what it printed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "server",
            *arguments,
            env=self.env,
            cwd=self.code,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate(stdin.encode())
        assert process.returncode == 0, f"linli {' '.join(arguments)}: {err.decode()}"
        return out.decode()

    async def host_token(self) -> str:
        """Return what lets a host publish in the room and read its figures."""
        return self.token(Role.HOST, room_id=self.room)

    def token(self, role: Role, **bound: str) -> str:
        """Return what `linli token` prints: it starts a process for this."""
        secret = self.env.get("LINLI_TOKEN_SECRET") or kept_secret(
            self.folder / "var" / "token-secret", SECRET_BYTES
        )
        principal = Principal(f"token:{role}", frozenset({role}), **bound)  # type: ignore[arg-type]  # names of its text fields
        return Access(secret).issue(principal, TOKEN_TTL_S)

    async def is_in(self, state: str) -> bool:
        """Whether the room is in `state`."""
        async with self.client() as client:
            return bool((await client.get(f"/api/rooms/{self.room}")).json()["state"] == state)

    async def play(self, offer: str) -> str:
        """Answer a viewer's offer."""
        return await self._negotiate(self.whep, offer, SDP)

    async def publish(self, offer: str, token: str) -> str:
        """Answer a host's offer."""
        return await self._negotiate(self.whip, offer, {**SDP, "Authorization": f"Bearer {token}"})

    async def _negotiate(self, url: str, offer: str, headers: dict[str, str]) -> str:
        async with self.client() as client:
            answer = await client.post(url, content=offer, headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.text

    async def load(self, shop: Path) -> None:
        """Fill the data folder with a shop and give its staff the password."""
        loaded = _loaded.get(shop)
        if loaded is None:
            await self.linli("db", "load", str(shop), "--password-stdin", stdin=PASSWORD)
            folder = Path(tempfile.mkdtemp(prefix="lnl"))
            atexit.register(shutil.rmtree, folder)
            loaded = _loaded[shop] = folder / "var"
            shutil.copytree(self.folder / "var", loaded)
        else:
            shutil.copytree(loaded, self.folder / "var")

    async def start(self, *command: str) -> None:
        """Start the server, or another `command` that has it, and return once it is ready."""
        with (self.folder / "log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "server", *(command or ("serve",))),
                env=self.env,
                cwd=self.code,
                stdout=log,
                stderr=log,
            )
        async with asyncio.timeout(START_S), self.client() as client:
            while True:
                assert self.process.returncode is None, self.log
                try:
                    if (await client.get("/readyz")).status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """SIGKILL: no goodbye, nothing flushed."""
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it as an operator would; the server must end in order."""
        if self.process is None or self.process.returncode is not None:
            return
        self.process.send_signal(how)
        async with asyncio.timeout(STOP_S):
            await self.process.wait()


@asynccontextmanager
async def running(folder: Path, shop: Path = SHOP, **settings: str) -> AsyncIterator[Running]:
    """A started server with a shop; stopped at the end, its log shown on failure."""
    server = Running(folder, **settings)
    await server.load(shop)
    await server.start()
    try:
        yield server
    except BaseException:
        sys.stderr.write(server.log[-8_000:])
        raise
    finally:
        await server.stop()
