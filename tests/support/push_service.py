"""A push service on loopback whose one browser decrypts what comes (RFC 8291)."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import http_ece
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.support.serving import serving

AUTH = b"\x22" * 16


def base64url(data: bytes) -> str:
    """As the wire has it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class PushService:
    """What was posted, and with which status the next posts are answered (201 by default)."""

    origin: str = ""
    statuses: list[int] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    claims: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    @property
    def endpoint(self) -> str:
        return f"{self.origin}/push/browser"

    @property
    def p256dh(self) -> str:
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return base64url(point)

    @property
    def auth(self) -> str:
        return base64url(AUTH)

    async def post(self, request: Request) -> Response:
        """Check the sender's token, decrypt the message, answer."""
        body = await request.body()
        scheme, _, values = request.headers["authorization"].partition(" ")
        parts = dict(part.strip().split("=", 1) for part in values.split(","))
        assert scheme == "vapid"
        point = base64.urlsafe_b64decode(parts["k"] + "=" * (-len(parts["k"]) % 4))
        sender = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        claims = jwt.decode(parts["t"], sender, algorithms=["ES256"], audience=self.origin)
        plain = http_ece.decrypt(body, private_key=self.key, auth_secret=AUTH, version="aes128gcm")
        self.claims.append(claims)
        self.headers.append(dict(request.headers))
        self.messages.append(json.loads(plain))
        return Response(status_code=self.statuses.pop(0) if self.statuses else 201)


@asynccontextmanager
async def push_service() -> AsyncIterator[PushService]:
    """Run one until the block ends."""
    service = PushService()
    app = Starlette(routes=[Route("/push/browser", service.post, methods=["POST"])])
    async with serving(app) as origin:
        service.origin = origin
        yield service
