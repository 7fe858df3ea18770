"""`linli db`: the record."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from server.cli.console import out, run
from server.settings import Settings

db_app = typer.Typer(help="The record: upgrade it, load a shop into it.", no_args_is_help=True)


@db_app.command("upgrade")
def db_upgrade() -> None:
    """Bring the record to the newest schema (the server does this at start, too)."""
    from server.ops.maintenance import upgrade

    run(upgrade(Settings()))
    out.print("The record has the newest schema.")


@db_app.command("load")
def db_load(
    file: Annotated[Path, typer.Argument(help="A shop file; server/demo.toml is an example.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the staff's password from stdin.")
    ] = False,
) -> None:
    """Load brand, estates, stores, rooms, staff and products from a TOML file."""
    from server.ops.maintenance import load
    from server.ops.shop_file import read_shop

    read_shop(file)  # nobody types a password for a file that is no shop
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else ""
    if not password_stdin:
        password = typer.prompt("Password for the staff in the file", hide_input=True)
    run(load(Settings(), file, password))
    out.print(f"Loaded {file}.")
