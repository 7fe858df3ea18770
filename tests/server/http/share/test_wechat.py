"""The signature for WeChat's JS-SDK, against a stand-in of WeChat's interface over HTTP."""

import hashlib
from types import SimpleNamespace

import httpx
from pydantic import SecretStr
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from server.http.share import wechat
from server.limits import Limits
from server.problem import Problem, problem_handler
from server.settings import Settings
from tests.support.serving import serving


def test_signature_is_that_of_the_documentation() -> None:
    # The example of the JS-SDK's documentation, appendix 1.
    ticket = (
        "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"
    )
    signed = wechat.signature_of(
        ticket, "Wm3WZYTPz0wzccnW", 1_414_587_457, "http://mp.weixin.qq.com?params=value"
    )
    assert signed == "0f9de62fce790f9a083d5c99e95740ceb90c27ed"


async def test_pages_are_signed_with_one_ticket_for_all(valkey_url: str) -> None:
    asked: list[str] = []
    broken = [True]

    async def token(request: Request) -> JSONResponse:
        asked.append("token")
        if request.query_params["secret"] != "s3cret" or broken:
            broken.clear()
            return JSONResponse({"errcode": 40164, "errmsg": "invalid ip"})
        return JSONResponse({"access_token": "T", "expires_in": 7_200})

    async def ticket(request: Request) -> JSONResponse:
        asked.append("ticket")
        assert request.query_params["access_token"] == "T"
        return JSONResponse({"errcode": 0, "ticket": "J", "expires_in": 7_200})

    stand_in = Starlette(
        routes=[
            Route("/cgi-bin/token", token),
            Route("/cgi-bin/ticket/getticket", ticket),
        ]
    )
    redis = Redis.from_url(valkey_url)
    app = Starlette(routes=wechat.routes, exception_handlers={Problem: problem_handler})
    async with (
        serving(stand_in) as api,
        redis,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="https://shop.example"
        ) as web,
    ):
        settings = Settings(wechat_app_id="wx1", wechat_secret=SecretStr("s3cret"), wechat_api=api)
        app.state.services = SimpleNamespace(
            settings=settings, redis=redis, limits=Limits(redis, enabled=False)
        )
        page = "https://shop.example/r/demo?p=tea"
        path = "/api/wechat/signature"
        away = await web.get(path, params={"url": page})
        assert away.status_code == 503
        for _ in range(2):
            found = (await web.get(path, params={"url": page + "#top"})).json()
            text = f"jsapi_ticket=J&noncestr={found['nonce']}&timestamp={found['timestamp']}"
            expected = hashlib.sha1(f"{text}&url={page}".encode(), usedforsecurity=False)
            assert (found["app_id"], found["signature"]) == ("wx1", expected.hexdigest())
        assert asked == ["token", "token", "ticket"]
        assert 0 < await redis.ttl(wechat.TICKET_KEY.format(app_id="wx1")) <= 6_900
        for bad in ("", "https://other.example/", "ftp://shop.example/", "https://["):
            answer = await web.get(path, params={"url": bad})
            assert answer.status_code == 422, bad
        app.state.services.settings = Settings()
        assert (await web.get(path, params={"url": page})).status_code == 404
