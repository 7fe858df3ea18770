"""`linli doctor`: what is wrong with this set-up."""

import json
import sys
from typing import Annotated, Any

import typer
from rich.table import Table

from server.cli.console import out, run
from server.settings import Settings


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Report what is wrong with this set-up: pages, disk, addresses, Redis, the record."""
    from server.ops.maintenance import examine

    async def main() -> None:
        findings.extend(await examine(Settings()))

    findings: list[Any] = []
    run(main())
    if as_json:
        print(json.dumps([finding.as_dict() for finding in findings], ensure_ascii=False))
    else:
        table = Table("check", "result", "what to do", box=None)
        for finding in findings:
            table.add_row(finding.name, "ok" if finding.ok else "[red]bad[/]", finding.advice)
        out.print(table)
    if not all(finding.ok for finding in findings):
        sys.exit(1)
