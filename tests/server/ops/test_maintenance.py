"""What `linli doctor` finds, and that it advises only where something is wrong."""

from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from commerce.io.record.audit_trail import record_audit
from commerce.io.record.engine import Record
from commerce.io.record.schema_staff import audit_entries, staff
from commerce.io.shop.passwords import Passwords
from server.errors import OperatorError
from server.ops import maintenance
from server.ops.opening import open_record
from server.ops.shop_file import read_shop
from server.settings import Settings
from tests.support.running import SHOP


async def test_a_limit_of_few_open_files_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "raise_file_limit", lambda: 1_024)
    findings = await maintenance.examine(Settings(data_dir=tmp_path))
    [files] = [finding for finding in findings if finding.name == "files may be open"]
    assert not files.ok
    assert "1024" in files.advice
    assert [finding.advice for finding in findings if finding.ok and finding.advice] == []


async def test_one_person_gets_a_new_password_and_the_others_keep_theirs(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    await maintenance.load(settings, SHOP, "the first password")
    async with open_record(settings) as engine:
        before = await hashes(engine)
        [name, *others] = before
        await maintenance.set_password(settings, name, "another password")
        after = await hashes(engine)
    passwords = Passwords()
    assert await passwords.check(after[name], "another password")
    assert not await passwords.check(after[name], "the first password")
    passwords.close()
    assert [after[other] for other in others] == [before[other] for other in others]
    with pytest.raises(OperatorError, match="nobody-here"):
        await maintenance.set_password(settings, "nobody-here", "another password")


@pytest.mark.parametrize("password", ["", "a", "password123"])
async def test_a_weak_password_is_refused(tmp_path: Path, password: str) -> None:
    with pytest.raises(OperatorError, match="chen: "):
        await maintenance.set_password(Settings(data_dir=tmp_path), "chen", password)
    with pytest.raises(OperatorError, match="chunjiang: "):
        await maintenance.load(Settings(data_dir=tmp_path), SHOP, password)


async def test_logging_out_somebody_unknown_names_them(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="nobody-here"):
        await maintenance.log_out(Settings(data_dir=tmp_path), "nobody-here")


async def hashes(engine: AsyncEngine) -> dict[str, str]:
    """Password hashes by user name."""
    async with engine.connect() as connection:
        rows = await connection.execute(select(staff.c.username, staff.c.password_hash))
        return {username: password_hash for username, password_hash in rows}


async def test_password_made_at_random_is_taken_whatever_it_looks_like(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    await maintenance.load_shop(settings, read_shop(SHOP), "481516234203")
    async with open_record(settings) as engine:
        [password_hash, *_] = (await hashes(engine)).values()
    passwords = Passwords()
    assert await passwords.check(password_hash, "481516234203")
    passwords.close()


async def test_doctor_finds_an_audit_trail_that_was_tampered_with(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    async with open_record(settings) as engine, Record(engine).write() as connection:
        # Without its brand, a trail is not protected.
        await connection.run_sync(record_audit, "gone", "u1", "pin", "tea", None, None, 1)
        await connection.execute(update(audit_entries).values(actor="u2"))
    [found] = [one for one in await maintenance.examine(settings) if "audit" in one.name]
    assert not found.ok
    assert found.advice == "gone, entry 1"
