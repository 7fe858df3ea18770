"""The documentation is complete: every setting stands in docs/settings.md with its default."""

from pathlib import Path

import pytest

from server.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented_with_its_meaning(name: str) -> None:
    field = Settings.model_fields[name]
    lines = (DOCS / "settings.md").read_text().splitlines()
    [line] = [line for line in lines if line.startswith(f"| `LINLI_{name.upper()}` |")]
    assert field.description and field.description in line
