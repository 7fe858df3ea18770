"""The numbers of migrations: two branches that both take the next one break every start."""

import re
from pathlib import Path

VERSIONS = Path(__file__).parents[2] / "commerce/io/record/migrations/versions"
NUMBER = re.compile(r'^(revision|down_revision) = (?:"(\d{4})"|None)$', re.M)


def test_migrations_follow_each_other_one_by_one() -> None:
    files = sorted(VERSIONS.glob("[0-9]*.py"))
    found = [dict(NUMBER.findall(path.read_text("utf-8"))) for path in files]
    numbers = [path.name[:4] for path in files]
    assert [each["revision"] for each in found] == numbers
    assert [each["down_revision"] for each in found] == ["", *numbers[:-1]]
    assert len(set(numbers)) == len(numbers)
