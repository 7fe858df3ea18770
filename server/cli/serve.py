"""`linli serve`: the server."""

from typing import Annotated

import typer

from server.cli.console import run
from server.settings import Settings


def serve(
    port: Annotated[int | None, typer.Option(help="TCP port; default LINLI_PORT or 8080.")] = None,
) -> None:
    """Run the server: HTTP, WebSocket, WebRTC, orders."""
    from server.run import serve as serve_forever

    settings = Settings() if port is None else Settings(port=port)
    run(serve_forever(settings))
