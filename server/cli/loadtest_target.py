"""Where a run of `linli loadtest` goes: to a target, a shop made there, or a server of its own."""

import contextlib
import dataclasses
import socket
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from loadtest.measure.rig import free_port, rig
from loadtest.runner.consent import check_consent
from loadtest.runner.made_shop import made_shop
from loadtest.runner.run import Request
from loadtest.runner.target import Address
from loadtest.scenario.shop import shop_file
from server.errors import OperatorError

HOST_TOKEN_VARIABLE = "LINLI_LOADTEST_HOST_TOKEN"
HQ_TOKEN_VARIABLE = "LINLI_LOADTEST_HQ_TOKEN"


@contextlib.asynccontextmanager
async def target_of(request: Request, hq_token: str) -> AsyncIterator[Request]:
    """Yield the request with its target, which is a server of our own if none is named."""
    if request.whep or request.whip:
        yield _elsewhere(request)
        return
    if request.url:
        Address.parse(request.url)
    if request.url and hq_token:
        async with _shop(request, hq_token) as request:
            yield request
        return
    if request.url:
        if request.scenario.host and not request.host_token:
            raise OperatorError(
                f"the scenario has a host: give its token as --host-token or {HOST_TOKEN_VARIABLE} "
                f"(at the target: linli token --role host --room {request.room})"
            )
        yield request
        return
    settings = {}
    if request.scenario.uses_rtmp:
        settings["LINLI_RTMP_PORT"] = str(free_port(socket.SOCK_STREAM))
    shop = shop_file(request.scenario, request.factor)
    async with rig(shop, request.room, **settings) as server:
        token = await server.token()
        yield dataclasses.replace(
            request, url=server.base_url, host_token=token, server_pid=server.pid
        )


@contextlib.asynccontextmanager
async def _shop(request: Request, hq_token: str) -> AsyncIterator[Request]:
    """Yield the request with a shop that is made at its target for it."""
    address = Address.parse(request.url)
    http = address.http()
    try:
        await check_consent(address, http, request.loadtest_token)
    finally:
        await http.close()
    async with made_shop(address, hq_token, request.scenario.shop, request.factor) as shop:
        yield dataclasses.replace(
            request,
            room=shop.id,
            host_token=shop.host_token,
            notes=(shop.note,),
            goods=shop.goods,
        )


def _elsewhere(request: Request) -> Request:
    """Return the request for another server of WHIP and WHEP.

    Raises:
        OperatorError: The scenario has what such a server has not.
    """
    if request.url or not request.whep:
        raise OperatorError("another server is named by --whep, and --whip with a host, alone")
    parts = urlsplit(request.whep)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise OperatorError(f"{request.whep!r} is no address: give http://… or https://…")
    if beyond := request.scenario.beyond_media():
        raise OperatorError(f"at a server of WHIP and WHEP there is no place for {beyond}")
    if request.scenario.host and not request.whip:
        raise OperatorError("the scenario has a host: give the server's --whip address")
    note = "The target is a server of WHIP and WHEP: its video was measured, and nothing else."
    return dataclasses.replace(
        request, url=f"{parts.scheme}://{parts.netloc}", room="", notes=(note,)
    )
