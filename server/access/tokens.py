"""Bearer tokens (RFC 6750), as signed JWTs (RFC 7519): what a principal is, for a time."""

import datetime
import time
from collections.abc import Callable, Container
from functools import lru_cache
from typing import Protocol

import jwt
from starlette.requests import Request

from server.access.devices import Devices
from server.access.policy import ANONYMOUS, Principal, Role
from server.problem import Problem

ALGORITHM = "HS256"
ISSUER = "linli"
TOKEN_CHARS_MAX = 2_048
TOKENS_KEPT_MAX = 20_000
"""Tokens whose signature need not be checked again: about 1 KiB each."""
LEEWAY_S = 60
"""How far the clocks of nodes may differ before a token that was just issued is refused."""
GUEST_TTL_S = 30 * 86_400
"""A page gets a new one, with the secret of its device, long before this one ends."""
STAFF_TTL_S = 12 * 3_600
HOST_TTL_S = 30 * 86_400


# Subjects that `linli token` and the demo make: they have no row in the record, only an end.
OPERATOR_SUBJECTS = ("token:", "demo:")
_EXPIRED = "The token has expired. Log in again."
_UNVERSIONED = frozenset({Role.VIEWER, Role.MEMBER})


class TokenVersions(Protocol):
    """Knows whose tokens were revoked."""

    def is_current(self, staff_id: str, version: int, issued_at_s: float) -> bool:
        """Whether a token of this version still holds."""
        ...


class Access:
    """Issues and verifies tokens with one secret, the same on all workers.

    Args:
        secret: What signs the tokens.
        versions: Of the staff's tokens; without it none is revoked.
    """

    def __init__(self, secret: str, versions: TokenVersions | None = None) -> None:
        assert len(secret) >= 32, "token secret too short"
        self._secret = secret
        self._versions = versions
        # A refusal is an exception and is not kept: forged tokens push no good ones out.
        self._signed = lru_cache(TOKENS_KEPT_MAX)(self._decode)
        self._on_revoked: list[Callable[[frozenset[str]], None]] = []
        self.devices = Devices(secret)
        self.erased: Container[str] = frozenset()  # subjects who are nobody any more

    def issue(self, principal: Principal, ttl_s: int) -> str:
        """Return a signed token of `principal` that is valid for `ttl_s` seconds."""
        at = datetime.datetime.now(datetime.UTC)
        claims: dict[str, object] = {
            "iss": ISSUER,
            "sub": principal.subject,
            "iat": at,
            "exp": at + datetime.timedelta(seconds=ttl_s),
            "roles": sorted(principal.roles),
        }
        bound = {
            "room": principal.room_id,
            "store": principal.store_id,
            "estate": principal.estate_id,
            "brand": principal.brand_id,
            "estates": list(principal.estate_ids),
            "nick": principal.nickname,
            "standby": principal.standby,
            "ver": principal.version,
            "born": principal.born_at_s,
        }
        claims.update({key: value for key, value in bound.items() if value})
        return jwt.encode(claims, self._secret, ALGORITHM)

    def verify(self, token: str) -> Principal:
        """Return whom `token` names.

        Raises:
            Problem: 401 `bad-token` for a token that is malformed, forged, expired or revoked.
        """
        if len(token) > TOKEN_CHARS_MAX:
            raise _unauthorised("The token is too long.")
        principal = self._signed(token)
        if time.time() >= principal.ends_at_s + LEEWAY_S:
            raise _unauthorised(_EXPIRED)
        if not self._is_current(principal):
            raise _unauthorised("The token was revoked. Log in again.")
        return principal

    def holds(self, principal: Principal, now_s: float) -> bool:
        """Whether the token that named `principal` still does, at a UTC time in seconds."""
        return now_s < principal.ends_at_s + LEEWAY_S and self._is_current(principal)

    def on_revoked(self, listener: Callable[[frozenset[str]], None]) -> None:
        """Have `listener` called with the subjects some of whose tokens were revoked."""
        self._on_revoked.append(listener)

    def revoked(self, subjects: frozenset[str]) -> None:
        """Close what was opened with a token of `subjects` that holds no more."""
        for listener in self._on_revoked:
            listener(subjects)

    def _is_current(self, principal: Principal) -> bool:
        if principal.subject in self.erased:
            return False
        if (
            self._versions is None
            or principal.roles <= _UNVERSIONED
            or principal.subject.startswith(OPERATOR_SUBJECTS)
        ):
            return True
        return self._versions.is_current(
            principal.subject, principal.version, principal.issued_at_s
        )

    def _decode(self, token: str) -> Principal:
        if token[:7].lower() == "bearer ":
            raise _unauthorised("`Bearer` is part of it: give the token alone.")
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                leeway=LEEWAY_S,
                options={"require": ["exp", "sub", "roles"]},
            )
            roles = frozenset(Role(role) for role in claims["roles"])
            return Principal(
                subject=str(claims["sub"]),
                roles=roles,
                room_id=str(claims.get("room", "")),
                store_id=str(claims.get("store", "")),
                estate_id=str(claims.get("estate", "")),
                brand_id=str(claims.get("brand", "")),
                estate_ids=tuple(str(id) for id in claims.get("estates", ())),
                nickname=str(claims.get("nick", "")),
                standby=claims.get("standby") is True,
                version=int(claims.get("ver", 0)),
                issued_at_s=float(claims.get("iat", 0)),
                ends_at_s=float(claims["exp"]),
                born_at_s=float(claims.get("born", claims.get("iat", 0))),
            )
        except jwt.ExpiredSignatureError:
            raise _unauthorised(_EXPIRED) from None
        except (jwt.PyJWTError, ValueError, TypeError):
            raise _unauthorised("The token is not one of ours.") from None

    def principal(self, request: Request) -> Principal:
        """Return who sent `request`; without a token, an anonymous viewer.

        Raises:
            Problem: 401 `bad-token`.
        """
        header = request.headers.get("authorization")
        if header is None:
            return ANONYMOUS
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise _unauthorised("Send `Authorization: Bearer <token>`.")
        return self.verify(token.strip())


def _unauthorised(detail: str) -> Problem:
    return Problem(
        401,
        "bad-token",
        "Invalid token.",
        detail,
        headers={"WWW-Authenticate": 'Bearer realm="linli", error="invalid_token"'},
    )
