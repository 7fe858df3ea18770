"""The route that allows load tests."""

import hashlib
from types import SimpleNamespace

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Route

from server.http.consent import loadtest_consent
from server.problem import Problem, problem_handler
from server.settings import Settings

PATH = "/.well-known/linli-loadtest"


async def answer(token: str) -> httpx.Response:
    app = Starlette(
        routes=[Route(PATH, loadtest_consent)], exception_handlers={Problem: problem_handler}
    )
    app.state.services = SimpleNamespace(settings=Settings(loadtest_token=SecretStr(token)))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://linli") as client:
        return await client.get(PATH)


async def test_without_a_token_no_load_test_is_wanted() -> None:
    found = await answer("")
    assert found.status_code == 404
    assert found.json()["type"] == "urn:linli:problem:no-loadtest"


@pytest.mark.parametrize("token", ["please test me", "请压测"])
async def test_the_token_is_shown_as_its_hash_only(token: str) -> None:
    found = await answer(token)
    assert found.json() == {"token_sha256": hashlib.sha256(token.encode()).hexdigest()}
    assert token not in found.text
