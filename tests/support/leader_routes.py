"""A leader of estate e1, as clients of the business routes."""

from typing import Any

import httpx

from server.access.policy import Principal, Role


async def leader(web: httpx.AsyncClient, estate_id: str = "e1") -> str:
    """The token of a leader; its subject needs no row in the record."""
    services: Any = web.services  # type: ignore[attr-defined]  # set by `shop_routes`
    principal = Principal(
        "token:leader", frozenset({Role.LEADER}), estate_ids=(estate_id,), brand_id="b"
    )
    return str(services.access.issue(principal, 600))
