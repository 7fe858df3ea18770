"""`linli publish`: a host by WHIP or RTMP."""

import sys
from pathlib import Path
from typing import Annotated

import typer


def publish(
    to: Annotated[
        str,
        typer.Option(
            help="WHIP URL, e.g. http://127.0.0.1:8080/live/demo/whip, or rtmp://…/live/KEY",
            envvar="LINLI_PUBLISH_TO",
        ),
    ],
    clip: Annotated[
        Path | None, typer.Argument(help="Media file, played in a loop. None: a generated pattern.")
    ] = None,
    token: Annotated[str, typer.Option(help="Bearer token.", envvar="LINLI_PUBLISH_TOKEN")] = "",
    copy: Annotated[
        bool, typer.Option("--copy", help="Pass H.264 through instead of encoding it again.")
    ] = False,
) -> None:
    """Publish a clip or a generated pattern with a running clock, by WHIP or RTMP."""
    from loadtest.actors.publish import publish_command

    sys.exit(publish_command(to, token, clip, copy=copy))
