"""Routes about claims at the desks of a store and of a leader."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.after_sales.claims import WORDS_MAX, GoodsGo
from commerce.io.shop.after_sales.values import Verdict
from server.access.policy import Action, require
from server.http.bodies import Body, path_id, problems, read_body, reply, services_of


class VerdictBody(Body):
    """Whether the buyer gets money back, what the buyer reads, and where the units go."""

    approved: bool
    answer: Annotated[str, Field(max_length=WORDS_MAX)] = ""
    goods: GoodsGo | None = None

    def verdict(self) -> Verdict:
        """As the use case takes it."""
        return Verdict(self.approved, self.answer, self.goods)


async def of_store(request: Request) -> Response:
    """`GET /api/stores/{store}/claims`: claims that wait here, and those decided lately."""
    services = services_of(request)
    store_id = path_id(request, "store")
    require(services.access.principal(request), Action.FULFIL, store_id=store_id)
    queue = services.commerce.claims.queue
    with problems():
        waiting = await queue(store_id=store_id)
        return reply({"waiting": waiting, "decided": await queue(store_id=store_id, waiting=False)})


async def decide_in_store(request: Request) -> Response:
    """`POST /api/stores/{store}/claims/{claim}/decision`: approve or refuse one."""
    services = services_of(request)
    store_id = path_id(request, "store")
    principal = services.access.principal(request)
    require(principal, Action.FULFIL, store_id=store_id)
    verdict = (await read_body(request, VerdictBody)).verdict()
    claim_id = path_id(request, "claim")
    with problems():
        shown = await services.commerce.claims.decide(
            claim_id, verdict, principal.subject, store_id=store_id
        )
    return reply(shown)


async def of_estate(request: Request) -> Response:
    """`GET /api/leader/estates/{estate}/claims`: claims that wait for the estate's leader."""
    services = services_of(request)
    estate_id = path_id(request, "estate")
    require(services.access.principal(request), Action.LEAD, estate_id=estate_id)
    waiting = await services.commerce.claims.queue(estate_id=estate_id)
    decided = await services.commerce.claims.queue(estate_id=estate_id, waiting=False)
    return reply({"waiting": waiting, "decided": decided})


async def decide_in_estate(request: Request) -> Response:
    """`POST /api/leader/estates/{estate}/claims/{claim}/decision`: approve or refuse one."""
    services = services_of(request)
    estate_id = path_id(request, "estate")
    principal = services.access.principal(request)
    require(principal, Action.LEAD, estate_id=estate_id)
    verdict = (await read_body(request, VerdictBody)).verdict()
    claim_id = path_id(request, "claim")
    with problems():
        shown = await services.commerce.claims.decide(
            claim_id, verdict, principal.subject, estate_id=estate_id
        )
    return reply(shown)


routes = [
    Route("/api/stores/{store}/claims", of_store, methods=["GET"]),
    Route("/api/stores/{store}/claims/{claim}/decision", decide_in_store, methods=["POST"]),
    Route("/api/leader/estates/{estate}/claims", of_estate, methods=["GET"]),
    Route(
        "/api/leader/estates/{estate}/claims/{claim}/decision", decide_in_estate, methods=["POST"]
    ),
]
