"""`linli doctor`: what is wrong with this set-up."""

import json
import sys
from typing import Annotated, Any

import typer
from rich.table import Table

from server.cli.console import out, run
from server.settings import Settings


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Report what is wrong with this set-up: pages, disk, kernel, clocks, Redis, the record."""
    from server.ops.maintenance import examine

    async def main() -> None:
        results.extend(await examine(Settings()))

    results: list[Any] = []
    run(main())
    if as_json:
        print(json.dumps([result.as_dict() for result in results], ensure_ascii=False))
    else:
        table = Table("check", "result", "what to do", box=None)
        for result in results:
            table.add_row(result.name, "ok" if result.ok else "[red]bad[/]", result.advice)
        out.print(table)
    if not all(result.ok for result in results):
        sys.exit(1)
