"""Problem documents as bytes on the wire, for requests that no route sees."""

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from server.problem import Problem


def _raw(problem: Problem) -> bytes:
    """Return a problem document as bytes on the wire, after which the connection is closed."""
    response = problem.response()
    response.headers["connection"] = "close"
    lines = [name + b": " + value for name, value in response.raw_headers]
    return STATUS_LINE[problem.status] + b"\r\n".join([*lines, b"", bytes(response.body)])


TOO_LARGE = _raw(
    Problem(
        431,
        "head-too-large",
        "The head of this request is too large.",
        "A request line may have 8 KiB, the head 32 KiB and 100 fields.",
    )
)
MALFORMED = _raw(Problem(400, "malformed", "This is not an HTTP/1.1 request."))
SLOW = _raw(Problem(408, "too-slow", "The request did not come in time."))
FULL = _raw(
    Problem(
        503,
        "full",
        "This server takes no more connections now.",
        "Please try again in a moment.",
        headers={"Retry-After": "2"},
    )
)
