"""HTTP calls to a payment provider, over connections that are kept."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import httpx
import msgspec

from commerce.money.providers import Unreachable

TIMEOUT_S = 10.0
CONNECTIONS_MAX = 32
ANSWER_BYTES_MAX = 1 << 20

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider answered; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def read(self, shape: type[T]) -> T:
        """Return the body, JSON of a shape.

        Raises:
            Unreachable: It is something else.
        """
        with readable():
            return msgspec.json.decode(self.body, type=shape)


@contextlib.contextmanager
def readable() -> Iterator[None]:
    """Turn the ValueError of what an answer says into Unreachable."""
    try:
        yield
    except (ValueError, msgspec.MsgspecError):
        raise Unreachable("the answer cannot be read") from None


class Calls:
    """Calls to one provider. `aclose` ends its connections."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._client: httpx.AsyncClient | None = None

    async def send(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Answer:
        """Send one call.

        Raises:
            Unreachable: No answer in time, a 5xx, or too many calls.
        """
        if self._client is None:  # a client takes milliseconds to make: most workers need none
            limits = httpx.Limits(max_connections=CONNECTIONS_MAX)
            self._client = httpx.AsyncClient(timeout=TIMEOUT_S, limits=limits)
        content = body or None
        try:
            async with self._client.stream(
                method, self.url + target, headers=dict(headers), content=content
            ) as response:
                answer = b""
                async for part in response.aiter_bytes():
                    answer += part
                    if len(answer) > ANSWER_BYTES_MAX:
                        raise Unreachable("the answer is too large")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unreachable(type(error).__name__) from None
        if response.status_code == 429 or response.status_code >= 500:
            raise Unreachable(f"status {response.status_code}")
        found = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, found, answer)

    async def aclose(self) -> None:
        """End the connections; a call after it opens new ones."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.aclose()
