"""What a request gets whose route could not reach the record."""

import pytest
from httpx import ASGITransport, AsyncClient
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.problem import internal_error_handler
from server.routes import record_error_handler

LOCKED = OperationalError("INSERT", {}, Exception("database is locked"))
CLOSED = DBAPIError("SELECT", {}, Exception("reset"), connection_invalidated=True)
BUG = OperationalError("SELECT", {}, Exception("no such column: nothing"))


@pytest.mark.parametrize(
    ("error", "status", "problem"),
    [(LOCKED, 503, "try-again"), (CLOSED, 503, "try-again"), (BUG, 500, "internal")],
)
async def test_record_that_is_away_is_asked_again_and_a_bug_is_none(
    error: SQLAlchemyError, status: int, problem: str
) -> None:
    def fails(request: Request) -> Response:
        raise error

    handlers = {SQLAlchemyError: record_error_handler, Exception: internal_error_handler}
    app = Starlette(routes=[Route("/", fails)], exception_handlers=handlers)
    transport = ASGITransport(app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://linli") as client:
        answer = await client.get("/")
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:linli:problem:{problem}")
    assert ("Retry-After" in answer.headers) is (status == 503)
