"""A node of the version before the newest schema serves beside one of this version, then drains.

The older version is the commit before the last one that brought a migration, or LINLI_UPGRADE_FROM.
"""

import asyncio
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from server.ops.maintenance import examine
from tests.support.running import PASSWORD, SHOP, Running

ROOT = Path(__file__).parents[2]
MIGRATIONS = "commerce/io/record/migrations/versions"
BUYERS = 60
CONFIRMED, SOLD_OUT = 201, 409

pytestmark = pytest.mark.soak


def git(*arguments: str) -> bytes:
    """What git prints."""
    return subprocess.run(["git", "-C", ROOT, *arguments], check=True, capture_output=True).stdout


@pytest.fixture
def older_code(tmp_path: Path) -> Path:
    """A folder with the older version's code."""
    if not (ROOT / ".git").exists():
        pytest.skip("the older version comes from git's history")
    newest = git("log", "--diff-filter=A", "-1", "--format=%H", "--", MIGRATIONS).decode().strip()
    version = os.environ.get("LINLI_UPGRADE_FROM") or f"{newest}^"
    folder = tmp_path / "older"
    folder.mkdir()
    subprocess.run(["tar", "-x", "-C", folder], input=git("archive", version), check=True)
    shutil.copytree(ROOT / "web/dist", folder / "web/dist")
    return folder


@asynccontextmanager
async def node(folder: Path, shared: dict[str, str], code: Path | None) -> AsyncIterator[Running]:
    """A node that is not started; its log is shown when the test fails."""
    await asyncio.to_thread(folder.mkdir)
    server = Running(folder, **shared)
    server.code = code
    server.env["PYTHONPATH"] = str(code or ROOT)
    try:
        yield server
    except BaseException:
        sys.stderr.write(f"{folder.name}:\n{server.log[-6_000:]}")
        raise
    finally:
        await server.stop()


async def guests(client: httpx.AsyncClient, count: int) -> list[str]:
    """Tokens of new guests."""
    answers = [
        await client.post(
            "/api/guests", json={"nickname": f"邻居{number}", "estate_id": "chunjiang"}
        )
        for number in range(count)
    ]
    return [answer.json()["token"] for answer in answers]


async def tap(client: httpx.AsyncClient, guest: str, product: str) -> httpx.Response:
    """One unit for a guest."""
    return await client.post(
        "/api/orders",
        headers={"Authorization": f"Bearer {guest}", "Idempotency-Key": secrets.token_hex(16)},
        json={"room_id": "demo", "product_id": product, "quantity": 1},
    )


@pytest.mark.parametrize("bare_database_url", ["postgres"], indirect=True)
async def test_both_versions_sell_one_shop_while_the_older_one_drains(
    tmp_path: Path, older_code: Path, bare_database_url: str, redis7_url: str
) -> None:
    shared = {
        "LINLI_REDIS_URL": redis7_url,
        "LINLI_DATABASE_URL": bare_database_url,
        "LINLI_TOKEN_SECRET": secrets.token_hex(32),
        "LINLI_RATE_LIMITS": "false",
        "LINLI_WORKERS": "1",
        "LINLI_RTMP_PORT": "",
    }
    async with AsyncExitStack() as stack:
        older = await stack.enter_async_context(node(tmp_path / "a", shared, older_code))
        newer = await stack.enter_async_context(node(tmp_path / "b", shared, None))
        await older.linli("db", "load", str(SHOP), "--password-stdin", stdin=PASSWORD)
        await older.start()
        at_older = await stack.enter_async_context(older.client())
        households = await guests(at_older, BUYERS)
        assert (await tap(at_older, households[0], "eggs")).status_code == CONFIRMED

        await newer.start()  # brings the record to its schema, under the older node
        at_newer = await stack.enter_async_context(newer.client())
        answers = await asyncio.gather(
            *(
                tap((at_older, at_newer)[number % 2], guest, "eggs")
                for number, guest in enumerate(households)
            )
        )
        assert Counter(answer.status_code for answer in answers) == {CONFIRMED: BUYERS}
        order = answers[0].json()["order"]["id"]
        seen = await at_newer.get(
            "/api/me/orders", headers={"Authorization": f"Bearer {households[0]}"}
        )
        assert order in [each["id"] for each in seen.json()["orders"]]

        drained = asyncio.create_task(older.stop(signal.SIGTERM))
        later = [await tap(at_newer, guest, "eggs") for guest in households]
        assert {answer.status_code for answer in later} <= {CONFIRMED, SOLD_OUT}
        await drained
        assert older.process and older.process.returncode == 0

        findings = await examine(newer.settings)
        record = [finding for finding in findings if finding.name.startswith("record:")]
        assert record and [finding for finding in record if not finding.ok] == []
