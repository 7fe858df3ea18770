"""A run of `linli loadtest` in a process of its own, and what its report finds wrong."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any


async def loadtest(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Run it to its end; return its exit code and its report."""
    report = folder / "report.json"
    command = (sys.executable, "-m", "server", "loadtest", *arguments, "-q", "--json", str(report))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    print((await process.communicate())[0].decode())
    return process.returncode or 0, json.loads(report.read_bytes())


def wrong(report: dict[str, Any]) -> list[str]:
    """What is no matter of speed, which a busy machine lacks."""
    return [
        one["threshold"]
        for one in report["thresholds"]
        if one["holds"] is not True and "_ms" not in one["threshold"]
    ]
