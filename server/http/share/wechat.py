"""The signature by which a page may use WeChat's JS-SDK (JSSDK documentation, appendix 1).

It was tried against a stand-in of WeChat's interface, never against WeChat itself.
"""

import hashlib
import secrets
import time
from urllib.parse import urlsplit

import httpx
import msgspec
import structlog
from redis.asyncio import Redis
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.http.bodies import reply, services_of
from server.limits import LimitKind
from server.problem import Problem

TIMEOUT_S = 8.0
URL_CHARS_MAX = 2_000
EARLY_S = 300
"""Tokens and tickets are renewed this much before WeChat's end of them (7200 s)."""
KEEP_S_MIN = 60
TICKET_KEY = "linli:wechat:ticket:{app_id}"
TOKEN_KEY = "linli:wechat:token:{app_id}"

log = structlog.get_logger()


class WeChatAway(Exception):
    """WeChat gave no ticket; the text has its code, and no secret."""


class Answer(msgspec.Struct):
    """What both calls of WeChat answer."""

    errcode: int = 0
    access_token: str = ""
    ticket: str = ""
    expires_in: int = 0


def signature_of(ticket: str, nonce: str, at_s: int, url: str) -> str:
    """Return the signature of a page, whose URL is without its fragment."""
    signed = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={at_s}&url={url}"
    return hashlib.sha1(signed.encode(), usedforsecurity=False).hexdigest()


class WeChatTickets:
    """Tickets of an app, shared by all workers in Redis: WeChat gives few a day."""

    def __init__(self, redis: Redis, api: str, app_id: str, secret: str) -> None:
        self._redis = redis
        self._api = api.rstrip("/")
        self._app_id = app_id
        self._secret = secret

    async def ticket(self) -> str:
        """Return the ticket that holds now.

        Raises:
            WeChatAway: WeChat gives none.
        """
        key = TICKET_KEY.format(app_id=self._app_id)
        kept = await self._redis.get(key)
        if kept:
            return _text(kept)
        asked = {"access_token": await self._token(), "type": "jsapi"}
        answer = await self._ask("/cgi-bin/ticket/getticket", asked)
        return await self._keep(key, answer.ticket, answer.expires_in)

    async def _token(self) -> str:
        key = TOKEN_KEY.format(app_id=self._app_id)
        kept = await self._redis.get(key)
        if kept:
            return _text(kept)
        asked = {"grant_type": "client_credential", "appid": self._app_id, "secret": self._secret}
        answer = await self._ask("/cgi-bin/token", asked)
        return await self._keep(key, answer.access_token, answer.expires_in)

    async def _ask(self, path: str, query: dict[str, str]) -> Answer:
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT_S) as client:
                answer = await client.get(self._api + path, params=query)
            found = msgspec.json.decode(answer.content, type=Answer)
        except (httpx.HTTPError, msgspec.MsgspecError) as error:
            raise WeChatAway(type(error).__name__) from None
        if answer.status_code != 200 or found.errcode:
            raise WeChatAway(f"errcode {found.errcode}")
        return found

    async def _keep(self, key: str, value: str, expires_in_s: int) -> str:
        if not value:
            raise WeChatAway("nothing in the answer")
        await self._redis.set(key, value, ex=max(KEEP_S_MIN, expires_in_s - EARLY_S))
        return value


async def signature(request: Request) -> Response:
    """`GET /api/wechat/signature?url=`: what a page of this host gives to `wx.config`."""
    services = services_of(request)
    settings = services.settings
    if not settings.wechat_app_id:
        raise Problem(404, "no-wechat", "There is no WeChat app here.")
    url = request.query_params.get("url", "").partition("#")[0]
    if not _is_page_of(url, request.url.netloc):
        raise Problem(422, "bad-request", "Invalid request.", "A page of this host.", member="url")
    await services.limits.take(LimitKind.ACTIVITY, services.limits.address(request))
    secret = settings.wechat_secret.get_secret_value()
    tickets = WeChatTickets(services.redis, settings.wechat_api, settings.wechat_app_id, secret)
    try:
        ticket = await tickets.ticket()
    except WeChatAway as error:
        log.warning("no ticket from WeChat", reason=str(error))
        raise Problem(
            503, "try-again", "Temporarily unavailable.", headers={"Retry-After": "10"}
        ) from None
    nonce, at_s = secrets.token_hex(8), int(time.time())
    return reply(
        {
            "app_id": settings.wechat_app_id,
            "timestamp": at_s,
            "nonce": nonce,
            "signature": signature_of(ticket, nonce, at_s, url),
        }
    )


def _is_page_of(url: str, host: str) -> bool:
    if len(url) > URL_CHARS_MAX:
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc == host


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


routes = [Route("/api/wechat/signature", signature, methods=["GET"])]
