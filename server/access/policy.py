"""Who may do what: bearer tokens (RFC 6750, JWT RFC 7519), roles, and every access decision.

No other module decides access; routes call `Access.principal` and then `require`.
"""

import datetime
from dataclasses import dataclass
from enum import StrEnum

import jwt
from starlette.requests import Request

from server.problem import Problem

ALGORITHM = "HS256"
ISSUER = "linli"
TOKEN_CHARS_MAX = 2_048
GUEST_TTL_S = 180 * 86_400
STAFF_TTL_S = 12 * 3_600
HOST_TTL_S = 30 * 86_400


class Role(StrEnum):
    """What a token's owner is."""

    VIEWER = "viewer"
    MEMBER = "member"
    HOST = "host"
    MODERATOR = "moderator"
    STORE = "store"
    LEADER = "leader"
    HQ = "hq"
    ADMIN = "admin"


class Action(StrEnum):
    """What somebody wants to do."""

    WATCH = "watch"
    CHAT = "chat"
    ORDER = "order"
    PUBLISH = "publish"
    PIN = "pin"
    END_LIVE = "end-live"
    FULFIL = "fulfil"


@dataclass(frozen=True, slots=True)
class Principal:
    """The person or program behind a request.

    An empty id in `room_id`, `store_id` or `brand_id` binds the roles to nothing. `standby` marks a
    host that steps aside for any other host (the demo's own).
    """

    subject: str
    roles: frozenset[Role]
    room_id: str = ""
    store_id: str = ""
    estate_id: str = ""
    brand_id: str = ""
    nickname: str = ""
    standby: bool = False

    @property
    def anonymous(self) -> bool:
        """Nobody in particular: may watch and read."""
        return not self.subject


ANONYMOUS = Principal(subject="", roles=frozenset({Role.VIEWER}))

_ROOM_STAFF = frozenset({Role.HOST})
_STORE_STAFF = frozenset({Role.STORE})


class Access:
    """Issues and verifies tokens with one secret, the same on all nodes."""

    def __init__(self, secret: str) -> None:
        assert len(secret) >= 32, "token secret too short"
        self._secret = secret

    def issue(self, principal: Principal, ttl_s: int) -> str:
        """Return a signed token that says who `principal` is for `ttl_s` seconds."""
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
            "nick": principal.nickname,
            "standby": principal.standby,
        }
        claims.update({key: value for key, value in bound.items() if value})
        return jwt.encode(claims, self._secret, ALGORITHM)

    def verify(self, token: str) -> Principal:
        """Return whom `token` names.

        Raises:
            Problem: 401 `bad-token` for a token that is malformed, forged or expired.
        """
        if len(token) > TOKEN_CHARS_MAX:
            raise _unauthorised("The token is too long.")
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
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
                nickname=str(claims.get("nick", "")),
                standby=claims.get("standby") is True,
            )
        except jwt.ExpiredSignatureError:
            raise _unauthorised("The token has expired. Log in again.") from None
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


def allowed(principal: Principal, action: Action, *, room_id: str = "", store_id: str = "") -> bool:
    """Decide: may `principal` do `action` in this room or store?"""
    if Role.ADMIN in principal.roles:
        return True
    match action:
        case Action.WATCH:
            return True
        case Action.CHAT:
            return not principal.anonymous
        case Action.ORDER:
            return not principal.anonymous and bool(principal.estate_id)
        case Action.PUBLISH | Action.PIN | Action.END_LIVE:
            return bool(_ROOM_STAFF & principal.roles) and principal.room_id == room_id != ""
        case Action.FULFIL:
            return bool(_STORE_STAFF & principal.roles) and principal.store_id == store_id != ""


def require(principal: Principal, action: Action, *, room_id: str = "", store_id: str = "") -> None:
    """Raise unless `principal` may do `action`.

    Raises:
        Problem: 401 `token-needed` for somebody unknown, 403 `forbidden` for somebody known.
    """
    if allowed(principal, action, room_id=room_id, store_id=store_id):
        return
    if principal.anonymous:
        raise Problem(
            401,
            "token-needed",
            "Please say who you are first.",
            headers={"WWW-Authenticate": 'Bearer realm="linli"'},
        )
    raise Problem(403, "forbidden", "This is not yours to do.", action=str(action))


def _unauthorised(detail: str) -> Problem:
    return Problem(
        401,
        "bad-token",
        "The token was not accepted.",
        detail,
        headers={"WWW-Authenticate": 'Bearer realm="linli", error="invalid_token"'},
    )
