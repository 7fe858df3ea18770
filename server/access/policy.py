"""Who may do what: roles, actions, and every access decision.

No other module decides access; routes call `Access.principal` (tokens.py) and then `require`.
"""

import math
from collections.abc import Container
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
    REHEARSE = "rehearse"
    CHAT = "chat"
    ORDER = "order"
    PUBLISH = "publish"
    PIN = "pin"
    END_LIVE = "end-live"
    EDIT_REPLAY = "edit-replay"
    FULFIL = "fulfil"
    KEEP_STOCK = "keep-stock"
    LEAD = "lead"
    MANAGE_BRAND = "manage-brand"
    MODERATE = "moderate"
    COHOST = "cohost"


@dataclass(frozen=True, slots=True)
class Principal:
    """The person or program behind a request, and the room, store, estate and brand of its roles.

    An empty id binds the roles to nothing. `estate_ids` are those that a leader leads. `standby`
    marks a host that steps aside for any other host (the demo's own). `version`, and the times in
    UTC seconds, are those of the token; `born_at_s` is when a guest was made, with the first one.
    """

    subject: str
    roles: frozenset[Role]
    room_id: str = ""
    store_id: str = ""
    estate_id: str = ""
    brand_id: str = ""
    estate_ids: tuple[str, ...] = ()
    nickname: str = ""
    standby: bool = False
    version: int = 0
    issued_at_s: float = field(default=0.0, compare=False)
    ends_at_s: float = field(default=math.inf, compare=False)
    born_at_s: float = field(default=0.0, compare=False)

    @property
    def anonymous(self) -> bool:
        """Nobody in particular: may watch and read."""
        return not self.subject


ANONYMOUS = Principal(subject="", roles=frozenset({Role.VIEWER}))

_ROOM_STAFF = frozenset({Role.HOST})
_MODERATORS = frozenset({Role.HOST, Role.MODERATOR})
_STORE_STAFF = frozenset({Role.STORE})
_HEAD_OFFICE = frozenset({Role.HQ})
_STAFF = frozenset({Role.HOST, Role.MODERATOR, Role.STORE, Role.HQ})
_LEADERS = frozenset({Role.LEADER})
LED_ESTATES_MAX = 12
"""They all stand in the token, which is short."""


def allowed(
    principal: Principal,
    action: Action,
    *,
    room_id: str = "",
    store_id: str = "",
    estate_id: str = "",
    brand_id: str = "",
    moderators: Container[str] = (),
    cohosts: Container[str] = (),
) -> bool:
    """Decide: may `principal` do `action` in this room, store, estate or brand?

    `moderators` and `cohosts` are the subjects whom the host of the room has made so; where a
    co-host may not do what the host does, none are given.
    """
    if Role.ADMIN in principal.roles:
        return True
    match action:
        case Action.WATCH:
            return True
        case Action.REHEARSE:
            own = bool(_MODERATORS & principal.roles) and principal.room_id == room_id != ""
            return own or (bool(_STAFF & principal.roles) and principal.brand_id == brand_id != "")
        case Action.CHAT:
            return not principal.anonymous
        case Action.ORDER:
            return not principal.anonymous and bool(principal.estate_id)
        case Action.PUBLISH | Action.END_LIVE | Action.EDIT_REPLAY:
            return _hosts(principal, room_id)
        case Action.PIN:
            return _hosts(principal, room_id) or (
                not principal.anonymous and principal.subject in cohosts
            )
        case Action.COHOST:
            colleague = bool(_STAFF & principal.roles) and principal.brand_id == brand_id != ""
            return colleague and not _hosts(principal, room_id)
        case Action.MODERATE:
            own = bool(_MODERATORS & principal.roles) and principal.room_id == room_id != ""
            return own or (not principal.anonymous and principal.subject in moderators)
        case Action.FULFIL | Action.KEEP_STOCK:
            return bool(_STORE_STAFF & principal.roles) and principal.store_id == store_id != ""
        case Action.LEAD:
            return bool(_LEADERS & principal.roles) and estate_id in principal.estate_ids
        case Action.MANAGE_BRAND:
            return bool(_HEAD_OFFICE & principal.roles) and principal.brand_id == brand_id != ""


def require(
    principal: Principal,
    action: Action,
    *,
    room_id: str = "",
    store_id: str = "",
    estate_id: str = "",
    brand_id: str = "",
    moderators: Container[str] = (),
    cohosts: Container[str] = (),
) -> None:
    """Raise unless `principal` may do `action`.

    Raises:
        Problem: 401 `token-needed` for somebody unknown, 403 `forbidden` for somebody known.
    """
    if allowed(
        principal,
        action,
        room_id=room_id,
        store_id=store_id,
        estate_id=estate_id,
        brand_id=brand_id,
        moderators=moderators,
        cohosts=cohosts,
    ):
        return
    if principal.anonymous:
        raise Problem(
            401,
            "token-needed",
            "Authentication required.",
            headers={"WWW-Authenticate": 'Bearer realm="linli"'},
        )
    raise Problem(403, "forbidden", "Forbidden.", action=str(action))


def _hosts(principal: Principal, room_id: str) -> bool:
    return bool(_ROOM_STAFF & principal.roles) and principal.room_id == room_id != ""
