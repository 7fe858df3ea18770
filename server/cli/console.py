"""What the commands share: the terminal, and the loop that runs them."""

import sys
from collections.abc import Coroutine
from typing import Any

import uvloop
from rich.console import Console

out = Console()
err = Console(stderr=True)


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run `main` on uvloop; Ctrl-C ends quietly."""
    try:
        uvloop.run(main)
    except KeyboardInterrupt:
        sys.exit(130)
