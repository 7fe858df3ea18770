"""How long facts took into the lake: from when they happened to the commit that has them."""

import json
from bisect import bisect_left
from pathlib import Path

from insight.io.lake import Lake
from insight.tables import FACTS


def lags_ms(lake: Lake, source: str) -> list[int]:
    """Return the lag of each fact of a source in a lake that is a folder, the smallest first."""
    commits = []
    for file in sorted(Path(lake.uri(FACTS), "_delta_log").glob("*.json")):
        actions = [json.loads(line) for line in file.read_text().splitlines()]
        [at_ms] = [each["commitInfo"]["timestamp"] for each in actions if "commitInfo" in each]
        commits += [
            (each["txn"]["version"], at_ms)
            for each in actions
            if "txn" in each and each["txn"]["appId"] == source
        ]
    last = [version for version, _ in commits]
    rows = lake.sql(
        "SELECT sequence, CAST(date_part('epoch', occurred_at) * 1000 AS BIGINT) FROM facts "
        f"WHERE source = '{source}'",
        None,
    )[1]
    return sorted(commits[bisect_left(last, sequence)][1] - at_ms for sequence, at_ms in rows)
