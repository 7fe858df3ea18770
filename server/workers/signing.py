"""Requests that one worker passes on to another, signed with the installation's secret.

    linli-passed: v1 TIME WORKER HOPS CLIENT MAC

TIME is Unix milliseconds, WORKER the one that is to answer, HOPS how often the request was passed
on, CLIENT the address of the client. MAC is HMAC-SHA256 over these, the method, the target and the
SHA-256 of the body. A request that was overheard is of use for `WINDOW_S`, and for itself only.
"""

import hashlib
import hmac
from dataclasses import dataclass

from server.worker import WORKER_ID

HEADER = b"linli-passed"
WINDOW_S = 10.0
HOPS_MAX = 2
"""To the other node, and there to the worker."""
_VERSION = "v1"


@dataclass(frozen=True, slots=True)
class Passed:
    """What a signed request says of itself."""

    at_ms: int
    worker: str
    hops: int
    client: str


class Signer:
    """Signs and checks with a key derived from the installation's secret."""

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), b"linli requests between workers", "sha256")

    def sign(self, passed: Passed, method: str, target: bytes, body: bytes) -> bytes:
        """Return the header's value."""
        text = _text(passed)
        return f"{text} {self._mac(text, method, target, body)}".encode()

    def check(
        self, value: bytes, method: str, target: bytes, body: bytes, *, at_ms: int
    ) -> Passed | None:
        """Return what a header's value says; None: it is not ours, or not of now."""
        text, _, mac = value.decode("latin-1").rpartition(" ")
        if not hmac.compare_digest(mac.encode(), self._mac(text, method, target, body).encode()):
            return None
        _, time_ms, worker, hops, client = text.split(" ")
        passed = Passed(int(time_ms), worker, int(hops), client.removeprefix("-"))
        fresh = abs(at_ms - passed.at_ms) <= WINDOW_S * 1e3
        return passed if fresh and passed.hops <= HOPS_MAX else None

    def _mac(self, text: str, method: str, target: bytes, body: bytes) -> str:
        parts = (text.encode(), method.encode(), target, hashlib.sha256(body).digest())
        return hmac.new(self._key, b"\n".join(parts), "sha256").hexdigest()


def _text(passed: Passed) -> str:
    assert WORKER_ID.fullmatch(passed.worker)
    # A client without an address is "-".
    return f"{_VERSION} {passed.at_ms} {passed.worker} {passed.hops} {passed.client or '-'}"
