"""The host's script: go live, pin, flash, end; and what it made is taken away afterwards."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence

import msgspec

from loadtest.clients.http import PlainHttp
from loadtest.errors import LoadError
from loadtest.measure.recorder import Recorder
from loadtest.runner.orders import problem_of
from loadtest.runner.target import Address, bearer
from loadtest.scenario.model import HostDoes, HostStep

STOP_TIMEOUT_S = 15.0


class Host:
    """Plays the script in the room. `play` until its end, then `tidy` in any case."""

    def __init__(self, address: Address, room: str, token: str, recorder: Recorder) -> None:
        self._address = address
        self._http: PlainHttp = address.http(address.source(0))
        self._path = f"/api/rooms/{room}"
        self._whip = f"{address.url}/live/{room}/whip"
        self._token = token
        self._recorder = recorder
        self._pinned: dict[str, None] = {}
        self._publisher: asyncio.subprocess.Process | None = None

    async def play(self, steps: Sequence[HostStep], products: Sequence[str], start_ns: int) -> None:
        """Do each step when it is due."""
        loop = asyncio.get_running_loop()
        for step in sorted(steps, key=lambda step: step.at_s):
            await asyncio.sleep(max(0.0, start_ns / 1e9 + step.at_s - loop.time()))
            if step.do in (HostDoes.PIN, HostDoes.UNPIN, HostDoes.FLASH):
                if step.product > len(products):
                    self._failed(f"the room has no product {step.product}")
                    continue
                await self._pin(products[step.product - 1], unpin=step.do is HostDoes.UNPIN)
            elif step.do is HostDoes.LIVE:
                await self._go_live()
            else:
                await self._end()

    async def tidy(self, *, target_gone: bool) -> None:
        """Unpin what was pinned, end the live that was begun, close the connections."""
        if self._publisher:
            await self._end()
        for product_id in [] if target_gone else list(self._pinned):
            with contextlib.suppress(LoadError):
                await self._pin(product_id, unpin=True)
        await self._http.close()

    async def _pin(self, product_id: str, *, unpin: bool = False) -> None:
        path = f"{self._path}/pins/{product_id}"
        if await self._ask("DELETE" if unpin else "PUT", path):
            if unpin:
                self._pinned.pop(product_id, None)
            else:
                self._pinned[product_id] = None

    async def _go_live(self) -> None:
        """Publish a generated video by WHIP from a process of its own."""
        self._publisher = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "server", "publish", "--to", self._whip),
            env={**os.environ, "LINLI_PUBLISH_TOKEN": self._token},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C at a terminal is for the run, which ends it in order
        )

    async def _end(self) -> None:
        await self._ask("POST", f"{self._path}/end")
        publisher, self._publisher = self._publisher, None
        if publisher is None or publisher.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            publisher.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await publisher.wait()
        except TimeoutError:
            publisher.kill()
            await publisher.wait()

    async def _ask(self, method: str, path: str) -> bool:
        headers = bearer(self._token) | {"Content-Type": "application/json"}
        body = msgspec.json.encode({}) if method != "DELETE" else b""
        try:
            answer = await self._http.request(method, path, body, headers)
        except LoadError as error:
            self._failed(str(error))
            return False
        if answer.status >= 300:
            self._failed(problem_of(answer))
            return False
        return True

    def _failed(self, why: str) -> None:
        self._recorder.counts["host.failed"] += 1
        self._recorder.errors[f"host: {why}"] += 1
