"""What the commands share: the terminal, and the loop that runs them."""

import sys
from collections.abc import Callable, Coroutine
from typing import Any

import uvloop
from rich.console import Console

out = Console()
err = Console(stderr=True)


def run(
    main: Coroutine[Any, Any, None], new_loop: Callable[[], uvloop.Loop] = uvloop.new_event_loop
) -> None:
    """Run `main` on uvloop; Ctrl-C ends quietly."""
    try:
        uvloop.run(main, loop_factory=new_loop)
    except KeyboardInterrupt:
        sys.exit(130)
