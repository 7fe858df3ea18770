"""`POST /hooks/payments/{provider}`: what a payment provider reports, signed by it."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.money.providers import WEBHOOK_BYTES_MAX, WebhookRefused
from server.http.bodies import path_id, read_bytes, services_of
from server.problem import Problem


async def webhook(request: Request) -> Response:
    """Keep what is reported, then acknowledge; what is not the provider's is refused."""
    intents = services_of(request).commerce.intents
    provider = intents.provider
    name = path_id(request, "provider")
    if provider is None or provider.name != name:
        raise Problem(404, "no-such-provider", "Nothing is paid by this provider here.")
    body = await read_bytes(request, WEBHOOK_BYTES_MAX)
    try:
        await intents.take_webhook(request.headers, body)
    except WebhookRefused as error:
        title = "The webhook was not taken."
        raise Problem(error.status, "webhook-refused", title, reason=error.because) from None
    status, answer, content_type = provider.acknowledge()
    return Response(answer, status, media_type=content_type)


routes = [Route("/hooks/payments/{provider}", webhook, methods=["POST"])]
