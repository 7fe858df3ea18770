"""Web Push: messages to browsers, encrypted for each (RFC 8291) and posted (RFC 8030).

The sender signs with its own key (VAPID, RFC 8292), by which browsers took their subscription.
"""

import base64
import json
import os
from collections.abc import Callable
from urllib.parse import urlsplit

import http_ece
import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from commerce.notices.push import PushAnswer, PushMessage, PushOutcome, Subscription

TIMEOUT_S = 8.0
TOKEN_TTL_S = 12 * 3_600  # RFC 8292 section 2: at most 24 hours
TOKEN_REUSE_S = 6 * 3_600
RETRY_AFTER_S_MAX = 3_600
SALT_BYTES = 16
_GONE = frozenset({404, 410})  # RFC 8030 section 7.3
_LATER = frozenset({408, 429})


def push_key(secret: str) -> ec.EllipticCurvePrivateKey:
    """Return the sender's key that follows from a secret: the same on every worker and node."""
    hkdf = HKDF(algorithm=SHA256(), length=48, salt=None, info=b"linli web push")
    number = int.from_bytes(hkdf.derive(secret.encode()), "big")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256
    return ec.derive_private_key(number % (order - 1) + 1, ec.SECP256R1())


class WebPush:
    """Implements `commerce.notices.push.Push`."""

    def __init__(
        self,
        key: ec.EllipticCurvePrivateKey,
        clock_s: Callable[[], int],
        *,
        contact: str = "",
    ) -> None:
        """`contact`, a mailto: or https: URL, is where push services reach the sender."""
        self._key = key
        self._clock_s = clock_s
        self._contact = contact
        self._tokens: dict[str, tuple[int, str]] = {}
        point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self._public_key = _base64url(point)

    @property
    def public_key(self) -> str:
        """See `Push.public_key`."""
        return self._public_key

    async def send(self, to: Subscription, message: PushMessage) -> PushAnswer:
        """See `Push.send`."""
        body = encrypted(to, message)
        headers = {
            "Authorization": f"vapid t={self._token(to.endpoint)}, k={self._public_key}",
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(message.ttl_s),
            "Urgency": "high",
        }
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False) as client:
                answer = await client.post(to.endpoint, content=body, headers=headers)
        except httpx.HTTPError:
            return PushAnswer(PushOutcome.LATER)
        return answer_of(answer.status_code, answer.headers.get("retry-after", ""))

    def _token(self, endpoint: str) -> str:
        """A token for the origin of an endpoint, used for some hours."""
        parts = urlsplit(endpoint)
        origin, now_s = f"{parts.scheme}://{parts.netloc}", self._clock_s()
        until_s, token = self._tokens.get(origin, (0, ""))
        if until_s <= now_s:
            claims: dict[str, object] = {"aud": origin, "exp": now_s + TOKEN_TTL_S}
            if self._contact:
                claims["sub"] = self._contact
            token = jwt.encode(claims, self._key, algorithm="ES256")
            self._tokens[origin] = (now_s + TOKEN_REUSE_S, token)
        return token


def encrypted(to: Subscription, message: PushMessage) -> bytes:
    """Return a message as its browser alone can read it; each time with a key of its own."""
    shown = {
        "title": message.title,
        "body": message.body,
        "url": message.url,
        "tag": message.tag,
    }
    body: bytes = http_ece.encrypt(
        json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode(),
        salt=os.urandom(SALT_BYTES),
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=_bytes(to.p256dh),
        auth_secret=_bytes(to.auth),
        version="aes128gcm",
    )
    return body


def answer_of(status: int, retry_after: str) -> PushAnswer:
    """Return what a push service's status means."""
    if 200 <= status < 300:
        return PushAnswer(PushOutcome.SENT)
    if status in _GONE:
        return PushAnswer(PushOutcome.GONE)
    if status in _LATER or status >= 500:
        wait_s = int(retry_after) if retry_after.isascii() and retry_after.isdigit() else 0
        return PushAnswer(PushOutcome.LATER, min(wait_s, RETRY_AFTER_S_MAX))
    return PushAnswer(PushOutcome.REFUSED)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
