"""Who may do what: roles, actions, and every access decision.

No other module decides access; routes call `Access.principal` (tokens.py) and then `require`.
"""

import math
from dataclasses import dataclass, field
from enum import StrEnum

from server.problem import Problem


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
    EDIT_REPLAY = "edit-replay"
    FULFIL = "fulfil"
    KEEP_STOCK = "keep-stock"
    MANAGE_BRAND = "manage-brand"


@dataclass(frozen=True, slots=True)
class Principal:
    """The person or program behind a request, and the room, store, estate and brand of its roles.

    An empty id binds the roles to nothing. `standby` marks a host that steps aside for any other
    host (the demo's own). `version`, and the times in UTC seconds, are those of the token.
    """

    subject: str
    roles: frozenset[Role]
    room_id: str = ""
    store_id: str = ""
    estate_id: str = ""
    brand_id: str = ""
    nickname: str = ""
    standby: bool = False
    version: int = 0
    issued_at_s: float = field(default=0.0, compare=False)
    ends_at_s: float = field(default=math.inf, compare=False)

    @property
    def anonymous(self) -> bool:
        """Nobody in particular: may watch and read."""
        return not self.subject


ANONYMOUS = Principal(subject="", roles=frozenset({Role.VIEWER}))

_ROOM_STAFF = frozenset({Role.HOST})
_STORE_STAFF = frozenset({Role.STORE})
_HEAD_OFFICE = frozenset({Role.HQ})


def allowed(
    principal: Principal,
    action: Action,
    *,
    room_id: str = "",
    store_id: str = "",
    brand_id: str = "",
) -> bool:
    """Decide: may `principal` do `action` in this room, store or brand?"""
    if Role.ADMIN in principal.roles:
        return True
    match action:
        case Action.WATCH:
            return True
        case Action.CHAT:
            return not principal.anonymous
        case Action.ORDER:
            return not principal.anonymous and bool(principal.estate_id)
        case Action.PUBLISH | Action.PIN | Action.END_LIVE | Action.EDIT_REPLAY:
            return bool(_ROOM_STAFF & principal.roles) and principal.room_id == room_id != ""
        case Action.FULFIL | Action.KEEP_STOCK:
            return bool(_STORE_STAFF & principal.roles) and principal.store_id == store_id != ""
        case Action.MANAGE_BRAND:
            return bool(_HEAD_OFFICE & principal.roles) and principal.brand_id == brand_id != ""


def require(
    principal: Principal,
    action: Action,
    *,
    room_id: str = "",
    store_id: str = "",
    brand_id: str = "",
) -> None:
    """Raise unless `principal` may do `action`.

    Raises:
        Problem: 401 `token-needed` for somebody unknown, 403 `forbidden` for somebody known.
    """
    if allowed(principal, action, room_id=room_id, store_id=store_id, brand_id=brand_id):
        return
    if principal.anonymous:
        raise Problem(
            401,
            "token-needed",
            "Authentication required.",
            headers={"WWW-Authenticate": 'Bearer realm="linli"'},
        )
    raise Problem(403, "forbidden", "Forbidden.", action=str(action))
