"""The host's script: go live, pin, flash, end; and what it made is taken away afterwards."""

import asyncio
import os
from collections.abc import Callable, Sequence

import msgspec

from loadtest.clients.http import HttpResponse, PlainHttp
from loadtest.errors import LoadError
from loadtest.measure.recorder import Recorder
from loadtest.runner.orders import problem_of
from loadtest.runner.publisher import Publisher
from loadtest.runner.target import Address, bearer
from loadtest.scenario.model import HostDoes, HostStep, Road

# Processes of hosts that are made ready before the run.
READY_HOSTS_MAX = 8


class Host:
    """Plays the script in the room. `prepare`, `play` until its end, then `tidy` in any case."""

    def __init__(
        self,
        address: Address,
        room: str,
        token: str,
        recorder: Recorder,
        whip: str = "",
        *,
        on_late: Callable[[float], None] = lambda late_s: None,
    ) -> None:
        """`whip` is the address of another server, which knows no rooms.

        `on_late` gets the seconds that a process that publishes stood still.
        """
        self._address = address
        self._http: PlainHttp = address.http(address.source(0))
        self._path = f"/api/rooms/{room}"
        self._whip = whip or f"{address.url}/live/{room}/whip"
        self._has_room = not whip
        self._token = token
        self._recorder = recorder
        self._pinned: dict[str, None] = {}
        self._on_late = on_late
        self._ready: dict[str, list[Publisher]] = {}  # by their clips
        self._publisher: Publisher | None = None
        self._has_key = False

    async def prepare(self, steps: Sequence[HostStep]) -> None:
        """Start what will go live, so that nothing is loaded or painted while the run goes on."""
        clips = [step.clip for step in steps if step.do is HostDoes.LIVE and _is_there(step.clip)]
        for clip in clips[:READY_HOSTS_MAX]:
            self._ready.setdefault(clip, []).append(await self._start(clip))
        ready = (one.ready() for waiting in self._ready.values() for one in waiting)
        await asyncio.gather(*ready)

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
        await asyncio.gather(*(one.stop() for some in self._ready.values() for one in some))
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
        if not _is_there(step.clip):
            self._failed(f"there is no clip {step.clip}")
            return
        to = self._whip if step.road is Road.WHIP else await self._rtmp_address()
        if not to:
            return
        if self._publisher:
            await self._publisher.stop()
        waiting = self._ready.get(step.clip)
        self._publisher = waiting.pop() if waiting else await self._start(step.clip)
        if self._publisher.failure:
            self._failed(self._publisher.failure)
            return
        self._publisher.go_live(to)

    async def _start(self, clip: str) -> Publisher:
        return await Publisher.start(clip, self._token, self._on_late)

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
        if publisher:
            await publisher.stop()

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


def _is_there(clip: str) -> bool:
    return not clip or os.path.isfile(clip)
