"""A viewer of the load tester, without a target."""

import asyncio
from typing import cast

import uvloop

from loadtest.runner.room import Room
from loadtest.runner.viewer import Viewer


def test_what_is_due_at_once_is_done_on_uvloop_too() -> None:
    async def main() -> list[int]:
        viewer, done = Viewer(cast(Room, None), 0, seed=1), list[int]()
        for number in range(3):
            viewer.after(0.0, done.append, number)
        await asyncio.sleep(0)
        return done

    assert uvloop.run(main()) == [0, 1, 2]
