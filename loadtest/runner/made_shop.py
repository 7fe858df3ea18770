"""A shop made for one run by the head office's API, and taken away after it.

It has a store with its room, estates and goods of its own in the brand of the token, far from all
others. Goods are offered in its estates only. What the API cannot delete stays, off sale.
"""

import asyncio
import contextlib
import math
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import msgspec

from loadtest.clients.http import HttpResponse, PlainHttp
from loadtest.errors import LoadError, RequestRefused
from loadtest.runner.target import Address, bearer
from loadtest.scenario.model import Shop

# The pole of inaccessibility of the seas: no store of anybody's serves it.
LATITUDE, LONGITUDE = -48.87, -123.39
REQUESTS_AT_ONCE = 8
PRICE_FEN, GROUP_PRICE_FEN, PART_PRICE_FEN = 990, 790, 390
UNIT = {"zh": "份", "en": "piece"}


@dataclass(frozen=True, slots=True)
class MadeShop:
    """What a run needs of it; the room has the id of the store."""

    id: str
    host_token: str
    note: str
    goods: tuple[str, ...]  # without the items that sets are made of


@contextlib.asynccontextmanager
async def made_shop(
    address: Address, hq_token: str, shop: Shop, factor: float
) -> AsyncIterator[MadeShop]:
    """Yield a shop with `factor` times the stock.

    Raises:
        LoadError: The target does not let it be made; what was made so far is taken away.
    """
    maker = _Maker(address.http(), hq_token, f"loadtest-{secrets.token_hex(4)}")
    try:
        yield await maker.make(shop, math.ceil(shop.stock * factor))
    finally:
        await maker.take_away()


class _Maker:
    def __init__(self, http: PlainHttp, hq_token: str, name: str) -> None:
        self._http = http
        self._token = hq_token
        self._name = name
        self._words = {"zh": f"压测 {name}", "en": f"Load test {name}"}
        self._made: list[str] = []  # goods and staff, by their paths

    async def make(self, shop: Shop, stock: int) -> MadeShop:
        name = self._name
        place = {"name": self._words, "latitude": LATITUDE, "longitude": LONGITUDE}
        await self._post("/api/hq/stores", place | {"id": name, "address": self._words})
        estates = [f"{name}-e{number + 1}" for number in range(shop.estates)]
        await self._all(
            "/api/hq/estates", [place | {"id": one, "stores": [name]} for one in estates]
        )
        goods = [f"{name}-p{number + 1}" for number in range(shop.products)]
        parts = {
            product_id: [f"{product_id}-{part + 1}" for part in range(shop.set_parts)]
            for product_id in goods
        }
        items = [item for of_set in parts.values() for item in of_set]
        for item in items:
            await self._product(item, {"price_fen": PART_PRICE_FEN}, estates)
        for product_id in goods:
            made_of = [{"product_id": item} for item in parts[product_id]]
            terms = {"price_fen": PRICE_FEN, "parts": made_of} | _group(shop)
            await self._product(product_id, terms, estates)
        on_shelf = goods + items
        for product_id in on_shelf:
            await self._change(f"/api/hq/products/{product_id}", {"on_sale": True})
        await self._stock(items or goods, stock)
        host_token = await self._host()
        await self._ask("PUT", f"/api/rooms/{name}/goods", {"product_ids": on_shelf}, host_token)
        note = f"The run's shop {name} stays in the target's record, off sale."
        return MadeShop(name, host_token, note, tuple(goods))

    async def take_away(self) -> None:
        """Take goods off sale and end the host's account; a target that is gone keeps them."""
        for path in self._made:
            with contextlib.suppress(LoadError, KeyError, ValueError):
                gone = {"on_sale": False} if "/products/" in path else {"active": False}
                await self._change(path, gone)
        await self._http.close()

    async def _product(self, product_id: str, terms: dict[str, Any], estates: list[str]) -> None:
        draft = {
            "id": product_id,
            "name": self._words,
            "unit": UNIT,
            "list_price_fen": terms["price_fen"],
            "on_sale": False,
        }
        await self._post("/api/hq/products", draft | terms)
        self._made.append(f"/api/hq/products/{product_id}")
        rule = {"product_id": product_id}
        rules = [rule | {"scope": "brand", "offered": False}]
        rules += [rule | {"scope": "estate", "scope_id": one, "offered": True} for one in estates]
        await self._all("/api/hq/assortment-rules", rules)

    async def _stock(self, goods: list[str], units: int) -> None:
        """Receive the stock as a file of the head office's."""
        rows = ["product_id,store_id,on_hand,received"]
        rows += [f"{product_id},{self._name},0,{units}" for product_id in goods]
        path = "/api/hq/imports/stock?apply=yes"
        answer = await self._ask("POST", path, "\r\n".join(rows).encode(), self._token)
        if not answer.json()["done"]:
            raise RequestRefused(answer.status, f"the stock: {answer.json()['errors']}")

    async def _host(self) -> str:
        """Return the token of a new host."""
        staff = {"username": self._name, "name": self._name, "roles": ["host"], "estate_ids": []}
        made = (await self._post("/api/hq/staff", staff | {"store_id": self._name})).json()
        self._made.append(f"/api/hq/staff/{made['staff']['id']}")
        password = secrets.token_urlsafe(18)
        link = {"token": made["link"]["token"], "password": password}
        await self._post("/api/staff-links/use", link)
        login = await self._post("/api/login", {"username": self._name, "password": password})
        return str(login.json()["token"])

    async def _all(self, path: str, drafts: list[dict[str, Any]]) -> None:
        for begin in range(0, len(drafts), REQUESTS_AT_ONCE):
            some = drafts[begin : begin + REQUESTS_AT_ONCE]
            await asyncio.gather(*(self._post(path, draft) for draft in some))

    async def _change(self, path: str, members: dict[str, Any]) -> None:
        row = (await self._ask("GET", path, None, self._token)).json()
        await self._ask("PATCH", path, members, self._token, {"If-Match": f'"{row["version"]}"'})

    async def _post(self, path: str, body: dict[str, Any]) -> HttpResponse:
        return await self._ask("POST", path, body, self._token)

    async def _ask(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | bytes | None,
        token: str,
        more: dict[str, str] | None = None,
    ) -> HttpResponse:
        if isinstance(body, dict):
            more = {"Content-Type": "application/json"} | (more or {})
            body = msgspec.json.encode(body)
        headers = bearer(token) | (more or {})
        answer = await self._http.request(method, path, body or b"", headers)
        if answer.status >= 300:
            detail = answer.body.decode(errors="replace")[:300]
            raise RequestRefused(answer.status, f"{method} {path}: {detail}")
        return answer


def _group(shop: Shop) -> dict[str, int]:
    """Return the group offer of a product, if there is one."""
    if not shop.group_target:
        return {}
    return {
        "group_price_fen": GROUP_PRICE_FEN,
        "group_target": shop.group_target,
        "group_duration_s": shop.group_s,
    }
