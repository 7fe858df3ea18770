"""`linli staff` and `linli db load` beside a running server: what they take ends soon."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.support.running import PASSWORD, SHOP, Running
from tests.support.waiting import WAIT_S


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    server = Running(tmp_path)
    await server.load(SHOP)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


class Clerk:
    """Somebody of the staff, over HTTP."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.headers: dict[str, str] = {}
        self.board = ""

    async def log_in(self, password: str) -> int:
        """Log in; return the status."""
        body = {"username": "chunjiang", "password": password}
        answer = await self.client.post("/api/login", json=body)
        if answer.status_code == 200:
            self.headers = {"Authorization": f"Bearer {answer.json()['token']}"}
            self.board = f"/api/stores/{answer.json()['staff']['store_id']}/orders"
        return answer.status_code

    async def status(self) -> int:
        """What the token of the last log-in is answered."""
        return (await self.client.get(self.board, headers=self.headers)).status_code

    async def is_logged_out(self) -> bool:
        """Wait until the token is refused."""
        async with asyncio.timeout(WAIT_S):
            while (status := await self.status()) == 200:
                pass
        return status == 401


@pytest.mark.soak
async def test_commands_end_the_tokens_that_a_running_server_gave(
    server: Running, tmp_path: Path
) -> None:
    async with server.client() as client:
        clerk = Clerk(client)
        assert (await clerk.log_in(PASSWORD), await clerk.status()) == (200, 200)
        await server.linli("staff", "logout", "chunjiang")
        assert await clerk.is_logged_out()

        assert (await clerk.log_in(PASSWORD), await clerk.status()) == (200, 200)
        new = "a password of my own"
        await server.linli("staff", "password", "chunjiang", "--password-stdin", stdin=new)
        assert await clerk.is_logged_out()
        assert await clerk.log_in(PASSWORD) == 401

        assert (await clerk.log_in(new), await clerk.status()) == (200, 200)
        without = re.sub(
            r'\[\[staff\]\]\nusername = "chunjiang".*?(?=\[\[)', "", SHOP.read_text(), flags=re.S
        )
        file = tmp_path / "shop.toml"
        file.write_text(without)
        await server.linli("db", "load", str(file), "--password-stdin", stdin=PASSWORD)
        assert await clerk.is_logged_out()
        assert await clerk.log_in(new) == 401
