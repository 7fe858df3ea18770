"""The embedded Valkey: starts by itself, keeps its data through SIGKILL, dies with its parent."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest
from redis.asyncio import Redis
from redis.exceptions import BusyLoadingError, ConnectionError

from server.ops.embedded import EmbeddedError, EmbeddedValkey
from server.ops.opening import open_data_folder, open_record
from server.settings import Settings
from tests.support.waiting import wait_until

PARENT = """
import asyncio, sys
from pathlib import Path
from server.ops.embedded import EmbeddedValkey

async def main():
    valkey = EmbeddedValkey(Path(sys.argv[1]))
    await valkey.start()
    print(valkey.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def _kept(client: Redis, key: str) -> bool:
    """Is `key` kept? No, while the server starts or loads its file."""
    try:
        return await client.get(key) == b"yes"
    except (ConnectionError, BusyLoadingError):
        return False


async def test_embedded_valkey_starts_in_any_folder(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "店 #1 50%25 ?mode=ro&x='\"[b]\\")
    valkey = EmbeddedValkey(open_data_folder(settings))
    await valkey.start()
    async with Redis.from_url(valkey.url) as client:
        assert await client.ping()
    await valkey.stop()
    async with open_record(settings) as engine:
        assert engine.url.database == f"{settings.data_dir}/linli.sqlite3"
    assert (settings.data_dir / "linli.sqlite3").is_file()
    assert (settings.data_dir / "valkey" / "valkey.log").is_file()


async def test_killed_valkey_restarts_with_its_data(tmp_path: Path) -> None:
    valkey = EmbeddedValkey(tmp_path)
    await valkey.start()
    async with Redis.from_url(valkey.url) as client:
        await client.set("kept", "yes")
        first = valkey.pid
        assert first
        os.kill(first, signal.SIGKILL)
        await wait_until(lambda: valkey.pid != first, what="a new child")
        await wait_until(lambda: _kept(client, "kept"), what="the kept value")
    await valkey.stop()


async def test_second_server_on_one_data_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.ops.embedded.LOCK_TIMEOUT_S", 0.1)
    first, second = EmbeddedValkey(tmp_path), EmbeddedValkey(tmp_path)
    await first.start()
    with pytest.raises(EmbeddedError, match="LINLI_DATA_DIR"):
        await second.start()
    await second.stop()
    await first.stop()


async def test_child_ends_with_its_killed_parent(tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout
    child = int(await parent.stdout.readline())
    parent.kill()
    await parent.communicate()
    await wait_until(lambda: not psutil.pid_exists(child), what="end of the child")
    again = EmbeddedValkey(tmp_path)
    await again.start()
    await again.stop()
