"""The command line: help everywhere, tokens that work, clear words for an operator's mistakes."""

import asyncio
import contextlib
import json
import re
import socket
import sqlite3
import sys
import tomllib
from pathlib import Path

import pytest
from sqlalchemy import make_url
from typer.testing import CliRunner

from server.access.policy import Role
from server.access.tokens import Access
from server.cli.main import app
from server.errors import OperatorError
from server.ops.secrets import kept_secret, token_secret
from server.run import serve
from server.settings import Settings
from tests.support.running import SHOP, Running

COMMANDS = [
    "serve",
    "demo",
    "publish",
    "neighbours",
    "token",
    "db",
    "staff",
    "doctor",
    "plan",
    "top",
    "drain",
]


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LINLI_DATA_DIR", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_all_commands_are_listed_with_a_line_of_help() -> None:
    output = CliRunner().invoke(app, ["--help"]).output
    for command in COMMANDS:
        assert re.search(rf"^│ {command} +[A-Z]", output, re.MULTILINE), command


def test_the_version_is_that_of_the_project() -> None:
    with (Path(__file__).parents[3] / "pyproject.toml").open("rb") as file:
        version = tomllib.load(file)["project"]["version"]
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.output) == (0, f"linli {version}\n")


def test_a_printed_token_is_valid() -> None:
    result = CliRunner().invoke(app, ["token", "--role", "host", "--room", "demo"])
    principal = Access(token_secret(Settings())).verify(result.output.strip())
    assert principal.roles == {Role.HOST}
    assert principal.room_id == "demo"


def test_a_token_of_a_head_office_is_of_the_only_brand(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINLI_DATABASE_URL", sqlite_url)
    none = CliRunner().invoke(app, ["token", "--role", "hq"])
    assert isinstance(none.exception, OperatorError) and "--brand" in str(none.exception)
    with sqlite3.connect(make_url(sqlite_url).database or "") as record:
        record.execute("INSERT INTO brands (id, name_zh, name_en) VALUES ('linxian', '邻鲜', 'L')")
    for role in (Role.HQ, Role.ADMIN):
        result = CliRunner().invoke(app, ["token", "--role", role.value])
        principal = Access(token_secret(Settings())).verify(result.output.strip())
        assert principal.roles == {role} and principal.brand_id == "linxian"
    wrong = CliRunner().invoke(app, ["token", "--role", "admin", "--brand", "nothing"])
    assert "no brand nothing" in str(wrong.exception)


def test_a_host_token_without_a_room_is_refused() -> None:
    result = CliRunner().invoke(app, ["token", "--role", "host"])
    assert isinstance(result.exception, OperatorError)
    assert "--room" in str(result.exception)


def test_a_secret_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    first = kept_secret(tmp_path / "secret", 32)
    assert kept_secret(tmp_path / "secret", 32) == first
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


async def test_a_taken_port_is_an_error_that_names_the_setting(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        settings = Settings(host="127.0.0.1", port=taken.getsockname()[1], data_dir=tmp_path)
        with pytest.raises(OperatorError, match="LINLI_PORT"):
            await serve(settings)


async def test_an_invalid_setting_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    server = Running(tmp_path)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "server",
        "serve",
        env={**server.env, "LINLI_PORT": "99999"},
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await process.communicate()
    assert process.returncode == 1
    [line] = err.decode().strip().splitlines()
    assert line.startswith("linli: LINLI_PORT: Input should be less than")


def test_a_file_that_is_no_shop_is_refused_before_a_password_is_asked(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["db", "load", str(tmp_path / "nothing.toml")])
    assert isinstance(result.exception, OperatorError)
    assert "assword" not in result.output


def test_the_doctor_finds_a_loaded_record_sound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Running(tmp_path)
    asyncio.run(server.load(SHOP))
    monkeypatch.setenv("LINLI_DATA_DIR", server.env["LINLI_DATA_DIR"])
    result = CliRunner().invoke(app, ["doctor", "--json"])
    found = {each["name"]: each["ok"] for each in json.loads(result.output)}
    assert found["disk has room"]
    assert all(ok for name, ok in found.items() if name.startswith("record:"))
    # The kernel of the machine that tests may be less than it should.
    assert result.exit_code == (not all(found.values()))


async def test_passwords_of_a_loaded_shop_are_hashed_as_rfc_9106_recommends(
    tmp_path: Path,
) -> None:
    server = Running(tmp_path)
    await server.load(SHOP)
    with contextlib.closing(sqlite3.connect(tmp_path / "var" / "linli.sqlite3")) as record:
        hashes = record.execute("SELECT password_hash FROM staff").fetchall()
    low_memory = "$argon2id$v=19$m=65536,t=3,p=4$"  # section 4, the second recommended option
    assert hashes
    assert all(password_hash.startswith(low_memory) for (password_hash,) in hashes)


async def test_a_client_that_leaves_in_the_middle_of_its_request_is_no_error(
    tmp_path: Path,
) -> None:
    server = Running(tmp_path)
    await server.start()
    try:
        for _ in range(3):
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"POST /api/guests HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{")
            await writer.drain()
            async with server.client() as client:
                assert (await client.get("/api/lives")).headers["cache-control"] == "no-store"
            writer.transport.abort()
    finally:
        await server.stop()
    assert "stopped" in server.log
    assert "Traceback" not in server.log
    assert "rror" not in server.log
