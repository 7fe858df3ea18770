"""Routes about messages in WeChat: a guest grants them, one by one."""

from typing import Literal

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from commerce.errors import UnknownLink
from commerce.notices.wechat import SCENES
from server.access.policy import Action, Principal, require
from server.http.bodies import Body, read_body, reply, services_of
from server.limits import LimitKind
from server.problem import Problem


class Asked(Body):
    """The language of the message that is granted."""

    language: Literal["zh", "en"] = "zh"


async def read(request: Request) -> Response:
    """`GET /api/me/wechat`: how many messages the guest has granted."""
    grants, principal = services_of(request).commerce.wechat_grants, _guest(request)
    granted = await grants.granted(principal.subject)
    return reply({"on": grants.is_on, "granted": granted, "granted_max": len(SCENES)})


async def ask(request: Request) -> Response:
    """`POST /api/me/wechat`: where the guest grants one more."""
    services, principal = services_of(request), _guest(request)
    await services.limits.take(LimitKind.ACTIVITY, principal.subject)
    body = await read_body(request, Asked)
    url = await services.commerce.wechat_grants.ask(principal.subject, body.language)
    if url is None:
        raise Problem(409, "no-grant", "There is no message to grant.")
    return reply({"url": url})


async def granted(request: Request) -> Response:
    """`GET /wechat/granted`: WeChat leads the guest back here, and they go on to their page."""
    services, query = services_of(request), request.query_params
    await services.limits.take(LimitKind.LINK, services.limits.address(request))
    if query.get("action") == "confirm":
        names = ("reserved", "scene", "template_id", "openid")
        try:
            await services.commerce.wechat_grants.take(*(query.get(name, "") for name in names))
        except UnknownLink:
            pass  # opened again, or too late: the page shows how many there are
    return RedirectResponse("/me", status_code=303)


def _guest(request: Request) -> Principal:
    principal = services_of(request).access.principal(request)
    require(principal, Action.ORDER)
    return principal


routes = [
    Route("/api/me/wechat", read, methods=["GET"]),
    Route("/api/me/wechat", ask, methods=["POST"]),
    Route("/wechat/granted", granted, methods=["GET"]),
]
