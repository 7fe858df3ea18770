"""The guests of a played server: one neighbour, whose tokens and devices it may forget."""

from dataclasses import asdict, dataclass, field
from typing import Any

from playwright.sync_api import Request

from commerce.people.consents import TEXTS

PROBLEM = "urn:linli:problem:"
LI = {"id": "u1", "nickname": "李阿姨", "estate_id": "e1"}
WANG = {"id": "u2", "nickname": "老王", "estate_id": "e1"}
PHONE_CODE = "012345"
MOVE_CODE = "1KWH-8Z3C-H"

Answer = tuple[int, dict[str, Any]]


@dataclass
class PlayedGuests:
    """What the routes of guests answer."""

    tokens: set[str] = field(default_factory=lambda: {"t"})
    devices: set[str] = field(default_factory=lambda: {"d"})
    registered: list[dict[str, Any]] = field(default_factory=list)
    last_four: str | None = None
    dwelling: dict[str, Any] | None = None
    channels: dict[str, list[str]] = field(default_factory=dict)
    wanted: dict[str, Any] = field(
        default_factory=lambda: {
            "muted": [],
            "muted_by": {},
            "quiet_from_hour": 22,
            "quiet_until_hour": 8,
        }
    )
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    after_sales: list[dict[str, Any]] = field(default_factory=list)
    rated: list[dict[str, Any]] = field(default_factory=list)

    def claims(self) -> list[dict[str, Any]]:
        """What the shop sees of the flat that was named."""
        return [self.dwelling] if self.dwelling else []

    def answer(self, request: Request, path: str, orders: list[Any]) -> Answer:
        """Answer a request of a page."""
        body = request.post_data_json or {}
        known = {"token": "t", "expires_in_s": 1_000, "guest": LI}
        match path:
            case "/api/guests":
                self.registered.append(body)
                self.tokens.add("t")
                return 201, {**known, "guest": {"id": "u1", **body}, "device_secret": "d"}
            case "/api/consents":
                return 200, {"consents": [asdict(text) for text in TEXTS.values()]}
            case "/api/guests/refresh":
                if body["device_secret"] not in self.devices:
                    return _problem(401, "unknown-device")
                self.tokens.add("t2")
                return 200, {**known, "token": "t2"}
            case "/api/guests/restore":
                if body["code"] != MOVE_CODE.replace("-", ""):
                    return _problem(404, "unknown-code")
                self.tokens.add("t3")
                return 201, {**known, "token": "t3", "guest": WANG, "device_secret": "d"}
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return _problem(401, "bad-token")
        if path.endswith("/rating"):
            return 200, self._rate(body)
        match path:
            case "/api/me/after-sales":
                return 200, {"orders": self.after_sales}
            case "/api/me/devices":
                return 201, {"device_secret": "d"}
            case "/api/me/moves":
                url = f"http://shop/me#move={MOVE_CODE}"
                return 201, {"code": MOVE_CODE, "url": url, "qr": "data:,", "expires_in_s": 600}
            case "/api/me/phone" if request.method == "GET":
                return 200, {"last_four": self.last_four, "needed": False}
            case "/api/me/phone":
                return 202, {"last_four": body["phone"][-4:], "expires_in_s": 300}
            case "/api/me/phone/verify":
                if body["code"] != PHONE_CODE:
                    return _problem(422, "wrong-code")
                self.last_four = "1234"
                return 200, {"last_four": self.last_four}
            case "/api/me/push":
                return 200, {"key": "", "channels": self.channels, **self.wanted}
            case "/api/me/push/preferences":
                self.wanted = body
                return 200, self.wanted
            case "/api/me/notices/deliveries":
                return 200, {"deliveries": self.deliveries}
            case "/api/me/household":
                return 200, {"people": 1, "dwelling": self.dwelling}
            case "/api/me/dwelling":
                self.dwelling = {"guest_id": "u1", "nickname": "李阿姨", "estate_id": "e1"}
                self.dwelling |= {"building": body["building"], "flat": body["flat"]}
                self.dwelling |= {"state": "waiting", "asked_at_ms": 1, "last_four": None}
                return 200, {"people": 1, "dwelling": self.dwelling}
            case "/api/me/data":
                return 200, {"guest": LI, "orders": orders}
            case "/api/me/erasure":
                self.tokens.clear()
                self.devices.clear()
                return 204, {}
        return 200, {"orders": orders}

    def _rate(self, body: dict[str, Any]) -> dict[str, Any]:
        self.rated.append(body)
        [part] = [
            part
            for sale in self.after_sales
            for part in sale["parts"]
            if (part["line"], part["part"]) == (body["line"], body["part"])
        ]
        part["rating"] = {**body, "held": False, "rated_at_ms": 1}
        rating: dict[str, Any] = part["rating"]
        return rating


def _problem(status: int, kind: str) -> Answer:
    return status, {"type": PROBLEM + kind, "status": status}
