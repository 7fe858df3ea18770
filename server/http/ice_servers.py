"""STUN and TURN servers for viewers and hosts behind closed networks, as `Link` headers.

The form is RFC 9725 section 4.6's; the credentials are coturn's time-limited ones (its
`use-auth-secret`): the user name begins with the time of expiry, the password is its HMAC.
"""

import base64
import hmac
from collections.abc import Sequence

CREDENTIAL_TTL_S = 6 * 3_600  # longer than a live


def links(urls: Sequence[str], secret: str, *, now_s: float) -> list[str]:
    """Return the values of `Link` headers for `urls` (RFC 7064, RFC 7065)."""
    return [_link(url, secret, int(now_s) + CREDENTIAL_TTL_S) for url in urls]


def _link(url: str, secret: str, expires_s: int) -> str:
    link = f'<{url}>; rel="ice-server"'
    if not url.startswith(("turn:", "turns:")):
        return link
    name = f"{expires_s}:linli"
    digest = hmac.digest(secret.encode(), name.encode(), "sha1")
    password = base64.b64encode(digest).decode()
    return f'{link}; username="{name}"; credential="{password}"; credential-type="password"'
