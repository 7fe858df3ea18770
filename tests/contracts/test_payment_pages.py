"""A page pays by WeChat Pay, through the whole application: what WeChat gets about its buyer.

The adapter is the real one, and the sandbox plays WeChat; between them, what is asked is kept.
"""

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from commerce.io.payments.wechat import Method, WechatAccount, WechatPay
from commerce.io.record.engine import wall_clock
from commerce.orders.states import OrderState
from server.app import Program, build
from server.net.addresses import Proxies
from server.ops.maintenance import load
from server.redis_client import open_redis
from server.sandbox.app import Sandbox
from server.sandbox.book import TradeState
from server.sandbox.keys import APPID, KEY_ID, MCHID, SERIAL
from server.settings import Settings
from tests.support.commerce_shop import running
from tests.support.payment_sandbox import sandbox_keys
from tests.support.payment_vectors import private, public
from tests.support.running import PASSWORD, SHOP
from tests.support.waiting import wait_until

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148 Safari/604.1"
DESK = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
IN_WECHAT = f"{PHONE} MicroMessenger/8.0.50"
PROXY, BUYER, LIAR = "127.0.0.1", "198.51.100.9", "203.0.113.66"
OUR_URL = "https://shop.example"


@dataclass
class Till:
    """The application with an account at the sandbox, and what that was asked to begin."""

    program: Program
    sandbox: Sandbox
    begun: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)

    def page(self, peer: str, agent: str, forwarded: str = "") -> httpx.AsyncClient:
        """A page whose requests come from an address."""
        headers = {"User-Agent": agent} | ({"X-Forwarded-For": forwarded} if forwarded else {})
        transport = httpx.ASGITransport(self.program.app, client=(peer, 5_000))
        return httpx.AsyncClient(transport=transport, base_url=OUR_URL, headers=headers)

    async def webhooks(self) -> int:
        """WeChat sends what is due to our address; return how many were acknowledged."""
        transport = httpx.ASGITransport(self.program.app, client=(LIAR, 5_000))
        async with httpx.AsyncClient(transport=transport) as client:
            return await self.sandbox.notices.send_due(client, now_ms=wall_clock())


@contextlib.asynccontextmanager
async def till(
    folder: Path, valkey_url: str, method: Method, *, trusts: str = "", secret: str = ""
) -> AsyncIterator[Till]:
    """Run the application until the block ends."""
    sandbox = Sandbox(sandbox_keys(), "http://pay.example", clock=wall_clock)
    begun: dict[str, tuple[str, dict[str, Any]]] = {}

    async def wechat(scope: Scope, receive: Receive, send: Send) -> None:
        messages = [await receive()]
        while messages[-1].get("more_body"):
            messages.append(await receive())
        path, what = str(scope["path"]), str(scope["path"]).rpartition("/")[2]
        if path.startswith("/v3/pay/transactions/") and what in list(Method):
            fields = json.loads(b"".join(message.get("body", b"") for message in messages))
            begun[fields["out_trade_no"]] = (what, fields)
        kept = iter(messages)

        async def again() -> Any:
            return next(kept, {"type": "http.disconnect"})

        await sandbox.app(scope, again, send)

    account = WechatAccount(
        MCHID,
        APPID,
        SERIAL,
        private("merchant"),
        sandbox_keys().api_v3_key.encode(),
        {KEY_ID: public("provider")},
        method=method,
        app_secret=secret,
        url="http://wechat.example",
    )
    provider = WechatPay(account, wall_clock)
    settings = Settings(
        port=0,
        ice_port=0,
        ice_addresses=("127.0.0.1",),
        data_dir=folder,
        public_url=OUR_URL,
        trust_proxy=Proxies.parse([trusts]) if trusts else Proxies(),
    )
    await load(settings, SHOP, PASSWORD)
    async with (
        httpx.AsyncClient(transport=httpx.ASGITransport(wechat)) as client,
        open_redis(valkey_url) as redis,
        build(settings, redis=redis, provider=provider) as program,
        running(program.services.commerce),
    ):
        provider._calls._client = client
        if provider.login:
            provider.login._calls._client = client
        yield Till(program, sandbox, begun)


async def ordered(page: httpx.AsyncClient, key: str) -> str:
    """A new guest orders; the id of the order, which waits for its payment."""
    made = await page.post("/api/guests", json={"nickname": "晨光", "estate_id": "chunjiang"})
    assert made.status_code == 201, made.text
    page.headers["Authorization"] = f"Bearer {made.json()['token']}"
    products = (await page.get("/api/rooms/demo/products")).json()["products"]
    body = {"room_id": "demo", "product_id": products[0]["id"], "quantity": 1}
    answer = await page.post("/api/orders", json=body, headers={"Idempotency-Key": key})
    assert answer.status_code == 201, answer.text
    order = answer.json()["order"]
    assert order["state"] == OrderState.WAITING_PAYMENT
    return str(order["id"])


async def pays(page: httpx.AsyncClient, order_id: str, code: str = "") -> str | None:
    """The page is about to pay; where it has to log in first."""
    answer = await page.post(f"/api/orders/{order_id}/payment", json={"code": code})
    assert answer.status_code == 200, answer.text
    url: str | None = answer.json()["login_url"]
    return url


async def begun(at: Till, order_id: str) -> tuple[str, dict[str, Any]]:
    """By which method an attempt was begun, and with what."""
    await wait_until(lambda: order_id in at.begun)
    return at.begun[order_id]


async def next_step(page: httpx.AsyncClient) -> dict[str, Any]:
    """What the page does next to pay its order, once WeChat has answered."""
    found: list[dict[str, Any]] = []

    async def is_there() -> bool:
        [order] = (await page.get("/api/me/orders")).json()["orders"]
        found.extend(filter(None, [order["payment"]["action"]]))
        return bool(found)

    await wait_until(is_there)
    return found[0]


@pytest.mark.parametrize(
    ("trusts", "peer", "forwarded", "sent"),
    [
        (PROXY, PROXY, f"{LIAR}, {BUYER}", BUYER),  # the one that our proxy saw
        (PROXY, LIAR, BUYER, LIAR),  # a direct peer is its own address
        ("", PROXY, BUYER, PROXY),  # nobody is believed
        ("", LIAR, "", LIAR),
    ],
)
async def test_h5_is_told_the_address_of_the_device_and_no_invented_one(
    tmp_path: Path, valkey_url: str, trusts: str, peer: str, forwarded: str, sent: str
) -> None:
    async with till(tmp_path, valkey_url, Method.H5, trusts=trusts) as at:
        async with at.page(peer, PHONE, forwarded) as page:
            order_id = await ordered(page, "key-00001")
            assert at.begun == {}, "nobody has said who pays"
            assert await pays(page, order_id) is None
            method, asked = await begun(at, order_id)
            scene = {"payer_client_ip": sent, "h5_info": {"type": "Wap"}}
            assert (method, asked["scene_info"]) == (Method.H5, scene)
            action = await next_step(page)
            assert action["kind"] == "redirect"
            assert action["url"].endswith("%2Fme")

            # WeChat's webhook comes to the address that it was given.
            assert asked["notify_url"] == f"{OUR_URL}/hooks/payments/wechat"
            [trade] = at.sandbox.book.trades(wall_clock())
            at.sandbox.decide(trade.token, TradeState.PAID)
            assert await at.webhooks() == 1
            commerce = at.program.services.commerce
            await wait_until(lambda: commerce.intents.webhooks.get("paid") == 1)

            async def is_new() -> bool:
                return (await commerce.orders.get(order_id)).state is OrderState.NEW

            await wait_until(is_new)


async def test_where_the_page_is_open_decides_how_it_pays(tmp_path: Path, valkey_url: str) -> None:
    async with till(tmp_path, valkey_url, Method.JSAPI, secret="app-secret") as at:
        ids = {}
        for name, agent in (("desk", DESK), ("phone", PHONE), ("wechat", IN_WECHAT)):
            async with at.page(BUYER, agent) as page:
                ids[name] = order_id = await ordered(page, f"key-{name}")
                login = await pays(page, order_id)
                assert (login is not None) == (name == "wechat")
                if login:
                    asked = httpx.URL(login.removesuffix("#wechat_redirect")).params
                    assert (asked["appid"], asked["state"]) == (APPID, order_id)
                    assert asked["redirect_uri"] == f"{OUR_URL}/me"
                    assert order_id not in at.begun, "the page is on its way to the login"
                    assert await pays(page, order_id, "code-o-anna") is None
                    step = await next_step(page)
                    assert step["kind"] == "jsapi"
                    assert {"name": "appId", "value": APPID} in step["parameters"]
        methods = {name: (await begun(at, id))[0] for name, id in ids.items()}
        assert methods == {"desk": Method.NATIVE, "phone": Method.H5, "wechat": Method.JSAPI}
        assert (await begun(at, ids["wechat"]))[1]["payer"] == {"openid": "o-anna"}
        assert (await begun(at, ids["phone"]))[1]["scene_info"]["payer_client_ip"] == BUYER

        # A code is good once; who brings it again, and who is not logged in, gets a QR code.
        async with at.page(BUYER, IN_WECHAT) as page:
            order_id = await ordered(page, "key-again")
            assert await pays(page, order_id, "code-o-anna") is None
            assert (await begun(at, order_id))[0] == Method.NATIVE
        async with at.page(BUYER, PHONE) as other:
            await ordered(other, "key-other")
            foreign = await other.post(f"/api/orders/{order_id}/payment", json={"code": ""})
            assert foreign.status_code == 404
            long = await other.post(f"/api/orders/{order_id}/payment", json={"code": "c" * 129})
            assert long.status_code == 422
