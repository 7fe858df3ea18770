"""What the three played providers share."""

from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from server.sandbox.book import Book, Refund, Trade
from server.sandbox.faults import Faults
from server.sandbox.keys import Keys
from server.sandbox.notices import Notice, Notices


@dataclass(frozen=True)
class Desk:
    """What a played provider works with. `url` is the sandbox's own address."""

    book: Book
    notices: Notices
    faults: Faults
    keys: Keys
    url: str

    def page(self, trade: Trade) -> str:
        """Return the address of a trade's pay page."""
        return f"{self.url}/pay/{trade.token}"


class Played(Protocol):
    """A provider that the sandbox plays."""

    name: str

    def answer(self, request: Request, body: bytes, now_ms: int) -> Response:
        """Answer a genuine or other call."""
        ...

    def too_many(self) -> Response:
        """The answer to a call too many."""
        ...

    def error(self) -> Response:
        """The answer when something breaks."""
        ...

    def notice(self, trade: Trade) -> Notice | None:
        """What is reported of a trade that has ended."""
        ...

    def refund_notice(self, trade: Trade, refund: Refund) -> Notice | None:
        """What is reported of a refund that has ended."""
        ...
