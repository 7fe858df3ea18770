"""The head office's routes in this process, with staff of two brands."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import httpx
from sqlalchemy import insert
from starlette.applications import Starlette

from commerce.io.record.schema import brands
from insight.facts import CHATS
from server.access.policy import Principal, Role
from server.access.tokens import STAFF_TTL_S, Access
from server.bridge.facts import FactSpool
from server.http.hq.registry import routes
from server.http.shop import people, pictures
from server.http.staff import links, stores, totp
from server.limits import Limits
from server.problem import Problem, problem_handler
from server.settings import Settings
from tests.support.commerce_shop import Shop, running_shop
from tests.support.shop_routes import SECRET

BRAND, OTHER_BRAND = "b", "other-brand"


@dataclass(slots=True)
class HeadOffice:
    """A client, and whoever may be logged in."""

    client: httpx.AsyncClient
    access: Access
    shop: Shop
    services: SimpleNamespace

    def token(self, brand_id: str = BRAND, role: Role = Role.HQ) -> str:
        """A token of somebody of a brand."""
        # Of an operator: it has no row in the record.
        who = Principal(f"token:{brand_id}", frozenset({role}), brand_id=brand_id)
        return self.access.issue(who, STAFF_TTL_S)

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        version: int | None = None,
    ) -> httpx.Response:
        """Send one request, as the head office of `BRAND` if no token is given."""
        headers = {"Authorization": f"Bearer {token or self.token()}"}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        return await self.client.request(method, path, json=body, headers=headers)

    async def read(self, path: str) -> Any:
        """The body of a GET that succeeds."""
        answer = await self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()


@asynccontextmanager
async def head_office(sqlite_url: str, valkey_url: str) -> AsyncIterator[HeadOffice]:
    """Run the routes beside a small shop of `BRAND`; `OTHER_BRAND` has nothing but its name."""
    async with running_shop(sqlite_url, valkey_url) as shop:
        async with shop.commerce.record.write() as connection:
            await connection.execute(
                insert(brands), {"id": OTHER_BRAND, "name_zh": "别家", "name_en": "Other"}
            )
        access = Access(SECRET, shop.commerce.people.versions)
        app = Starlette(
            routes=[
                *routes,
                *people.routes,
                *stores.routes,
                *links.routes,
                *totp.routes,
                *pictures.routes,
            ],
            exception_handlers={Problem: problem_handler},
        )
        app.state.services = SimpleNamespace(
            settings=Settings(),
            access=access,
            limits=Limits(shop.redis, enabled=False),
            redis=shop.redis,
            commerce=shop.commerce,
            chat_facts=FactSpool(shop.redis, CHATS),
        )
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            yield HeadOffice(client, access, shop, app.state.services)
