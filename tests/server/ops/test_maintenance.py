"""What `linli doctor` finds, and that it advises only where something is wrong."""

from pathlib import Path

import pytest

from server.ops import maintenance
from server.settings import Settings


async def test_a_limit_of_few_open_files_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "raise_file_limit", lambda: 1_024)
    findings = await maintenance.examine(Settings(data_dir=tmp_path))
    [files] = [finding for finding in findings if finding.name == "files may be open"]
    assert not files.ok
    assert "1024" in files.advice
    assert [finding.advice for finding in findings if finding.ok and finding.advice] == []
