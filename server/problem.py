"""Errors as RFC 9457 problem documents.

Problem            raised by routes, turned into `application/problem+json`
"""

import json
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

PROBLEM_PREFIX = "urn:linli:problem:"


class Problem(Exception):
    """A request that cannot be met, and why.

    Args:
        status: HTTP status code.
        type: Machine-readable id, kebab-case; clients switch on it.
        title: One sentence for a person.
        detail: What to do about it, or what exactly was wrong.
        headers: Extra response headers, such as Retry-After (seconds).
        extra: Further members of the document.
    """

    def __init__(
        self,
        status: int,
        type: str,
        title: str,
        detail: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        **extra: object,
    ) -> None:
        super().__init__(type)
        self.status = status
        self.type = type
        self.title = title
        self.detail = detail
        self.headers = dict(headers or {})
        self.extra = extra

    def __str__(self) -> str:
        return f"{self.status} {self.type}: {self.title}"

    def response(self) -> Response:
        """Return the problem document as an HTTP response."""
        body: dict[str, object] = {
            "type": PROBLEM_PREFIX + self.type,
            "title": self.title,
            "status": self.status,
        }
        if self.detail:
            body["detail"] = self.detail
        body.update(self.extra)
        return Response(
            json.dumps(body, ensure_ascii=False),
            status_code=self.status,
            headers=self.headers,
            media_type="application/problem+json",
        )


async def problem_handler(request: Request, error: Exception) -> Response:
    """Answer a `Problem` that a route raised."""
    assert isinstance(error, Problem)
    return error.response()


async def http_error_handler(request: Request, error: Exception) -> Response:
    """Answer Starlette's own errors (404, 405) in the same form."""
    assert isinstance(error, HTTPException)
    kind = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "http-error")
    return Problem(error.status_code, kind, error.detail, headers=error.headers).response()


async def internal_error_handler(request: Request, error: Exception) -> Response:
    """Answer a bug of ours: no details."""
    return Problem(500, "internal", "Internal server error.").response()
