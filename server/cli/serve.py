"""`linli serve`: the server."""

from typing import Annotated

import typer

from server.cli.console import run
from server.settings import Settings


def serve(
    port: Annotated[int | None, typer.Option(help="TCP port; default LINLI_PORT or 8080.")] = None,
    workers: Annotated[
        str | None,
        typer.Option(help="How many workers; default LINLI_WORKERS or auto."),
    ] = None,
    roles: Annotated[
        str | None, typer.Option(help="What it does, comma separated; default LINLI_ROLES.")
    ] = None,
) -> None:
    """Run the server: HTTP, WebSocket, WebRTC, orders."""
    from server.node import serve_node
    from server.ops.timers import AlignedLoop

    given = {"port": port, "workers": workers, "roles": roles}
    settings = Settings.model_validate({k: v for k, v in given.items() if v is not None})
    run(serve_node(settings), AlignedLoop)
