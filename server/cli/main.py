"""The `linli` command: run it, try it, publish into it, look after it. One module per command."""

import importlib
import importlib.metadata
import io
import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError
from rich.markup import escape
from typer.core import TyperGroup

from server.cli.console import err
from server.errors import OperatorError
from server.ops.forks import collect_nothing_between_fork_and_exec

if TYPE_CHECKING:
    from typer._click.core import Command
    from typer._click.core import Context as ClickContext

# In the order of `linli --help`. A command is the function of its name in the module of its name,
# or an application of its own there: `brand_app`.
COMMANDS = (
    *("serve", "demo", "publish", "neighbours", "token", "doctor", "plan", "pos", "top", "drain"),
    *("brand", "books", "payments", "db", "lake", "staff", "bench", "loadtest"),
)


class Commands(TyperGroup):
    """Imports a command when it is called: all together take longer than the server's start."""

    def list_commands(self, ctx: "ClickContext") -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: "ClickContext", cmd_name: str) -> "Command | None":
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"server.cli.{cmd_name}")
        group = getattr(module, f"{cmd_name}_app", None)
        if group is not None:
            command: Command = typer.main.get_group(group)
        else:
            alone = typer.Typer(add_completion=False)
            alone.command()(getattr(module, cmd_name))
            command = typer.main.get_command(alone)
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=Commands,
    help="Linli 邻里: the live-commerce server that neighbourhood shops run.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line; errors of the operator's are one clear line and exit code 1."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show 邻里 must not end a start.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # What we write is for its owner: orders, names, secrets. Children inherit it.
    os.umask(0o077)
    collect_nothing_between_fork_and_exec()
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
