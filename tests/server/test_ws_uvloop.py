"""The same stories on uvloop, the loop of production, whose transports are not asyncio's."""

from collections.abc import Awaitable, Callable

import pytest
import uvloop

from server.wire import JSON, MSGPACK
from tests.rooms.live import Server, memory_hub, serving
from tests.server import test_ws, test_ws_limits

Story = Callable[[Server], Awaitable[None]]

STORIES: list[Story] = [
    lambda server: test_ws.test_events_arrive_numbered_and_stamped(server, MSGPACK),
    lambda server: test_ws.test_chat_goes_to_everybody_and_is_acknowledged(server, JSON),
    test_ws.test_one_who_returns_gets_exactly_what_was_missed,
    test_ws.test_nothing_is_left_of_who_has_left,
    test_ws.test_http_shares_the_port,
    test_ws_limits.test_a_flood_ends_it,
    test_ws_limits.test_what_was_said_just_before_a_close_is_heard,
]


async def told(story: Story) -> None:
    async with memory_hub() as hub, serving(hub) as server:
        await story(server)


@pytest.mark.parametrize("number", range(len(STORIES)))
def test_a_story_holds_on_uvloop(number: int) -> None:
    uvloop.run(told(STORIES[number]))


def test_a_slow_viewer_is_noticed_on_uvloop() -> None:
    with pytest.MonkeyPatch.context() as patch:
        uvloop.run(
            told(
                lambda server: test_ws_limits.test_a_viewer_who_stays_behind_is_closed(
                    server, patch
                )
            )
        )
