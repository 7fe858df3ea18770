"""Devices on which somebody has logged in before: a cookie that only the log-in page sends back.

It opens nothing. A try that comes with it is limited by its own device, so that strangers who guess
at an account slow themselves down and not its owner.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping

from starlette.responses import Response

PATH = "/api/login"
TTL_S = 180 * 86_400
ID_BYTES = 9


class Devices:
    """Issues and recognises device cookies with one secret, the same on all nodes."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(f"device:{secret}".encode()).digest()

    def remember(self, response: Response, username: str, *, secure: bool) -> None:
        """Have the browser keep a proof that `username` has logged in there."""
        device = secrets.token_urlsafe(ID_BYTES)
        response.set_cookie(
            _cookie(username),
            f"{device}.{self._mac(username, device)}",
            max_age=TTL_S,
            path=PATH,
            secure=secure,
            httponly=True,
            samesite="strict",
        )

    def recognise(self, cookies: Mapping[str, str], username: str) -> str:
        """Return the id of the device if `username` has logged in there, or an empty string."""
        device, _, mac = cookies.get(_cookie(username), "").partition(".")
        known = hmac.compare_digest(mac.encode(), self._mac(username, device).encode())
        return device if known else ""

    def _mac(self, username: str, device: str) -> str:
        return hmac.new(self._key, f"{username}\n{device}".encode(), hashlib.sha256).hexdigest()


def _cookie(username: str) -> str:
    """One cookie per person: a shop's tablet has several."""
    return f"linli_device_{hashlib.sha256(username.encode()).hexdigest()[:8]}"
