"""One program in this process for all tests of a module that ask its WHIP and WHEP routes."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from server.app import Program
from tests.support.live_routes import LiveRoutes, live_program, live_routes


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def program(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Program]:
    async with live_program(tmp_path_factory.mktemp("live")) as program:
        yield program


@pytest_asyncio.fixture(loop_scope="module")
async def linli(program: Program) -> AsyncIterator[LiveRoutes]:
    """Its routes, as nobody has used them before."""
    async with live_routes(program) as routes:
        yield routes
