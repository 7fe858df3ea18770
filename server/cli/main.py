"""The `linli` command: run it, try it, publish into it, look after it. One module per command."""

import importlib.metadata
import io
import os
import sys
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.markup import escape

from server.cli.console import err
from server.cli.db import db_app
from server.cli.demo import demo
from server.cli.doctor import doctor
from server.cli.drain import drain
from server.cli.lake import lake_app
from server.cli.neighbours import neighbours
from server.cli.plan import plan
from server.cli.pos import pos
from server.cli.publish import publish
from server.cli.serve import serve
from server.cli.staff import staff_app
from server.cli.token import token
from server.cli.top import top
from server.errors import OperatorError

app = typer.Typer(
    help="Linli 邻里: the live-commerce server that neighbourhood shops run.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (serve, demo, publish, neighbours, token, doctor, plan, pos, top, drain):
    app.command()(command)
app.add_typer(db_app, name="db")
app.add_typer(lake_app, name="lake")
app.add_typer(staff_app, name="staff")


def main() -> None:
    """Run the command line; errors of the operator's are one clear line and exit code 1."""
    from server.cli.bench import bench_app
    from server.cli.loadtest import loadtest_app

    app.add_typer(bench_app, name="bench")
    app.add_typer(loadtest_app, name="loadtest")
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show 邻里 must not end a start.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # What we write is for its owner: orders, names, secrets. Children inherit it.
    os.umask(0o077)
    try:
        app()
    except OperatorError as error:
        complain(str(error))
        sys.exit(1)
    except ValidationError as error:
        for problem in error.errors():
            name = "LINLI_" + "_".join(str(part) for part in problem["loc"]).upper()
            complain(f"{name}: {problem['msg'].removeprefix('Value error, ')}")
        sys.exit(1)


def complain(text: str) -> None:
    """Print one line about what the operator can put right."""
    err.print(f"[red]linli:[/] {escape(text)}", highlight=False, soft_wrap=True)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"linli {importlib.metadata.version('linli')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Linli 邻里: the live-commerce server that neighbourhood shops run."""
