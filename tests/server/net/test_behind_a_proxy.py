"""The proxies' samples in docs/deploy, run as they are but for names, ports and TLS."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from server.limits import Limits
from server.net.addresses import Proxies
from server.ws.wire import JSON
from tests.support.room_hubs import memory_hub
from tests.support.room_hubs import serving as serving_rooms
from tests.support.serving import serving
from tests.support.waiting import WAIT_S, free_port, wait_until

SAMPLES = Path(__file__).parents[3] / "docs" / "deploy"
UPSTREAM = "127.0.0.1:8080"
CLIENT = "127.0.0.2"


def nginx(folder: Path, port: int, upstream: str) -> list[str]:
    """Write the sample into `folder`; return the command that runs it."""
    sample = (SAMPLES / "nginx.conf").read_text().replace(UPSTREAM, upstream)
    sample = re.sub(r"listen .*;", f"listen 127.0.0.1:{port};", sample)
    sample = re.sub(r" +ssl_.*;\n", "", sample)
    logs = "access_log off;"
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; events {{}} http {{ {logs} {paths}\n{sample}\n}}\n"
    )
    return ["nginx", "-e", f"{folder}/log", "-c", f"{folder}/nginx.conf"]


def caddy(folder: Path, port: int, upstream: str) -> list[str]:
    """Write the sample into `folder`; return the command that runs it."""
    sample = (SAMPLES / "Caddyfile").read_text().replace(UPSTREAM, upstream)
    sample = sample.replace("shop.example {", f"http://127.0.0.1:{port} {{")
    (folder / "Caddyfile").write_text("{\n\tadmin off\n}\n" + sample)
    return ["caddy", "run", "--adapter", "caddyfile", "--config", f"{folder}/Caddyfile"]


PROXIES = {"nginx": nginx, "caddy": caddy}


@contextlib.asynccontextmanager
async def proxy(kind: str, folder: Path, upstream: str) -> AsyncIterator[int]:
    """Run the sample in front of `upstream`; yield its port."""
    port = free_port()
    with (folder / "out").open("wb") as out:
        worker = await asyncio.create_subprocess_exec(
            *PROXIES[kind](folder, port, upstream),
            env={"HOME": str(folder), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            stdout=out,
            stderr=out,
        )
    try:
        await wait_until(lambda: listens(port), what=f"{kind}: {(folder / 'out').read_text()}")
        yield port
    finally:
        worker.terminate()
        await worker.wait()


async def listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


@pytest.mark.parametrize("kind", PROXIES)
async def test_pages_and_rooms_work_through_the_sample(kind: str, tmp_path: Path) -> None:
    async with (
        memory_hub() as hub,
        serving_rooms(hub, trust_proxy="127.0.0.1") as server,
        proxy(kind, tmp_path, f"127.0.0.1:{server.port}") as port,
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=WAIT_S
        ) as client,
    ):
        assert (await client.get("/healthz")).text == "ok"
        assert (await client.get("/metrics")).status_code == 403
        url, codec = f"ws://127.0.0.1:{port}/ws", [Subprotocol(JSON)]
        page = Origin(f"http://127.0.0.1:{port}")
        async with connect(url, origin=page, subprotocols=codec, proxy=None) as socket:
            await socket.send('{"t": "hello", "channel": "room:demo"}')
            assert '"welcome"' in str(await socket.recv(decode=True))
        with pytest.raises(InvalidStatus, match="403"):
            async with connect(url, origin=Origin("https://evil.example"), subprotocols=codec):
                pass


@pytest.mark.parametrize("kind", PROXIES)
async def test_each_client_behind_the_sample_has_its_own_address(kind: str, tmp_path: Path) -> None:
    limits = Limits(Redis(), proxies=Proxies.parse(["127.0.0.1"]))

    async def address(request: Request) -> PlainTextResponse:
        return PlainTextResponse(limits.address(request))

    transport = httpx.AsyncHTTPTransport(local_address=CLIENT)
    async with (
        serving(Starlette(routes=[Route("/", address)])) as upstream,
        proxy(kind, tmp_path, upstream.removeprefix("http://")) as port,
        httpx.AsyncClient(transport=transport, timeout=WAIT_S) as client,
    ):
        answer = await client.get(
            f"http://127.0.0.1:{port}/", headers={"X-Forwarded-For": "6.6.6.6"}
        )
        assert answer.text == CLIENT
