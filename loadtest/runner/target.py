"""The installation that is looked at: its address, and what the run found there at its start."""

import ipaddress
import socket
import ssl
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from loadtest.clients.http import PlainHttp
from loadtest.errors import LoadError, NoAnswer, RequestRefused

# A server may limit connections per address; a tester has the whole loopback net.
VIEWERS_PER_ADDRESS = 100
SET = "set"


class BadTarget(LoadError):
    """The address is none that a run can go to."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the target is, taken apart."""

    url: str
    host: str
    port: int
    tls: ssl.SSLContext | None = field(compare=False, repr=False)
    # Addresses of this machine from which viewers come; by default see `source`.
    sources: tuple[str, ...] = ()

    @classmethod
    def parse(cls, url: str, sources: tuple[str, ...] = ()) -> "Address":
        """Read an http or https URL without a path.

        Raises:
            BadTarget: It is something else.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise BadTarget(f"{url!r} is no address: {error}") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadTarget(f"{url!r} is no address: give http://… or https://…")
        if parts.path.strip("/") or parts.query:
            raise BadTarget(f"{url!r} has a path: give the address of the installation alone")
        tls = ssl.create_default_context() if parts.scheme == "https" else None
        return cls(url.rstrip("/"), parts.hostname, port or (443 if tls else 80), tls, sources)

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def source(self, number: int) -> str | None:
        """Return the local address of viewer `number`; None: the system's choice.

        Of one address no more than about 28,000 connections can be made to a server's port.
        """
        if self.sources:
            return self.sources[number % len(self.sources)]
        if not self.host.startswith("127."):
            return None
        host = 2 + number // VIEWERS_PER_ADDRESS
        return f"127.0.{host // 250 % 250}.{host % 250 + 1}"

    def http(self, source: str | None = None) -> PlainHttp:
        """Return a pool of connections; the caller closes it."""
        return PlainHttp(self.url, source=source, tls=self.tls)


@dataclass(frozen=True, slots=True)
class Found:
    """What there was in the room before the run."""

    estates: tuple[str, ...]
    products: tuple[str, ...]
    left: dict[str, int]
    # What sets are made of, in units of items; they have no stock of their own.
    parts: dict[str, dict[str, int]] = field(default_factory=dict)

    def only(self, goods: tuple[str, ...]) -> "Found":
        """Return these goods, with the stock of what they are made of."""
        parts = {
            product_id: self.parts[product_id] for product_id in goods if product_id in self.parts
        }
        stocked = [item for of_set in parts.values() for item in of_set]
        stocked += [product_id for product_id in goods if product_id not in parts]
        left = {product_id: self.left.get(product_id, 0) for product_id in stocked}
        return Found(self.estates, goods, left, parts)


def check_sources(sources: tuple[str, ...]) -> None:
    """See whether viewers can come from these addresses.

    Raises:
        BadTarget: One is not this machine's.
    """
    for source in sources:
        try:
            family = (
                socket.AF_INET6 if ipaddress.ip_address(source).version == 6 else socket.AF_INET
            )
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.bind((source, 0))
        except (ValueError, OSError):
            raise BadTarget(f"{source!r} is no address of this machine") from None


async def look(http: PlainHttp, room: str) -> Found:
    """Read the room's estates and goods.

    Raises:
        LoadError: The target does not answer, or has no such room.
    """
    answer = await get_json(http, f"/api/rooms/{room}")
    products = (await get_json(http, f"/api/rooms/{room}/products"))["products"]
    try:
        return Found(
            tuple(estate["id"] for estate in answer["estates"]),
            tuple(product["id"] for product in products),
            {one["id"]: int(one["left"]) for one in products if one.get("kind") != SET},
            {
                one["id"]: await _parts(http, room, one["id"])
                for one in products
                if one.get("kind") == SET
            },
        )
    except (KeyError, TypeError) as error:
        raise NoAnswer(f"the target is no Linli: its room has no {error}") from None


async def _parts(http: PlainHttp, room: str, product_id: str) -> dict[str, int]:
    detail = await get_json(http, f"/api/rooms/{room}/products/{product_id}")
    return {part["product_id"]: int(part["units"]) for part in detail["parts"]}


async def get_json(http: PlainHttp, path: str, token: str = "") -> Any:
    """Return what a GET gives.

    Raises:
        RequestRefused: Any status but 200.
        NoAnswer: None came, or it is not JSON.
    """
    answer = await http.request("GET", path, headers=bearer(token))
    if answer.status != 200:
        raise RequestRefused(answer.status, f"GET {path}")
    try:
        return answer.json()
    except ValueError:
        raise NoAnswer(f"GET {path}: the answer is not JSON") from None


def bearer(token: str) -> dict[str, str]:
    """Return the header that carries a token."""
    return {"Authorization": f"Bearer {token}"} if token else {}
