"""A server played inside the browser's network layer, for states a real one reaches rarely.

Times are UTC milliseconds. Pages come from web/dist; `/api`, `/live` and `/ws` are answered here
and no port is opened.
"""

import json
import mimetypes
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from playwright.sync_api import BrowserContext, Page, Request, Route, WebSocketRoute

from tests.support.played_goods import product_detail
from tests.support.played_guests import LI, PlayedGuests
from tests.support.played_leader import PlayedLeader
from tests.support.played_office import PlayedOffice
from tests.support.played_shop import (
    CHAT,
    ESTATES,
    OTHER_STORE,
    PRODUCTS,
    QR,
    STORE,
    STREAM_KEY,
)
from tests.support.played_stock import PlayedStock

DIST = Path(__file__).parents[2] / "web" / "dist"
ORIGIN = "http://localhost:9"
PROBLEM = "urn:linli:problem:"
ADDRESSES = {
    "/": "index.html",
    "/me": "me.html",
    "/host": "host.html",
    "/store": "store.html",
    "/hq": "hq.html",
    "/leader": "leader.html",
    "/invite": "invite.html",
}

LAYER_REL = "urn:ietf:params:whep:ext:core:layer"
LAYERS = [
    {"encodingId": "l", "width": 320, "height": 180, "bitrate": 150_000, "active": True},
    {"encodingId": "m", "width": 640, "height": 360, "bitrate": 500_000, "active": True},
    {"encodingId": "h", "width": 1280, "height": 720, "bitrate": 1_500_000, "active": True},
]
_SECTION = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\n"
_ICE = "a=ice-ufrag:{0}\r\na=ice-pwd:{0}-password-of-22-letters\r\n"
SERVER_SDP = "v=0\r\na=ice-lite\r\n" + _SECTION + _ICE.format("server")
RESTARTED = "a=ice-lite\r\n" + _ICE.format("again") + _SECTION + "a=end-of-candidates\r\n"

# A peer connection that shows a drawn kitchen; `window.__peers` lets a test break it.
FRAME = '<svg xmlns="http://www.w3.org/2000/svg" width="32" height="18"/>'  # of a clip
FAKE_PEER = (Path(__file__).parent / "fake_peer.js").read_text()


def now_ms() -> int:
    """Return the time, UTC milliseconds."""
    return time.time_ns() // 1_000_000


@dataclass  # no slots: Playwright marks the handlers it is given
class PlayedServer:
    """What the server answers: set the fields before a page opens, `tick` while it is open."""

    live: str = "live"
    products: list[dict[str, Any]] = field(default_factory=lambda: list(PRODUCTS))
    pinned: list[str] = field(default_factory=lambda: ["spinach"])
    joined: int = 25
    group_state: str = "open"
    ends_in_s: float = 312
    ahead_ms: int = 0  # of its channel's clock, for a page whose own clock a test has moved
    orders: list[dict[str, Any]] = field(default_factory=list)
    recording_failure: str | None = None
    explained: list[str | None] = field(default_factory=list)  # None: ended
    explain_refused: str = ""
    movie: bytes = b""  # of the recording
    shown: list[dict[str, Any]] = field(default_factory=list)
    replays: list[dict[str, Any]] = field(default_factory=list)
    store_orders: list[dict[str, Any]] = field(default_factory=list)
    older_orders: list[dict[str, Any]] = field(default_factory=list)
    waiting: list[dict[str, Any]] = field(default_factory=list)
    waiting_orders: list[dict[str, Any]] = field(default_factory=list)
    whep: tuple[int, str, int] = (201, "", 0)
    hls: tuple[int, str, int] = (409, "no-hls", 0)
    answer_order: Callable[[dict[str, Any], str], tuple[int, dict[str, Any]]] | None = None
    lives: list[dict[str, Any]] | None = None
    socket_works: bool = True
    # The code of the refusal of every chat line; accepted where it is empty.
    chat_refused: str = ""
    undecodable: str | None = None  # why no viewer can decode the host's video
    chat: list[tuple[str, str, str, str, str]] = field(default_factory=lambda: list(CHAT))
    keys: list[str] = field(default_factory=list)
    sockets: list[WebSocketRoute] = field(default_factory=list)
    offset: int = 7
    guests: PlayedGuests = field(default_factory=PlayedGuests)
    office: PlayedOffice = field(default_factory=PlayedOffice)
    stock: PlayedStock = field(default_factory=PlayedStock)
    leader: PlayedLeader = field(default_factory=PlayedLeader)
    layers: list[dict[str, Any]] | None = None
    layer_requests: list[dict[str, Any]] = field(default_factory=list)
    restarts: list[Request] = field(default_factory=list)
    restart_status: int = 200
    confirm_above_fen: int = 20_000
    ratings: dict[str, dict[str, int]] = field(default_factory=dict)
    comments: list[dict[str, Any]] = field(default_factory=list)
    presales: list[dict[str, Any]] = field(default_factory=list)
    codes: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)

    def attach(self, context: BrowserContext) -> None:
        """Answer everything pages of `context` ask."""
        context.add_init_script(FAKE_PEER)
        context.route(re.compile(re.escape(ORIGIN) + "/.*"), self._answer)
        context.route_web_socket(re.compile(r".*/ws$"), self._socket)

    def group(self, product_id: str) -> dict[str, Any]:
        """Return the group of the first estate for a product."""
        offer = next(item for item in self.products if item["id"] == product_id)["group"]
        return {
            "id": f"g-{product_id}",
            "product_id": product_id,
            "estate_id": "e1",
            "joined": self.joined,
            "target": offer["target"],
            "price_fen": offer["price_fen"],
            "state": self.group_state,
            "ends_at_ms": now_ms() + int(self.ends_in_s * 1000),
        }

    def order(
        self, state: str, slug: str = "spinach", number: int = 1024, **more: Any
    ) -> dict[str, Any]:
        """Return an order of the wire."""
        item = next(item for item in self.products if item["id"] == slug)
        grouped = bool(item["group"]) and more.get("grouped", True)
        pickup = {"code": "7KQ2-M9XD-4", "qr": QR} if state == "ready" else None
        return {
            "id": f"o{number}",
            "number": number,
            "state": state,
            "product_id": slug,
            "name": item["name"],
            "image": item["image"],
            "quantity": more.get("quantity", 1),
            "total_fen": item["group"]["price_fen"] if grouped else item["price_fen"],
            "group_id": f"g-{slug}" if grouped else None,
            "estate_id": "e1",
            "store": STORE,
            "created_at_ms": now_ms() - 120_000,
            "due_at_ms": now_ms() + int(more.get("due_s", 1500) * 1000),
            "pickup": pickup,
            "refunded_fen": more.get("refunded_fen", 0),
            "group": self.group(slug) if grouped else None,
        }

    def store_order(
        self, state: str, slug: str, number: int, nickname: str, **more: Any
    ) -> dict[str, Any]:
        """Return an order as the shop sees it."""
        order = self.order(state, slug, number, **more)
        del order["pickup"], order["group"]
        handed = now_ms() - 240_000 if state == "handed_over" else None
        estate = ESTATES[number % 3]["name"]
        return {
            **order,
            "buyer": {"nickname": nickname, "estate_name": estate},
            "handed_over_at_ms": handed,
        }

    def tick(self, *events: dict[str, Any], **more: Any) -> None:
        """Send a tick to every open socket."""
        first = self.offset + 1
        self.offset += len(events)
        numbered = [{"o": first + i, "at_ms": now_ms(), **event} for i, event in enumerate(events)]
        self.send({"t": "tick", "epoch": "e", "offset": self.offset, "events": numbered, **more})

    def send(self, message: dict[str, Any]) -> None:
        """Send a message to every open socket."""
        for socket in self.sockets:
            socket.send(msgspec.msgpack.encode(message))

    def _snapshot(self) -> dict[str, Any]:
        cards: list[dict[str, Any]] = [
            {"product": item, "pinned_at_ms": now_ms(), "media_time": None}
            for slug in self.pinned
            for item in self.products
            if item["id"] == slug
        ]
        groups = [self.group(card["product"]["id"]) for card in cards if card["product"]["group"]]
        chat = [
            {"id": i, "from": {"id": u, "nickname": n, "role": r}, "text": text, "at_ms": now_ms()}
            for i, u, n, r, text in self.chat
        ]
        state = {
            "live": {"state": self.live, "started_at_ms": now_ms() - 754_000},
            "cards": cards,
            "groups": groups,
            "counters": {"viewers": 1286, "likes": 23904},
            "chat": chat,
        }
        return {"t": "snapshot", "epoch": "e", "offset": self.offset, "state": state}

    def _socket(self, socket: WebSocketRoute) -> None:
        if not self.socket_works:
            socket.close(code=1012)
            return

        def receive(data: str | bytes) -> None:
            assert isinstance(data, bytes)
            message = msgspec.msgpack.decode(data)
            if message["t"] == "hello":
                if message.get("token", "") not in {"", *self.guests.tokens}:
                    socket.close(code=3501)
                    return
                welcome = {
                    "t": "welcome",
                    "client": "c",
                    "at_ms": now_ms() + self.ahead_ms,
                    "ping_s": 25,
                    "recovered": False,
                    "you": None,
                }
                socket.send(msgspec.msgpack.encode(welcome))
                snapshot = (
                    {**self._snapshot(), "state": {}}
                    if message["channel"].startswith(("store:", "estate:", "hq:"))
                    else self._snapshot()
                )
                socket.send(msgspec.msgpack.encode(snapshot))
            elif message["t"] == "ping":
                pong = {"t": "pong", "id": message["id"], "at_ms": now_ms() + self.ahead_ms}
                socket.send(msgspec.msgpack.encode(pong))
            elif message["t"] == "chat":
                refusal = {"t": "error", "cid": message["cid"], "code": self.chat_refused}
                ack = {"t": "ack", "cid": message["cid"]}
                socket.send(msgspec.msgpack.encode(refusal if self.chat_refused else ack))

        socket.on_message(receive)
        self.sockets.append(socket)

    def _answer(self, route: Route) -> None:
        request = route.request
        path = request.url.removeprefix(ORIGIN).split("?")[0]
        if path.startswith("/api/"):
            status, body = self._api(request, path)
            kind = "application/problem+json" if status >= 400 else "application/json"
            route.fulfill(
                status=status, content_type=kind, body=json.dumps(body) if status != 204 else ""
            )
        elif path.startswith("/live/"):
            self._live(route, request)
        else:
            name = ADDRESSES.get(path) or (
                "replay.html"
                if "/replay/" in path
                else "room.html"
                if path.startswith("/r/")
                else path.lstrip("/")
            )
            file = DIST / name
            if file.is_file():
                route.fulfill(
                    path=file,
                    content_type=mimetypes.guess_type(name)[0] or "application/octet-stream",
                )
            else:
                route.fulfill(status=404, body="")

    def _recording(self, route: Route, request: Request) -> None:
        """The media of a recording, with byte ranges, or what the room showed."""
        if request.url.endswith("/events.json"):
            body = json.dumps({"events": self.shown})
            route.fulfill(status=200, content_type="application/json", body=body)
            return
        size = len(self.movie)
        first, _, last = request.headers.get("range", "bytes=0-")[6:].partition("-")
        start, end = int(first), int(last) + 1 if last else size
        headers = {
            "Accept-Ranges": "bytes",
            "Content-Range": f"bytes {start}-{end - 1}/{size}",
            "Content-Type": "video/mp4",
        }
        route.fulfill(status=206, headers=headers, body=self.movie[start:end])

    def _live(self, route: Route, request: Request) -> None:
        if "/replay/" in request.url or request.url.endswith(".mp4"):
            self._recording(route, request)
            return
        if "/clips/" in request.url:
            route.fulfill(status=200, content_type="image/svg+xml", body=FRAME)
            return
        status, kind, retry_s = self.whep if request.url.endswith("whep") else (201, "", 0)
        if "/hls/" in request.url:
            status, kind, retry_s = self.hls
        if request.url.endswith("/layer"):
            self._layer(route, request)
        elif request.method == "PATCH":
            self.restarts.append(request)
            route.fulfill(status=self.restart_status, body=RESTARTED)
        elif request.method == "DELETE":
            route.fulfill(status=200, body="")
        elif status == 201:
            url = request.url + "/s"
            headers = {"Location": url}
            if self.layers is not None and url.endswith("/whep/s"):
                headers["Link"] = f'<{url}/layer>; rel="{LAYER_REL}"'
            route.fulfill(
                status=201, headers=headers, content_type="application/sdp", body=SERVER_SDP
            )
        else:
            problem = {"type": PROBLEM + kind, "title": kind, "status": status}
            route.fulfill(
                status=status, headers={"Retry-After": str(retry_s)}, body=json.dumps(problem)
            )

    def _layer(self, route: Route, request: Request) -> None:
        if request.method == "POST":
            self.layer_requests.append(body_of(request))
            route.fulfill(status=204, body="")
        else:
            listed = {"layers": self.layers, "current": "m", "chosen": None}
            route.fulfill(content_type="application/json", body=json.dumps(listed))

    def _api(self, request: Request, path: str) -> tuple[int, dict[str, Any]]:
        if path == "/api/lives":
            return 200, {"lives": self.lives or []}
        if path == "/api/lives/demo/stats":
            return 200, {"undecodable": self.undecodable}
        if path.startswith(("/api/hq/", "/api/staff-links/")):
            return self.office.answer(request)
        if path.startswith("/api/leader/"):
            return self.leader.answer(request, path)
        if path.startswith(("/api/guests", "/api/me", "/api/consents")) or path.endswith("/rating"):
            return self.guests.answer(request, path, self.orders)
        if path == "/api/login":
            if body_of(request)["password"] != "linli":
                return 401, {"type": PROBLEM + "bad-credentials", "status": 401}
            staff = {
                "id": "st1",
                "name": "陈店长",
                "roles": ["host", "store"],
                "room_id": "demo",
                "store_id": "s1",
            }
            return 200, {"token": "t", "staff": staff}
        if path.endswith("/explain"):
            if self.explain_refused:
                return 409, {"type": PROBLEM + self.explain_refused, "status": 409}
            product_id = body_of(request)["product_id"]
            self.explained.append(product_id)
            shelf = {"count": 0, "changed_at_ms": 0, "explaining": product_id, "since_ms": 1}
            self.tick({"k": "shelf", "shelf": shelf})
            return 204, {}
        if "/clips/" in path:
            return self._change_clip(request, path)
        if path == "/api/orders":
            key = request.headers["idempotency-key"]
            self.keys.append(key)
            if self.answer_order:
                return self.answer_order(body_of(request), key)
            slug = body_of(request)["product_id"]
            order = self.order("waiting_group", slug, 1000 + len(self.orders))
            self.orders.insert(0, order)
            return 201, {"order": order}
        if path.endswith("/cancellation"):
            left = next(item for item in self.orders if item["id"] == path.split("/")[3])
            left["state"] = "cancelled"
            return 200, {"order": left}
        if path.startswith("/api/orders/"):
            number = path.split("/")[3]
            order = next(item for item in self.store_orders if item["id"] == number)
            order["state"] = body_of(request)["to"]
            return 200, order
        if path.startswith("/api/stores/"):
            return self._store(request, path)
        return self._room(path)

    def _move_batch(self, request: Request) -> tuple[int, dict[str, Any]]:
        asked = body_of(request)
        moved = [order for order in self.store_orders if order["id"] in asked["order_ids"]]
        for order in moved:
            order["state"] = asked["to"]
        answers = [
            {"order_id": order["id"], "outcome": "moved", "state": asked["to"]} for order in moved
        ]
        until = now_ms() + 300_000
        batch = {"id": "b1", "to": asked["to"], "answers": answers, "undo_until_ms": until}
        return 200, {**batch, "orders": moved}

    def _store(self, request: Request, path: str) -> tuple[int, dict[str, Any]]:
        if path.endswith("/moves"):
            return self._move_batch(request)
        if path.endswith("/cabinets"):
            return 200, {"cabinets": [], "marks": []}
        if path.endswith("/pace"):
            return 200, {"orders": 0, "on_time": 0, "p50_ms": None, "p95_ms": None}
        if path.endswith("/orders"):
            return 200, self._board(request)
        if path.endswith("/neighbours"):
            return 200, {"neighbours": self.guests.claims()}
        if "/neighbours/" in path:
            confirmed = "confirmed" if body_of(request)["confirmed"] else "refused"
            assert self.guests.dwelling
            self.guests.dwelling["state"] = confirmed
            return 200, self.guests.dwelling
        if path.endswith("/handovers"):
            unknown = 404, {"type": PROBLEM + "unknown-code", "status": 404}
            return self.codes.get(body_of(request)["code"], unknown)
        if any(part in path for part in ("/stock", "/tills", "/neighbours")):
            return self.stock.answer(request, path)
        return 200, STORE

    def _board(self, request: Request) -> dict[str, Any]:
        # One order a page; the cursor is its place.
        _, is_older, cursor = request.url.partition("?after=")
        if is_older:
            place = int(cursor)
            more = place + 1 < len(self.older_orders)
            return {"orders": [self.older_orders[place]], "next": str(place + 1) if more else None}
        return {
            "orders": self.store_orders,
            "waiting": self.waiting,
            "waiting_orders": self.waiting_orders,
            "now_ms": now_ms(),
            "next": "0" if self.older_orders else None,
        }

    def _change_clip(self, request: Request, path: str) -> tuple[int, dict[str, Any]]:
        clips = [clip for replay in self.replays for clip in replay["clips"]]
        [clip] = [clip for clip in clips if path.endswith(clip["id"])]
        clip.update(body_of(request))
        return 200, clip

    def _room(self, path: str) -> tuple[int, dict[str, Any]]:
        if path.startswith("/api/rooms/nowhere"):
            return 404, {"type": PROBLEM + "no-such-room", "status": 404}
        if path.endswith("/products"):
            return 200, {"products": self.products}
        if path.endswith("/ratings"):
            return 200, {"ratings": self.comments if "/products/" in path else self.ratings}
        if "/products/" in path:
            return 200, product_detail(self.products, path.rpartition("/")[2])
        if path.endswith("/promises"):
            return 200, {
                "pickup": [],
                "delivery": [],
                "now_ms": now_ms(),
                "presales": self.presales,
            }
        if path.endswith("/activities/mine"):
            return 200, {"poll": None, "option": None, "questions": []}
        if path.endswith("/stream-key"):
            return 200, {"address": "rtmp://shop/live", "made_at_ms": now_ms(), **STREAM_KEY}
        if path.endswith("/restream"):
            return 200, {"address": "rtmp://other/app", "key_end": "1234", "state": "live"}
        if path.endswith("/recording"):
            failure = self.recording_failure
            status = {"wanted": True, "recording": failure is None, "storage_away": False}
            return 200, {**status, "failure": failure}
        if path.endswith("/replays"):
            return 200, {"replays": self.replays}
        if "/replays/" in path:
            return 200, self.replays[0]
        if "/pins/" in path or path.endswith("/end"):
            return 204, {}
        return 200, {
            "id": "demo",
            "title": {"zh": "周末家庭厨房", "en": "Weekend family kitchen"},
            "brand": {
                "id": "b1",
                "name": {"zh": "邻鲜优选", "en": "Linxian Fresh"},
                "confirm_above_fen": self.confirm_above_fen,
            },
            "store": STORE,
            "stores": [STORE, OTHER_STORE],
            "estates": ESTATES,
            "default_estate_id": "e1",
            "state": self.live,
            "started_at_ms": now_ms() - 754_000,
        }


def body_of(request: Request) -> dict[str, Any]:
    """Return the JSON a page sent."""
    body = request.post_data_json
    assert isinstance(body, dict)
    return body


def remember_guest(page: Page) -> None:
    """Make the browser one that has joined before."""
    guest = {"token": "t", "guest": LI, "device_secret": "d", "renew_at_ms": now_ms() + 10**9}
    page.add_init_script(f"localStorage.setItem('linli.guest', {json.dumps(json.dumps(guest))})")


def remember_staff(page: Page, which: str) -> None:
    """Make the browser one that is logged in on the page `host`, `store` or `hq`."""
    staff = {
        "id": "st1",
        "name": "陈店长",
        "roles": ["hq"] if which == "hq" else ["host", "store"],
        "room_id": "demo",
        "store_id": "s1",
    }
    session = {"token": "t", "staff": staff}
    page.add_init_script(
        f"localStorage.setItem('linli.{which}', {json.dumps(json.dumps(session))})"
    )
