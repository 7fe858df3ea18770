"""Passes a request on to the worker that it is for, and its answer back, as a stream.

No balancer needs to know which worker has what: within a node requests go through the workers' Unix
sockets, between nodes through HTTP; both are signed (signing.py). A request that was passed on is
answered where it was sent to, or by another worker of that node, and never sent further.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import httpx
import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.http.bodies import read_bytes
from server.http.live.common import CORS
from server.ops.heartbeat import Heartbeats
from server.ops.secrets import token_secret
from server.problem import Problem
from server.services import Services
from server.settings import CascadePolicy
from server.worker import PASSED
from server.workers.destinations import Ask, Destination, destination
from server.workers.owners import Addresses, Holder, LiveOwners, PeerAddress, Rows
from server.workers.peers import Peers, end_to_end
from server.workers.placement import place, place_viewer
from server.workers.signing import HEADER, HOPS_MAX, Passed, Signer

BODY_BYTES_MAX = 80_000
"""Of a request that is passed on: offers are the longest."""
PASSED_AT_ONCE_MAX = 2_000
RETRY_AFTER_S = 1

log = structlog.get_logger()


class PassOn:
    """ASGI middleware around all routes."""

    def __init__(
        self,
        app: ASGIApp,
        services: Services,
        signer: Signer,
        owners: LiveOwners,
        rows: Rows,
        addresses: Addresses,
        peers: Peers,
    ) -> None:
        self._app = app
        self._services = services
        self._signer = signer
        self._owners = owners
        self._rows = rows
        self._addresses = addresses
        self._peers = peers
        self._in_flight = 0

    @classmethod
    def between(cls, services: Services, holder: Holder, peers: Peers, app: ASGIApp) -> "PassOn":
        """Wrap `app` with what is found in Redis; `holder` returns the lease of a room's live."""
        heartbeats = Heartbeats(services.redis)
        return cls(
            app,
            services,
            Signer(token_secret(services.settings)),
            LiveOwners(holder),
            Rows(heartbeats),
            Addresses(services.worker, services.settings.data_dir, heartbeats),
            peers,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            signature = dict(scope["headers"]).get(HEADER)
            if signature is not None:
                await self._answer_passed(scope, receive, send, signature)
                return
            asked = destination(scope["method"], scope["path"])
            worker_id = await self._worker_of(asked, scope) if asked else ""
            if asked is None or not worker_id:
                await self._app(scope, receive, send)
                return
            await self._pass(asked, worker_id, scope, receive, send)
        except Problem as problem:
            response = problem.response()
            if scope["path"].startswith("/live/"):
                response.headers.update(CORS)
            await response(scope, receive, send)

    async def _worker_of(self, asked: Destination, scope: Scope) -> str:
        """Return the other worker that is to answer; "" if it is this one."""
        here = self._services.worker.id
        if asked.ask is Ask.SESSION:
            return asked.worker_id if asked.worker_id != here else ""
        room_id, media = asked.room_id, self._services.media
        if room_id not in self._services.commerce.catalogue.rooms:
            return ""
        if asked.ask is Ask.PUBLISH and media.closed:
            # Its live is here, and is to go.
            return await self._placed(anew=True)
        if media.is_live(room_id):
            return await self._freer(room_id) if asked.ask is Ask.PLAY else ""
        worker_id = await self._owners.worker_of(room_id)
        if worker_id == here:
            # It begins, or it just went to another worker.
            self._owners.forget(room_id)
            return ""
        if asked.ask is Ask.PUBLISH and self._services.worker.sibling(worker_id) is None:
            # A host comes to another node since its way to the other is broken, or by chance; only
            # one on standby must not take the live from whoever has it.
            principal = self._services.access.principal(Request(scope))
            if worker_id and principal.standby:
                return worker_id
            return await self._placed(anew=not worker_id)
        if asked.ask is Ask.PLAY and worker_id and await self._watches(room_id, worker_id):
            return ""
        return worker_id

    async def _freer(self, room_id: str) -> str:
        """Return the worker that serves a viewer of a live of this one; "": this one does."""
        if self._services.cascade is None or self._services.media.accepts_viewers:
            return ""
        here = self._services.worker.id
        placed = place_viewer(here, room_id, await self._rows.read())
        return placed if placed != here else ""

    async def _watches(self, room_id: str, owner: str) -> bool:
        """Whether this worker serves viewers of a live of another one, even if that is not full."""
        services = self._services
        if services.cascade is None or not services.media.accepts_viewers or services.media.closed:
            return False
        policy, far = services.settings.cascade, services.worker.sibling(owner) is None
        wanted = policy is CascadePolicy.ALWAYS or (policy is CascadePolicy.NODES and far)
        return wanted and await services.cascade.edges.watch(room_id)

    async def _placed(self, *, anew: bool) -> str:
        """Return the other worker that takes a host; "" if it is this one.

        One that comes here with a live of another node stays, unless this worker takes nobody.
        """
        here, media = self._services.worker.id, self._services.media
        accepts = media.accepts_viewers and not media.closed
        if accepts and not anew:
            return ""
        placed = place(here, await self._rows.read(), accepts=accepts)
        return placed if placed != here else ""

    async def _pass(
        self, asked: Destination, worker_id: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        address = await self._addresses.find(worker_id)
        if address is None:
            # That worker is gone, and its sessions and lives with it.
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        body = await read_bytes(request, BODY_BYTES_MAX)
        client = self._services.limits.address(request)
        begins_ns, tracing = time.time_ns(), self._services.tracing
        passed = Passed(begins_ns // 1_000_000, worker_id, 1, client)
        try:
            async with self._sent(address, scope, body, passed) as answer:
                if asked.ask is not Ask.SESSION and answer.status_code in (404, 409, 503):
                    self._owners.forget(asked.room_id)
                if not await self._answers_instead(asked, answer.status_code):
                    if tracing is not None and asked.ask is Ask.PLAY:
                        tracing.passed_on(answer.headers.get("location", ""), begins_ns)
                    await _relay(answer, receive, send)
                    return
        except httpx.TransportError as error:
            log.warning("worker not reached", worker=worker_id, why=type(error).__name__)
            self._owners.forget(asked.room_id)
        # Nobody answered, or one that is full: this worker does.
        await self._app(scope, _replayed(body, receive), send)

    async def _answers_instead(self, asked: Destination, status: int) -> bool:
        """Whether this worker answers what another one refused with `status`."""
        if asked.ask is Ask.PUBLISH:
            return status == 503
        services = self._services
        if asked.ask is not Ask.PLAY or services.cascade is None or status not in (409, 503):
            return False
        if services.media.is_live(asked.room_id):
            return True  # it is full, and says so, now that nobody else takes the viewer
        takes = status == 503 and services.media.accepts_viewers and not services.media.closed
        return takes and await services.cascade.edges.watch(asked.room_id)

    async def _answer_passed(
        self, scope: Scope, receive: Receive, send: Send, signature: bytes
    ) -> None:
        body = await read_bytes(Request(scope, receive), BODY_BYTES_MAX)
        at_ms = time.time_ns() // 1_000_000
        passed = self._signer.check(signature, scope["method"], _target(scope), body, at_ms=at_ms)
        if passed is None:
            raise Problem(403, "forbidden", "Not signed by a worker of this installation.")
        worker = self._services.worker
        if passed.worker != worker.id:
            number = worker.sibling(passed.worker)
            if number is None or passed.hops >= HOPS_MAX:
                raise _away()
            further = Passed(at_ms, passed.worker, passed.hops + 1, passed.client)
            address = self._addresses.of_sibling(number)
            try:
                async with self._sent(address, scope, body, further) as answer:
                    await _relay(answer, receive, send)
            except httpx.TransportError:
                raise _away() from None
            return
        headers = [
            field for field in scope["headers"] if field[0] not in (HEADER, b"x-forwarded-for")
        ]
        own = {**scope, "client": (passed.client, 0), "headers": headers, PASSED: True}
        await self._app(own, _replayed(body, receive), send)

    @contextlib.asynccontextmanager
    async def _sent(
        self, address: PeerAddress, scope: Scope, body: bytes, passed: Passed
    ) -> AsyncIterator[httpx.Response]:
        if self._in_flight >= PASSED_AT_ONCE_MAX:
            raise _away()
        self._in_flight += 1
        try:
            target = _target(scope)
            headers = end_to_end(
                scope["headers"], without=(HEADER, b"content-length", b"expect", b"x-forwarded-for")
            )
            if body or scope["method"] in ("POST", "PUT", "PATCH"):
                headers.append((b"content-length", str(len(body)).encode()))
            signature = self._signer.sign(passed, scope["method"], target, body)
            headers.append((HEADER, signature))
            answer = await self._peers.send(address, scope["method"], target, headers, body)
            try:
                yield answer
            finally:
                await answer.aclose()
        finally:
            self._in_flight -= 1


async def _relay(answer: httpx.Response, receive: Receive, send: Send) -> None:
    """Send an answer on as it comes, until it ends or the client leaves."""
    await send(
        {
            "type": "http.response.start",
            "status": answer.status_code,
            "headers": end_to_end(answer.headers.raw, without=(b"date", b"server")),
        }
    )

    async def stream() -> None:
        try:
            async for part in answer.aiter_raw():
                await send({"type": "http.response.body", "body": part, "more_body": True})
        except httpx.TransportError as error:
            # The client sees an answer that is cut off, as if it had been here.
            log.warning("worker broke off", why=type(error).__name__)
            raise ConnectionError from error
        await send({"type": "http.response.body", "body": b""})

    streaming = asyncio.create_task(stream(), name="pass an answer on")
    leaving = asyncio.create_task(_left(receive), name="client of a passed answer")
    try:
        await asyncio.wait({streaming, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if streaming.done():
            streaming.result()
    finally:
        for task in (streaming, leaving):
            task.cancel()
        await asyncio.gather(streaming, leaving, return_exceptions=True)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Give the body that was read already, then what comes after it."""
    first = True

    async def receive_again() -> Message:
        nonlocal first
        if first:
            first = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return receive_again


def _target(scope: Scope) -> bytes:
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope["query_string"]
    return path + b"?" + query if query else path


def _away() -> Problem:
    headers = {"Retry-After": str(RETRY_AFTER_S)}
    return Problem(503, "try-again", "Temporarily unavailable.", headers=headers)
