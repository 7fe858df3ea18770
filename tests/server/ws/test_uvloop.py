"""The same stories on uvloop, the loop of production, whose transports are not asyncio's."""

from collections.abc import Awaitable, Callable

import pytest
import uvloop

from server.ws.wire import JSON, MSGPACK
from tests.server.ws import test_connection, test_limits
from tests.support.room_hubs import Server, memory_hub, serving

Story = Callable[[Server], Awaitable[None]]

STORIES: list[Story] = [
    lambda server: test_connection.test_events_arrive_numbered_and_stamped(server, MSGPACK),
    lambda server: test_connection.test_chat_goes_to_everybody_and_is_acknowledged(server, JSON),
    test_connection.test_one_who_returns_gets_exactly_what_was_missed,
    test_connection.test_nothing_is_left_of_who_has_left,
    test_connection.test_http_shares_the_port,
    test_limits.test_a_flood_ends_it,
    test_limits.test_what_was_said_just_before_a_close_is_heard,
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
            told(lambda server: test_limits.test_a_viewer_who_stays_behind_is_closed(server, patch))
        )
