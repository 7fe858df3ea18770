"""Who may chat in a room, what, and in which role."""

from rooms.moderation.policy import Policy, Ruling, Sanction
from rooms.rates import CHAT_CHARS_MAX
from server.access.policy import Action, Principal, Role, allowed
from server.bridge.channels.registry import is_staff
from server.ws.wire import ErrorCode


def may_not_chat(channel: str, principal: Principal) -> tuple[ErrorCode, str] | None:
    """Return why no line is taken, code and detail, or None."""
    if is_staff(channel):
        return ErrorCode.FORBIDDEN, "This channel has no chat."
    if not allowed(principal, Action.CHAT, room_id=channel.partition(":")[2]):
        if principal.anonymous:
            return ErrorCode.TOKEN_NEEDED, "Chat needs a token in hello."
        return ErrorCode.FORBIDDEN, "You may not chat here."
    return None


def text_error(text: str) -> tuple[ErrorCode, str] | None:
    """Return why the cleaned `text` is refused, code and detail, or None."""
    if not text:
        return ErrorCode.TEXT_EMPTY, "The text is empty."
    if len(text) > CHAT_CHARS_MAX:
        return ErrorCode.TEXT_TOO_LONG, f"At most {CHAT_CHARS_MAX} characters."
    return None


_RULINGS = {
    Ruling.MEMBERS_ONLY: (ErrorCode.MEMBERS_ONLY, "Only confirmed households write here now."),
    Ruling.REFUSED: (ErrorCode.TEXT_REFUSED, "A word of it is not shown here."),
    Ruling.HELD: (ErrorCode.HELD, "A moderator looks at it first."),
}


def ruling_error(ruling: Ruling, sanction: Sanction | None) -> tuple[ErrorCode, str]:
    """Return the code and the detail of a line that is not shown; of a muted one, the reason."""
    if ruling in _RULINGS:
        return _RULINGS[ruling]
    return ErrorCode.MUTED, sanction.reason if sanction is not None else ""


def chat_role(channel: str, principal: Principal, policy: Policy) -> str:
    """Return the role shown beside a line: staff's only where it is theirs."""
    if Role.ADMIN in principal.roles:
        return "moderator"
    if channel == f"room:{principal.room_id}":
        for role in (Role.HOST, Role.MODERATOR, Role.STORE):
            if role in principal.roles:
                return str(role)
    if principal.subject in policy.cohosts:
        return "host"
    return "moderator" if principal.subject in policy.moderators else "guest"
