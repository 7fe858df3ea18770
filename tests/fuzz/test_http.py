"""Any HTTP request is answered; a refusal is a problem document, never a crash."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.app import build
from server.ops.maintenance import load
from server.settings import Settings
from tests.support.fuzz_examples import examples
from tests.support.fuzz_inputs import mutated
from tests.support.running import SHOP
from tests.support.sdp_offers import FRAGMENT, OFFER

PASSWORD = "a good password"
SDP = "application/sdp"
SDP_FRAGMENT = "application/trickle-ice-sdpfrag"
PATHS = [
    ("POST", "/api/guests"),
    ("POST", "/api/guests/refresh"),
    ("POST", "/api/guests/restore"),
    ("POST", "/api/me/devices"),
    ("POST", "/api/me/moves"),
    ("POST", "/api/login"),
    ("GET", "/api/me"),
    ("GET", "/api/lives"),
    ("GET", "/api/lives/{id}/stats"),
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
    ("GET", "/live/{id}/whep"),
    ("PATCH", "/live/demo/whep/{id}"),
    ("DELETE", "/live/demo/whip/{id}"),
    ("POST", "/live/demo/whep/{id}/events"),
]
MEMBERS = ["nickname", "estate_id", "username", "password", "room_id", "product_id", "quantity"]
MEMBERS += ["group_id", "price_fen", "to", "code", "media_time", "guest_id", "device_secret"]


@dataclass(frozen=True, slots=True)
class Request:
    """One request."""

    method: str
    path: str
    content: bytes
    headers: dict[str, str]


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.text(max_size=300)
    | st.sampled_from(["", "demo", "eggs", "s1", "chunjiang", "\u0000", "邻" * 300]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(MEMBERS) | st.text(max_size=20), inner, max_size=5)
    ),
    max_leaves=10,
)
members = st.dictionaries(st.sampled_from(MEMBERS), values, min_size=1, max_size=6)
names = st.sampled_from(["demo", "s1", "eggs", "..", "%00", "a" * 200, "邻", "-1", "%ff", "%2f"])
bodies = st.one_of(
    (members | values).map(lambda value: json.dumps(value).encode(errors="replace")),
    st.binary(max_size=200),
    st.sampled_from([b"", b"[" * 5_000, b'{"quantity":1e999}', b"9" * 5_000, b'"\xed\xa0\x80"']),
    st.binary(min_size=1, max_size=9).map(lambda part: part * 9_000),
    (mutated(OFFER) | mutated(OFFER.replace("sendonly", "recvonly")) | mutated(FRAGMENT)).map(
        lambda text: text.encode(errors="replace")
    ),
)
# What Latin-1 has and a header may carry.
header_values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60).map(
    str.strip
)
headers = st.fixed_dictionaries(
    {"Content-Type": st.sampled_from(["application/json", SDP, SDP_FRAGMENT, "text/plain", ""])},
    optional={
        "Idempotency-Key": st.sampled_from(["", "tap-number-1", "x" * 100]) | header_values,
        "If-Match": st.sampled_from(["*", '"', 'W/"a"']) | header_values,
        "X-Forwarded-For": header_values,
        "Accept-Language": header_values,
        "Last-Event-ID": header_values,
    },
)
requests = st.builds(
    lambda route, name, content, headers: Request(
        route[0], route[1].format(id=name), content, headers
    ),
    st.sampled_from(PATHS),
    names,
    bodies,
    headers,
)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the program in this process."""
    settings = Settings(port=0, ice_port=0, data_dir=tmp_path, rate_limits=False)
    await load(settings, SHOP, PASSWORD)
    async with build(settings) as program:
        transport = httpx.ASGITransport(program.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://linli") as client:
            yield client


@pytest.fixture
async def token(client: httpx.AsyncClient, role: str) -> dict[str, str]:
    """The authorization headers of a `role`."""
    if role == "nobody":
        return {}
    if role == "guest":
        made = {"nickname": "晨光", "estate_id": "chunjiang"}
        answer = await client.post("/api/guests", json=made)
    else:
        made = {"username": "chunjiang", "password": PASSWORD}
        answer = await client.post("/api/login", json=made)
    return {"Authorization": f"Bearer {answer.json()['token']}"}


@pytest.mark.parametrize("role", ["nobody", "guest", "staff"])
@examples(80)
@given(sent=st.lists(requests, min_size=1, max_size=8))
async def test_any_request_gets_an_answer_or_a_problem_document(
    client: httpx.AsyncClient, token: dict[str, str], sent: list[Request]
) -> None:
    for request in sent:
        await _ask(client, request, token)


@examples(60)
@given(header=header_values, scheme=st.sampled_from(["Bearer ", "Basic ", "bearer", ""]))
async def test_any_random_token_is_refused(
    client: httpx.AsyncClient, header: str, scheme: str
) -> None:
    answer = await client.get("/api/me", headers={"Authorization": scheme + header})
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize("role", ["staff"])
@examples(60)
@given(
    offer=mutated(OFFER) | st.just(OFFER),
    fragments=st.lists(st.tuples(mutated(FRAGMENT) | st.just(FRAGMENT), st.booleans()), max_size=4),
)
async def test_any_offer_and_any_fragments_get_an_answer(
    client: httpx.AsyncClient,
    token: dict[str, str],
    offer: str,
    fragments: list[tuple[str, bool]],
) -> None:
    """A host's offers, and after a valid one any trickled fragments."""
    headers = {**token, "Content-Type": SDP}
    content = offer.encode(errors="replace")
    made = await _ask(client, Request("POST", "/live/demo/whip", content, headers), {})
    if made.status_code != 201:
        return
    url, etag = made.headers["Location"], made.headers["ETag"]
    for fragment, current in fragments:
        trickled = Request(
            "PATCH",
            url,
            fragment.encode(errors="replace"),
            {**headers, "Content-Type": SDP_FRAGMENT, "If-Match": etag if current else "*"},
        )
        answer = await _ask(client, trickled, {})
        etag = answer.headers.get("ETag", etag)
    assert (await client.delete(url, headers=headers)).status_code == 200


async def _ask(
    client: httpx.AsyncClient, request: Request, headers: dict[str, str]
) -> httpx.Response:
    answer = await client.request(
        request.method,
        request.path,
        content=request.content,
        headers={**headers, **request.headers},
    )
    context = f"{request}: {answer.status_code} {answer.text}"
    assert answer.status_code < 500, context
    if answer.status_code >= 400:
        assert answer.headers["Content-Type"] == "application/problem+json", context
    return answer
