"""Whatever an operator sets wrong is one line that names it."""

import sqlite3
from pathlib import Path

import pytest

from server.cli import main as command_line
from server.errors import OperatorError
from server.ops.maintenance import upgrade
from server.ops.opening import open_data_folder
from server.run import serve
from server.settings import Settings
from tests.support.waiting import free_port


async def start(tmp_path: Path, **values: object) -> str:
    """Start with wrong settings; return what the operator reads."""
    ours = {"host": "127.0.0.1", "port": free_port(), "ice_port": 0, "data_dir": tmp_path / "var"}
    settings = ours | values
    with pytest.raises(OperatorError) as caught:
        await serve(Settings.model_validate(settings))
    return str(caught.value)


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("host", "shop.invalid", "no address"),
        ("host", "203.0.113.7", "no address"),
        ("ice_addresses", "127.0.0.1,no-such-shop.invalid", "'no-such-shop.invalid' is no address"),
        ("redis_url", "shop.example", "scheme"),
        ("redis_url", "redis://127.0.0.1:9", "failed"),
        ("database_url", "shop.example", "parse"),
        ("database_url", "mysql://db/shop", "mysql is none of postgres"),
        ("database_url", "postgresql+nonsense://db/shop", "plugin"),
        ("web_dir", "/no/such/folder", "no built pages"),
        ("database_url", "postgresql://linli@127.0.0.1:9/shop", "failed"),
    ],
)
async def test_what_cannot_be_opened_is_named(
    tmp_path: Path, valkey_url: str, setting: str, value: str, said: str
) -> None:
    line = await start(tmp_path, **({"redis_url": valkey_url} | {setting: value}))
    assert line.startswith(f"LINLI_{setting.upper()}: ")
    assert said in line
    assert "\n" not in line


async def test_a_file_in_the_place_of_the_data_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file")
    assert "is a file, not a folder" in await start(tmp_path)
    with pytest.raises(OperatorError, match="LINLI_DATA_DIR"):
        await upgrade(Settings(data_dir=tmp_path / "var"))
    with pytest.raises(OperatorError, match="LINLI_DATA_DIR"):
        open_data_folder(Settings(data_dir=tmp_path / "var" / "below"))


async def test_a_record_that_is_none_or_newer_is_named(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    path = tmp_path / "linli.sqlite3"
    path.write_text("no database " * 99)
    with pytest.raises(OperatorError, match="LINLI_DATA_DIR: file is not a database"):
        await upgrade(settings)
    path.unlink()
    await upgrade(settings)
    with sqlite3.connect(path) as record:
        record.execute("UPDATE alembic_version SET version_num = 'tomorrow'")
    record.close()
    with pytest.raises(OperatorError, match=r"LINLI_DATA_DIR: .*'tomorrow'"):
        await upgrade(settings)


async def test_a_damaged_secret_is_named(tmp_path: Path, valkey_url: str) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "token-secret").write_text("")
    assert "token-secret is damaged" in await start(tmp_path, redis_url=valkey_url)


def test_a_long_line_with_brackets_is_printed_as_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = "LINLI_DATA_DIR: /srv/[red]shop[/blue]/" + "long " * 40
    command_line.complain(text)
    assert capsys.readouterr().err == f"linli: {text}\n"
