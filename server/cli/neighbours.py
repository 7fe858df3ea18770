"""`linli neighbours`: simulated viewers who chat and buy."""

import sys
from typing import Annotated, Literal

import typer

from server.cli.console import run


def neighbours(
    to: Annotated[str, typer.Option(help="Base URL, e.g. http://127.0.0.1:8080")],
    room: Annotated[str, typer.Option(help="Room to visit.")] = "demo",
    per_minute: Annotated[float, typer.Option(help="What all of them do in a minute.")] = 20.0,
    limit: Annotated[int, typer.Option(help="How many come.")] = 60,
    language: Annotated[
        Literal["zh", "en"], typer.Option(help="What they chat in: the brand's.")
    ] = "zh",
    opening: Annotated[
        int, typer.Option(help="Fill the first group on the table to this many, before all else.")
    ] = 0,
) -> None:
    """Let simulated neighbours chat, like and join groups, as the demo does."""
    from loadtest.actors.first_orders import fill_first_group
    from loadtest.actors.neighbours import neighbours_command

    if opening:
        run(fill_first_group(to, room, opening))
    sys.exit(neighbours_command(to, room, per_minute=per_minute, limit=limit, language=language))
