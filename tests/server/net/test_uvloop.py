"""The same on uvloop, the loop of production, whose transports are not asyncio's."""

from collections.abc import Awaitable, Callable

import pytest
import uvloop

from tests.server.net import test_protocol as on_asyncio

STORIES: list[Callable[[], Awaitable[None]]] = [
    on_asyncio.test_a_head_without_end_costs_no_more_than_its_first_part,
    on_asyncio.test_pipelined_requests_are_answered_one_at_a_time_and_in_order,
    on_asyncio.test_pipelined_requests_that_nobody_reads_stay_in_the_kernel,
    on_asyncio.test_requests_with_bodies_share_a_connection,
    on_asyncio.test_a_route_learns_that_its_client_was_too_slow,
    on_asyncio.test_an_answer_that_nobody_reads_ends_the_connection,
    on_asyncio.test_a_full_server_says_so_and_an_idle_connection_gives_way,
]


@pytest.mark.parametrize("number", range(len(STORIES)))
def test_a_limit_holds_on_uvloop(number: int) -> None:
    async def story() -> None:
        await STORIES[number]()

    uvloop.run(story())
