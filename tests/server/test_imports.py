"""A worker at rest does not hold the memory of libraries that few requests need."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = re.compile(
    r"^(?:import|from) (alembic|datafusion|deltalake|numpy|pyarrow|reportlab|xlsxwriter)\b",
    flags=re.MULTILINE,
)
# What a worker imports only when it needs it, or in another process.
LATER = ("commerce/io/record/migrations/", "insight/", "server/printing/")


def test_no_module_of_a_worker_imports_a_heavy_library_at_its_top() -> None:
    found = {
        (str(path.relative_to(ROOT)), library)
        for package in ("commerce", "media", "rooms", "server")
        for path in (ROOT / package).rglob("*.py")
        if not str(path.relative_to(ROOT)).startswith(LATER)
        for library in HEAVY.findall(path.read_text())
    }
    assert found == set()
