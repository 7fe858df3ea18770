"""`linli token`: a bearer token."""

from typing import Annotated

import typer

from server.access.policy import Principal, Role
from server.access.tokens import GUEST_TTL_S, HOST_TTL_S, STAFF_TTL_S, Access
from server.errors import OperatorError
from server.ops.secrets import token_secret
from server.settings import Settings


def token(
    role: Annotated[Role, typer.Option(help="What the owner may be.")],
    room: Annotated[str, typer.Option(help="Room of a host.")] = "",
    store: Annotated[str, typer.Option(help="Store of a clerk.")] = "",
    hours: Annotated[float | None, typer.Option(help="Time to live; default by role.")] = None,
) -> None:
    """Print a bearer token, signed with this installation's secret."""
    settings = Settings()
    needs_room, needs_store = role is Role.HOST, role is Role.STORE
    if needs_room and not room:
        raise OperatorError("a host needs --room")
    if needs_store and not store:
        raise OperatorError("a store role needs --store")
    default_s = {Role.HOST: HOST_TTL_S, Role.MEMBER: GUEST_TTL_S}.get(role, STAFF_TTL_S)
    ttl_s = default_s if hours is None else int(hours * 3_600)
    principal = Principal(f"token:{role}", frozenset({role}), room_id=room, store_id=store)
    print(Access(token_secret(settings)).issue(principal, ttl_s))
