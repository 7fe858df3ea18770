"""One simulated guest over public endpoints: account, room socket, orders."""

import contextlib
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

import httpx
import msgpack  # type: ignore[import-untyped]  # it has no stubs
from websockets.asyncio.client import ClientConnection, connect

from loadtest.clients.proxies import uses_proxy
from loadtest.clients.whip import problem_text
from loadtest.errors import NoAnswer, RequestRefused, TryLater

SUBPROTOCOL = "linli.v1.msgpack"
HTTP_TIMEOUT_S = 10.0
# Group states in which a neighbour may still join.
JOINABLE = ("open", "reached")

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class GuestAccount:
    """An account, as `POST /api/guests` gives it."""

    id: str
    nickname: str
    estate_id: str
    token: str


@dataclass(slots=True)
class RoomView:
    """The part of a room's state that a simulated guest acts upon."""

    live: bool = False
    products: dict[str, dict[str, str]] = field(default_factory=dict)
    groups: dict[str, tuple[str, str, str]] = field(default_factory=dict)

    def apply(self, message: Message) -> None:
        """Apply one message of the room."""
        if message["t"] == "snapshot":
            state = message["state"]
            self.live = state["live"]["state"] == "live"
            self.products.clear()
            self.groups.clear()
            for card in state["cards"]:
                self._pin(card)
            for group in state["groups"]:
                self._group(group)
        elif message["t"] == "tick":
            for event in message.get("events", ()):
                self._event(event)

    def group_of(self, product_id: str, estate_id: str) -> str | None:
        """Return the id of the estate's group for the product, if one can be joined."""
        for group_id, (product, estate, state) in self.groups.items():
            if (product, estate) == (product_id, estate_id) and state in JOINABLE:
                return group_id
        return None

    def _event(self, event: Message) -> None:
        match event["k"]:
            case "live":
                self.live = event["state"] == "live"
            case "pin":
                self._pin(event["card"])
            case "unpin":
                self.products.pop(event["product_id"], None)
            case "group":
                self._group(event["group"])

    def _pin(self, card: Message) -> None:
        self.products[card["product"]["id"]] = card["product"]["name"]

    def _group(self, group: Message) -> None:
        self.groups[group["id"]] = (group["product_id"], group["estate_id"], group["state"])


class Shopfront:
    """The HTTP API that a guest's browser uses."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        self._http = httpx.AsyncClient(
            base_url=self.base_url, timeout=HTTP_TIMEOUT_S, trust_env=uses_proxy(self.base_url)
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def estates(self, room_id: str) -> list[str]:
        """Return the ids of the estates that the room serves."""
        room = await self._call("GET", f"/api/rooms/{room_id}")
        return [cast(str, estate["id"]) for estate in room["estates"]]

    async def become_guest(self, nickname: str, estate_id: str) -> GuestAccount:
        """Make an account."""
        body = {"nickname": nickname, "estate_id": estate_id}
        answer = await self._call("POST", "/api/guests", body)
        return GuestAccount(answer["guest"]["id"], nickname, estate_id, answer["token"])

    async def order(
        self, guest: GuestAccount, room_id: str, product_id: str, group_id: str | None
    ) -> str:
        """Tap "join" or "buy" once; return the order's id.

        Raises:
            TryLater: 409 or 429: sold out, joined already, or too fast.
        """
        body: Message = {"room_id": room_id, "product_id": product_id, "quantity": 1}
        if group_id is not None:
            body["group_id"] = group_id
        headers = {"Authorization": f"Bearer {guest.token}", "Idempotency-Key": uuid.uuid4().hex}
        answer = await self._call("POST", "/api/orders", body, headers)
        return cast(str, answer["order"]["id"] if "order" in answer else answer["order_id"])

    async def _call(
        self, method: str, path: str, body: Message | None = None, headers: Message | None = None
    ) -> Message:
        try:
            response = await self._http.request(method, path, json=body, headers=headers)
        except httpx.HTTPError as error:
            raise NoAnswer(f"no answer from {self.base_url} ({type(error).__name__})") from None
        if response.status_code in (409, 429, 503):
            after = response.headers.get("Retry-After", "")
            wait_s = float(after) if after.isdigit() else None
            raise TryLater(response.status_code, problem_text(response), wait_s)
        if 400 <= response.status_code < 500:
            raise RequestRefused(response.status_code, problem_text(response))
        if response.status_code >= 500:
            raise NoAnswer(f"the server answered {response.status_code}")
        return cast(Message, response.json())


@contextlib.asynccontextmanager
async def join_room(base_url: str, room_id: str, token: str | None) -> AsyncIterator["RoomSocket"]:
    """Open the room's WebSocket and send `hello`."""
    parts = urlsplit(base_url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    url = urlunsplit((scheme, parts.netloc, "/ws", "", ""))
    async with connect(
        url,
        subprotocols=[SUBPROTOCOL],  # type: ignore[list-item]
        compression=None,
        proxy=True if uses_proxy(url) else None,
    ) as connection:
        socket = RoomSocket(connection)
        hello: Message = {"t": "hello", "channel": f"room:{room_id}"}
        await socket.send(hello | ({"token": token} if token else {}))
        yield socket


class RoomSocket:
    """A guest's connection to a room (docs/protocol.md)."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def messages(self) -> AsyncIterator[Message]:
        """Yield messages until the connection ends."""
        async for data in self._connection:
            yield msgpack.unpackb(data)

    async def send(self, message: Message) -> None:
        """Send one message."""
        await self._connection.send(msgpack.packb(message))

    async def chat(self, text: str) -> None:
        """Send a chat line."""
        await self.send({"t": "chat", "cid": uuid.uuid4().hex[:16], "text": text})

    async def like(self, hearts: int) -> None:
        """Send hearts."""
        await self.send({"t": "like", "n": hearts})
