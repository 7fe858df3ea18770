"""Whatever a stranger sends over HTTP is answered with a problem document, never with a crash."""

import json
import random
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.app import build
from server.maintenance import load
from server.settings import Settings
from tests.running import SHOP

REQUESTS = 400
SEED = 20
PATHS = [
    ("POST", "/api/guests"),
    ("POST", "/api/login"),
    ("GET", "/api/me"),
    ("GET", "/api/rooms/{id}"),
    ("GET", "/api/rooms/{id}/products"),
    ("PUT", "/api/rooms/demo/pins/{id}"),
    ("DELETE", "/api/rooms/demo/pins/{id}"),
    ("POST", "/api/rooms/{id}/end"),
    ("POST", "/api/orders"),
    ("GET", "/api/me/orders"),
    ("POST", "/api/orders/{id}/moves"),
    ("GET", "/api/stores/{id}/orders"),
    ("POST", "/api/stores/s1/handovers"),
    ("POST", "/live/demo/whip"),
    ("POST", "/live/{id}/whep"),
    ("PATCH", "/live/demo/whep/{id}"),
    ("DELETE", "/live/demo/whip/{id}"),
]
MEMBERS = ["nickname", "estate_id", "username", "password", "room_id", "product_id", "quantity"]
MEMBERS += ["group_id", "price_fen", "to", "code", "media_time"]


def junk(rng: random.Random, depth: int = 0) -> Any:
    """Some JSON value that nobody expects."""
    leaves: list[Any] = [None, True, 0, -1, 10**30, 1.5, "", "demo", "eggs", "\u0000", "邻" * 300]
    if depth > 3 or rng.random() < 0.6:
        return rng.choice(leaves)
    if rng.random() < 0.5:
        return [junk(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {rng.choice(MEMBERS): junk(rng, depth + 1) for _ in range(rng.randrange(4))}


def body(rng: random.Random) -> bytes:
    """A body: members that exist with junk in them, any JSON, or any bytes."""
    dice = rng.random()
    if dice < 0.6:
        return json.dumps({name: junk(rng) for name in rng.sample(MEMBERS, 4)}).encode()
    if dice < 0.8:
        return json.dumps(junk(rng)).encode()
    return rng.randbytes(rng.choice([0, 1, 50, 20_000]))


@pytest.mark.parametrize("role", ["nobody", "guest", "host", "store"])
async def test_any_request_is_answered_and_a_refusal_is_a_problem(
    tmp_path: Path, role: str
) -> None:
    settings = Settings(port=0, ice_port=0, data_dir=tmp_path, rate_limits=False)
    await load(settings, SHOP, "a good password")
    rng = random.Random(f"{SEED} {role}")
    async with build(settings) as program:
        transport = httpx.ASGITransport(program.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://linli") as client:
            headers = await _headers(client, role)
            for _ in range(REQUESTS):
                method, path = rng.choice(PATHS)
                name = rng.choice(["demo", "s1", "eggs", "..", "%00", "a" * 200, "邻", "-1"])
                kind = rng.choice(["application/json", "application/sdp", "text/plain", ""])
                key = rng.choice(["", "tap-number-1", "x" * 100])
                answer = await client.request(
                    method,
                    path.format(id=name),
                    content=body(rng),
                    headers={**headers, "Content-Type": kind, "Idempotency-Key": key},
                )
                said = f"{method} {path} with {name!r}: {answer.status_code} {answer.text}"
                assert answer.status_code < 500, said
                if answer.status_code >= 400:
                    assert answer.headers["Content-Type"] == "application/problem+json", said


async def _headers(client: httpx.AsyncClient, role: str) -> dict[str, str]:
    if role == "nobody":
        return {}
    if role == "guest":
        made = {"nickname": "晨光", "estate_id": "chunjiang"}
        answer = await client.post("/api/guests", json=made)
    else:
        made = {"username": "chunjiang", "password": "a good password"}
        answer = await client.post("/api/login", json=made)
    return {"Authorization": f"Bearer {answer.json()['token']}"}
