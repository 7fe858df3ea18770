"""`linli token`: a bearer token."""

from typing import Annotated

import typer

from server.access.policy import Principal, Role
from server.access.tokens import GUEST_TTL_S, HOST_TTL_S, STAFF_TTL_S, Access
from server.cli.console import run
from server.errors import OperatorError
from server.ops.secrets import token_secret
from server.settings import Settings


def token(
    role: Annotated[Role, typer.Option(help="What the owner may be.")],
    room: Annotated[str, typer.Option(help="Room of a host.")] = "",
    store: Annotated[str, typer.Option(help="Store of a clerk.")] = "",
    brand: Annotated[
        str, typer.Option(help="Brand of a head office or administrator; default: the only one.")
    ] = "",
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
    if role in (Role.HQ, Role.ADMIN):
        brand = _brand(settings, brand, needed=role is Role.HQ)
    principal = Principal(
        f"token:{role}", frozenset({role}), room_id=room, store_id=store, brand_id=brand
    )
    print(Access(token_secret(settings)).issue(principal, ttl_s))


def _brand(settings: Settings, wanted: str, *, needed: bool) -> str:
    """Return the brand that is wanted, else the only one of the record.

    Raises:
        OperatorError: There is no such brand, or none is named where the record has not just one.
    """
    from server.ops.brands import list_brands

    known: list[str] = []

    async def read() -> None:
        known.extend(row.id for row in await list_brands(settings))

    run(read())
    if wanted:
        if wanted not in known:
            raise OperatorError(f"there is no brand {wanted}")
        return wanted
    if len(known) == 1:
        return known[0]
    if needed:
        raise OperatorError("a head office needs --brand")
    return ""
