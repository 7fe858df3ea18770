"""The `linli` command: run it, try it, publish into it, look after it."""

import json
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from server.access.policy import Principal, Role
from server.access.tokens import GUEST_TTL_S, HOST_TTL_S, STAFF_TTL_S, Access
from server.errors import OperatorError
from server.ops.secrets import token_secret
from server.settings import Settings

app = typer.Typer(
    help="Linli 邻里: the live-commerce server that neighbourhood shops run.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
db = typer.Typer(
    help="The record: upgrade it, load a shop into it, check it.", no_args_is_help=True
)
app.add_typer(db, name="db")

out = Console()
err = Console(stderr=True)

DEMO_TOML = Path(__file__).parents[1] / "demo.toml"


def main() -> None:
    """Run the command line; errors of the operator's are one clear line and exit code 1."""
    from server.cli.bench import bench_app

    app.add_typer(bench_app, name="bench")
    try:
        app()
    except OperatorError as error:
        err.print(f"[red]linli:[/] {error}", highlight=False)
        sys.exit(1)
    except ValidationError as error:
        for problem in error.errors():
            name = "LINLI_" + "_".join(str(part) for part in problem["loc"]).upper()
            err.print(f"[red]linli:[/] {name}: {problem['msg']}", highlight=False)
        sys.exit(1)


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run `main` on uvloop; Ctrl-C ends quietly."""
    try:
        uvloop.run(main)
    except KeyboardInterrupt:
        sys.exit(130)


@app.command()
def serve(
    port: Annotated[int | None, typer.Option(help="TCP port; default LINLI_PORT or 8080.")] = None,
) -> None:
    """Run the server: HTTP, WebSocket, WebRTC, orders."""
    from server.run import serve as serve_forever

    settings = Settings() if port is None else Settings(port=port)
    run(serve_forever(settings))


@app.command()
def demo(
    host: Annotated[
        bool, typer.Option("--host/--no-host", help="Start the demo's own host.")
    ] = True,
    neighbours: Annotated[
        bool, typer.Option("--neighbours/--no-neighbours", help="Let demo neighbours chat and buy.")
    ] = True,
) -> None:
    """Run the server with the demo shop, live at once, and print the addresses."""
    from server.cli.demo import demo as run_demo

    run(run_demo(Settings(), DEMO_TOML, host=host, neighbours=neighbours))


@app.command()
def publish(
    to: Annotated[str, typer.Option(help="WHIP URL, e.g. http://127.0.0.1:8080/live/demo/whip")],
    clip: Annotated[
        Path | None, typer.Argument(help="Media file, played in a loop. None: a generated picture.")
    ] = None,
    token: Annotated[str, typer.Option(help="Bearer token.", envvar="LINLI_PUBLISH_TOKEN")] = "",
    copy: Annotated[
        bool, typer.Option("--copy", help="Pass H.264 through instead of encoding it again.")
    ] = False,
) -> None:
    """Publish a clip or a generated picture with a running clock, as a WHIP host."""
    from loadtest.actors.publish import publish_command

    sys.exit(publish_command(to, token, clip, copy=copy))


@app.command()
def neighbours(
    to: Annotated[str, typer.Option(help="Base URL, e.g. http://127.0.0.1:8080")],
    room: Annotated[str, typer.Option(help="Room to visit.")] = "demo",
    per_minute: Annotated[float, typer.Option(help="What all of them do in a minute.")] = 20.0,
    limit: Annotated[int, typer.Option(help="How many come.")] = 60,
    opening: Annotated[
        int, typer.Option(help="Fill the first group on the table to this many, before all else.")
    ] = 0,
) -> None:
    """Let simulated neighbours chat, like and join groups, as the demo does."""
    from loadtest.actors.first_orders import fill_first_group
    from loadtest.actors.neighbours import neighbours_command

    if opening:
        run(fill_first_group(to, room, opening))
    sys.exit(neighbours_command(to, room, per_minute=per_minute, limit=limit))


@app.command()
def token(
    role: Annotated[Role, typer.Option(help="What the owner may be.")],
    room: Annotated[str, typer.Option(help="Room of a host.")] = "",
    store: Annotated[str, typer.Option(help="Store of a clerk.")] = "",
    hours: Annotated[float | None, typer.Option(help="Time to live; default by role.")] = None,
) -> None:
    """Print a bearer token, signed with this installation's secret."""
    settings = Settings()
    needs_room, needs_store = role is Role.HOST, role is Role.STORE
    if needs_room and not room:
        raise OperatorError("a host needs --room")
    if needs_store and not store:
        raise OperatorError("a store role needs --store")
    default_s = {Role.HOST: HOST_TTL_S, Role.MEMBER: GUEST_TTL_S}.get(role, STAFF_TTL_S)
    ttl_s = default_s if hours is None else int(hours * 3_600)
    principal = Principal(f"token:{role}", frozenset({role}), room_id=room, store_id=store)
    print(Access(token_secret(settings)).issue(principal, ttl_s))


@db.command("upgrade")
def db_upgrade() -> None:
    """Bring the record to the newest schema (the server does this at start, too)."""
    from server.ops.maintenance import upgrade

    run(upgrade(Settings()))
    out.print("The record has the newest schema.")


@db.command("load")
def db_load(
    file: Annotated[Path, typer.Argument(help="A shop file; server/demo.toml is an example.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the staff's password from stdin.")
    ] = False,
) -> None:
    """Load brand, estates, stores, rooms, staff and products from a TOML file."""
    from server.ops.maintenance import load

    password = sys.stdin.readline().rstrip("\n") if password_stdin else ""
    if not password_stdin:
        password = typer.prompt("Password for the staff in the file", hide_input=True)
    run(load(Settings(), file, password))
    out.print(f"Loaded {file}.")


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Say what is wrong with this set-up: pages, disk, Redis, invariants of the record."""
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
