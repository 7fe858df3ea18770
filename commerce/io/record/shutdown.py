"""Orderly shutdown: when a loop that runs until cancelled has to end."""

import asyncio


def stopping() -> bool:
    """Whether the current task was cancelled, even if a library swallowed the cancellation.

    On Python 3.11 `asyncio.wait_for`, with which redis-py sends commands, returns normally when the
    cancellation comes together with the result (CPython issue 86296). A loop that checks
    this before every round ends anyway.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def end_if_stopping() -> None:
    """Raise the cancellation that a library swallowed: for a loop that others wait for."""
    if stopping():
        raise asyncio.CancelledError
