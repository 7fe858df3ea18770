"""Errors of clients of a server.

LoadError
├── ClipError       a media file cannot be published as asked
├── RequestRefused  the server answered 4xx: not allowed, or no such address
├── TryLater        the server is busy, or another host is on air
├── TakenOver       another host publishes in our place
└── NoAnswer        no server, or its answer was not understood
"""


class LoadError(Exception):
    """An outside party could not do its part."""


class ClipError(LoadError):
    """The file cannot be published; the text has the reason and a remedy."""


class RequestRefused(LoadError):
    """The server answered 4xx: trying again would change nothing."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = detail

    def __str__(self) -> str:
        return f"the server refused ({self.status}): {self.detail}"


class TakenOver(LoadError):
    """Our session is over, another host publishes: coming back would only end its session."""

    def __str__(self) -> str:
        return "another host has taken over this live; start again to take it back"


class TryLater(LoadError):
    """The server answered 409, 429 or 503."""

    def __init__(self, status: int, detail: str, retry_after_s: float | None) -> None:
        super().__init__(status, detail, retry_after_s)
        self.status = status
        self.detail = detail
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return f"the server asks to wait ({self.status}): {self.detail}"


class NoAnswer(LoadError):
    """There is no server there, or it broke down."""


def first_of(group: ExceptionGroup) -> LoadError | None:
    """Return the first LoadError in `group`, however deep task groups are nested; None if none."""
    for error in group.exceptions:
        found = first_of(error) if isinstance(error, ExceptionGroup) else error
        if isinstance(found, LoadError):
            return found
    return None
