"""A small target for the load tester: one room and its shop in memory, with faults on request."""

import asyncio
import contextlib
import enum
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import msgpack  # type: ignore[import-untyped]  # it has no stubs
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from loadtest.clients.websocket import SUBPROTOCOL

HEADER_END = b"\r\n\r\n"


class Fault(enum.Enum):
    """What the target does wrong."""

    DROP_EVENT = "one viewer misses a numbered event"
    REPEAT_EVENT = "a numbered event comes twice"
    DOUBLE_ORDER = "a second order appears behind the first tap"
    OVERSELL = "orders are confirmed although nothing is left"
    LOSE_ORDER = "a confirmed order is not in the record"
    DELAY = "everything in the room comes 300 ms late"
    OWE_REFUND = "an order is cancelled and not paid back"


@dataclass(slots=True)
class Member:
    """A room connection."""

    protocol: ServerProtocol
    writer: asyncio.StreamWriter
    token: str = ""

    def send(self, message: dict[str, Any]) -> None:
        """Send one message now."""
        self.protocol.send_binary(msgpack.packb(message))
        self.flush()

    def flush(self) -> None:
        """Write what the protocol has."""
        if not self.writer.is_closing():
            self.writer.write(b"".join(self.protocol.data_to_send()))


@dataclass(slots=True)
class SmallTarget:
    """The state of the room and the shop."""

    fault: Fault | None = None
    left: dict[str, int] = field(default_factory=lambda: {"p1": 30, "p2": 30})
    members: list[Member] = field(default_factory=list)
    orders: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    pinned: dict[str, None] = field(default_factory=dict)
    guests: int = 0
    offset: int = 0
    open_requests: int = 0
    consent: str = ""
    stream_key: str = ""
    port: int = 0
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        self.writers.add(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while head := await reader.readuntil(HEADER_END):
                if b"pgrade: websocket" in head:
                    await self._room(head, reader, writer)
                    break
                method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
                fields = dict(
                    line.lower().split(": ", 1)
                    for line in head.decode().split("\r\n")[1:]
                    if ": " in line
                )
                body = await reader.readexactly(int(fields.get("content-length", "0")))
                status, answer = self._answer(method, path, fields, body)
                data = json.dumps(answer).encode()
                writer.write(
                    f"HTTP/1.1 {status} X\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data
                )
        writer.close()
        self.writers.discard(writer)

    async def _room(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        protocol = ServerProtocol(subprotocols=[Subprotocol(SUBPROTOCOL)])
        member = Member(protocol, writer)
        data = head
        while data:
            protocol.receive_data(data)
            for event in protocol.events_received():
                if isinstance(event, Request):
                    protocol.send_response(protocol.accept(event))
                elif isinstance(event, Frame) and event.opcode is Opcode.BINARY:
                    self._message(member, msgpack.unpackb(bytes(event.data)))
            member.flush()
            data = await reader.read(65_536)
        if member in self.members:
            self.members.remove(member)

    def _message(self, member: Member, message: dict[str, Any]) -> None:
        if message["t"] == "hello":
            member.token = message.get("token", "")
            self.members.append(member)
            member.send({"t": "welcome", "recovered": False})
            cards = [{"product": {"id": product_id}} for product_id in self.pinned]
            state = {"cards": cards}
            member.send({"t": "snapshot", "epoch": "e", "offset": self.offset, "state": state})
            for order in self.orders.get(member.token, ()):
                member.send({"t": "you", "event": {"k": "order", "order": order}})
        elif message["t"] == "chat":
            member.send({"t": "ack", "cid": message["cid"]})
            self._tick({"chat": [{"text": message["text"]}]}, self.members)

    def _event(self, event: dict[str, Any]) -> None:
        self.offset += 1
        members = self.members
        if self.fault is Fault.DROP_EVENT:
            members = members[1:]
        event["o"] = self.offset
        self._tick({"events": [event]}, members)
        if self.fault is Fault.REPEAT_EVENT:
            self._tick({"events": [event]}, members)

    def _tick(self, content: dict[str, Any], members: list[Member]) -> None:
        tick = {"t": "tick", "epoch": "e", "offset": self.offset, **content}
        delay_s = 0.3 if self.fault is Fault.DELAY else 0.0
        for member in members:
            asyncio.get_running_loop().call_later(delay_s, member.send, tick)

    def _answer(
        self, method: str, path: str, fields: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, Any]]:
        token = fields.get("authorization", "").removeprefix("bearer ")
        match method, path.strip("/").split("/"):
            case "GET", ["api", "rooms", "loadtest"]:
                return 200, {"estates": [{"id": "e1"}]}
            case "GET", ["api", "rooms", "loadtest", "products"]:
                goods = [{"id": one, "left": left} for one, left in self.left.items()]
                return 200, {"products": goods}
            case "GET", [".well-known", "linli-loadtest"] if self.consent:
                return 200, {"token_sha256": self.consent}
            case method, [*_, "stream-key"]:
                return self._stream_key(method)
            case "POST", ["api", "guests"]:
                self.guests += 1
                return 201, {"token": f"t{self.guests}", "guest": {"id": f"g{self.guests}"}}
            case "PUT", [*_, "pins", product_id]:
                self.pinned[product_id] = None
                self._event({"k": "pin", "card": {"product": {"id": product_id}}})
                return 200, {}
            case "DELETE", [*_, "pins", product_id]:
                self.pinned.pop(product_id, None)
                self._event({"k": "unpin", "product_id": product_id})
                return 204, {}
            case "POST", ["api", "orders"]:
                return self._order(token, fields["idempotency-key"], json.loads(body))
            case "GET", ["api", "me", "orders"]:
                return 200, {"orders": self.orders.get(token, [])}
            case "POST", [*_, "cancellation"]:
                return 409, {"type": "urn:linli:problem:illegal-move"}
        return 404, {"type": "urn:linli:problem:not-found"}

    def _stream_key(self, method: str) -> tuple[int, dict[str, Any]]:
        if method != "GET":
            self.stream_key = "made" if method == "POST" else ""
        made_at_ms = 1 if self.stream_key else None
        key = {"key": self.stream_key} if method == "POST" else {}
        return 200, {"address": "rtmp://127.0.0.1:9/live", "made_at_ms": made_at_ms, **key}

    def _order(self, token: str, key: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if key in self.keys:
            return 201, {"order": self.keys[key]}
        product_id = body["product_id"]
        if self.left[product_id] <= 0 and self.fault is not Fault.OVERSELL:
            return 409, {"type": "urn:linli:problem:sold-out"}
        self.left[product_id] = max(0, self.left[product_id] - 1)
        cancelled = self.fault is Fault.OWE_REFUND
        order = self.keys[key] = {
            "id": f"o{len(self.keys)}",
            "product_id": product_id,
            "quantity": 1,
            "state": "cancelled" if cancelled else "new",
            "total_fen": 990,
            "refunded_fen": 0,
            "group_id": None,
            "group": None,
        }
        mine = self.orders.setdefault(token, [])
        if self.fault is not Fault.LOSE_ORDER:
            mine.append(order)
        if self.fault is Fault.DOUBLE_ORDER:
            mine.append(order | {"id": f"{order['id']}-twice"})
        for member in self.members:
            if member.token == token:
                member.send({"t": "you", "event": {"k": "order", "order": order}})
        return 201, {"order": order}

    def die(self, server: asyncio.Server) -> None:
        """End at once, in the middle of everything."""
        server.close()
        for writer in list(self.writers):
            writer.transport.abort()


@contextlib.asynccontextmanager
async def small_target(
    fault: Fault | None = None,
) -> AsyncIterator[tuple[SmallTarget, asyncio.Server]]:
    """Run one at a free port of loopback."""
    target = SmallTarget(fault)
    server = await asyncio.start_server(target.serve, "127.0.0.1", 0)
    target.port = server.sockets[0].getsockname()[1]
    try:
        yield target, server
    finally:
        target.die(server)
        await server.wait_closed()
