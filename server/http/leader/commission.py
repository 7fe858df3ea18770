"""Routes about what a leader earns, over all estates that they lead."""

import re
from datetime import datetime, time, timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.money.accounts import DAY_ZONE, days_of
from server.access.policy import Action, Principal, require
from server.http.bodies import problems, reply, services_of
from server.http.hq.common import bad_member

_MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")


def _leader(request: Request) -> Principal:
    principal = services_of(request).access.principal(request)
    require(principal, Action.LEAD, estate_id=next(iter(principal.estate_ids), ""))
    return principal


async def statement(request: Request) -> Response:
    """`GET /api/leader/commission`: the own balance and the newest entries."""
    leader = _leader(request)
    with problems():
        commission = services_of(request).commerce.leaders.commission
        return reply(await commission.statement(leader.subject))


async def payout(request: Request) -> Response:
    """`GET /api/leader/payouts/{month}`: what became payable in a month, as CSV."""
    leader = _leader(request)
    month = request.path_params["month"]
    if not _MONTH.fullmatch(month):
        raise bad_member("month", "Such as 2026-11.")
    begin, end = (datetime.fromisoformat(day) for day in days_of(month))
    from_ms, until_ms = (
        int(datetime.combine(day, time(), DAY_ZONE).timestamp()) * 1_000
        for day in (begin, end + timedelta(days=1))
    )
    with problems():
        commission = services_of(request).commerce.leaders.commission
        sheet = await commission.payout_file(leader.subject, from_ms, until_ms)
    name = f'attachment; filename="commission-{month}.csv"'
    headers = {"Content-Disposition": name, "Cache-Control": "no-store"}
    return Response(sheet, media_type="text/csv; charset=utf-8", headers=headers)


routes = [
    Route("/api/leader/commission", statement, methods=["GET"]),
    Route("/api/leader/payouts/{month}", payout, methods=["GET"]),
]
