"""The host's script: go live, pin, flash, end; and what it made is taken away afterwards."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence

import msgspec

from loadtest.clients.http import HttpResponse, PlainHttp
from loadtest.errors import LoadError
from loadtest.measure.recorder import Recorder
from loadtest.runner.orders import problem_of
from loadtest.runner.target import Address, bearer
from loadtest.scenario.model import HostDoes, HostStep, Road

STOP_TIMEOUT_S = 15.0


class Host:
    """Plays the script in the room. `play` until its end, then `tidy` in any case."""

    def __init__(
        self, address: Address, room: str, token: str, recorder: Recorder, whip: str = ""
    ) -> None:
        """`whip` is the address of another server, which knows no rooms."""
        self._address = address
        self._http: PlainHttp = address.http(address.source(0))
        self._path = f"/api/rooms/{room}"
        self._whip = whip or f"{address.url}/live/{room}/whip"
        self._has_room = not whip
        self._token = token
        self._recorder = recorder
        self._pinned: dict[str, None] = {}
        self._publisher: asyncio.subprocess.Process | None = None
        self._has_key = False

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
                await self._go_live(step)
            else:
                await self._end()

    async def tidy(self, *, target_gone: bool) -> None:
        """Unpin what was pinned, end the live and the stream key that were made, disconnect."""
        if self._publisher:
            await self._end()
        for product_id in [] if target_gone else list(self._pinned):
            await self._pin(product_id, unpin=True)
        if self._has_key and not target_gone:
            await self._ask("DELETE", f"{self._path}/stream-key")
        await self._http.close()

    async def _pin(self, product_id: str, *, unpin: bool = False) -> None:
        path = f"{self._path}/pins/{product_id}"
        if await self._ask("DELETE" if unpin else "PUT", path) is not None:
            if unpin:
                self._pinned.pop(product_id, None)
            else:
                self._pinned[product_id] = None

    async def _go_live(self, step: HostStep) -> None:
        """Publish a clip, or a generated video with a clock, from a process of its own."""
        if step.clip and not os.path.isfile(step.clip):  # noqa: ASYNC240 - no wait worth a thread
            self._failed(f"there is no clip {step.clip}")
            return
        to = self._whip if step.road is Road.WHIP else await self._rtmp_address()
        if not to:
            return
        self._publisher = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "server", "publish", *([step.clip] if step.clip else [])),
            # Addresses of RTMP end with a key, which is not for the list of processes.
            env={**os.environ, "LINLI_PUBLISH_TO": to, "LINLI_PUBLISH_TOKEN": self._token},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C at a terminal is for the run, which ends it in order
        )

    async def _rtmp_address(self) -> str:
        """Return the address with a new stream key; "" if none can be had."""
        path = f"{self._path}/stream-key"
        if not self._has_key:
            known = await self._ask("GET", path)
            if known is None:
                return ""
            if known.json().get("made_at_ms") is not None:
                self._failed("the room has a stream key, which a new one would end: delete it")
                return ""
        made = await self._ask("POST", path)
        if made is None:
            return ""
        self._has_key = True
        fields = made.json()
        return f"{fields['address']}/{fields['key']}"

    async def _end(self) -> None:
        if self._has_room:
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

    async def _ask(self, method: str, path: str) -> HttpResponse | None:
        """Return the answer; None if it is a refusal, which is then counted."""
        headers = bearer(self._token) | {"Content-Type": "application/json"}
        body = msgspec.json.encode({}) if method in ("POST", "PUT") else b""
        try:
            answer = await self._http.request(method, path, body, headers)
        except LoadError as error:
            self._failed(str(error))
            return None
        if answer.status >= 300:
            self._failed(problem_of(answer))
            return None
        return answer

    def _failed(self, why: str) -> None:
        self._recorder.counts["host.failed"] += 1
        self._recorder.errors[f"host: {why}"] += 1
