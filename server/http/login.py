"""What a log-in gives: a token, and who it is for."""

from commerce.catalogue.values import Staff
from server.access.policy import Principal, Role
from server.access.tokens import STAFF_TTL_S, Access


def log_in(access: Access, staff: Staff, *, totp_needed: bool = False) -> dict[str, object]:
    """Return the body of an answer with a token.

    Where the brand needs an authenticator that somebody does not have yet, the token lacks the
    role of the head office: it is good for setting one up.
    """
    roles = frozenset(Role(role) for role in staff.roles)
    if totp_needed:
        roles -= {Role.HQ}
    principal = Principal(
        subject=staff.id,
        roles=roles,
        room_id=staff.room_id,
        store_id=staff.store_id,
        brand_id=staff.brand_id,
        estate_ids=staff.estate_ids,
        nickname=staff.name,
        version=staff.token_version,
    )
    return {
        "token": access.issue(principal, STAFF_TTL_S),
        "staff": {
            "id": staff.id,
            "name": staff.name,
            "roles": sorted(roles),
            "room_id": staff.room_id,
            "store_id": staff.store_id,
            "estate_ids": staff.estate_ids,
            **({"totp_needed": True} if totp_needed else {}),
        },
    }
