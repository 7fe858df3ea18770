"""Routes about lives that are over: their summary, as values and as a picture."""

import asyncio
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.catalogue.values import Store
from commerce.io.shop.leaders.estates import time_zone_of
from commerce.lives.summary import LiveSummary
from server.access.policy import Action, allowed, require
from server.http.bodies import path_id, problems, reply, services_of
from server.http.share.card import DEFAULT_TIME_ZONE
from server.http.share.offers import money, said
from server.printing.drawings import version_of
from server.problem import Problem

QUESTIONS_DRAWN = 5


async def summary(request: Request) -> Response:
    """`GET /api/rooms/{room}/summary`: the newest live of a room, or that of `?started_at_ms=`."""
    return reply(await _summary(request))


async def picture(request: Request) -> Response:
    """`GET /api/rooms/{room}/summary.png`: the same as a picture."""
    services, found = services_of(request), await _summary(request)
    language = "en" if request.query_params.get("language") == "en" else "zh"
    catalogue = services.commerce.catalogue
    zone, estates = DEFAULT_TIME_ZONE, catalogue.estates_of(found.room_id)
    if estates:
        zone = await services.commerce.record.query(
            lambda connection: time_zone_of(connection, estates[0].id)
        )
    store = catalogue.store(catalogue.room(found.room_id).store_id)
    printing: Any = await asyncio.to_thread(import_module, "server.printing.summary_card")
    texts = printing.SummaryTexts(**_texts(found, store, language, zone))
    font = services.settings.font
    draw = partial(printing.summary_card, texts, found.orders_by_minute, font)
    try:
        data = await services.drawings.png(version_of(texts, found.orders_by_minute), draw)
    except printing.NoFont as error:
        raise Problem(501, "no-font", "No font to print with.", str(error)) from None
    headers = {"Content-Disposition": "inline", "Cache-Control": "no-store"}
    return Response(data, media_type="image/png", headers=headers)


async def _summary(request: Request) -> LiveSummary:
    services, room_id = services_of(request), path_id(request, "room")
    principal = services.access.principal(request)
    with problems():
        services.commerce.catalogue.room(room_id)
    brand_id = services.commerce.catalogue.brand_id("room", room_id)
    if not allowed(principal, Action.MANAGE_BRAND, brand_id=brand_id):
        require(principal, Action.PIN, room_id=room_id)
    started = request.query_params.get("started_at_ms", "")
    if started and not (started.isascii() and started.isdigit() and len(started) < 16):
        raise Problem(404, "no-such-live", "No such live.")
    with problems():
        return await services.commerce.live_runs.summary(room_id, int(started) if started else None)


def _texts(found: LiveSummary, store: Store, language: str, zone: str) -> dict[str, object]:
    words = _WORDS[language]

    def at(at_ms: int, form: str) -> str:
        return f"{datetime.fromtimestamp(at_ms / 1_000, UTC).astimezone(ZoneInfo(zone)):{form}}"

    best, best_text = found.best_minute, ""
    if best is not None:
        best_text = words["best"].format(
            time=at(best.at_ms, "%H:%M"), orders=best.orders, viewers=best.viewers
        )
    begin, end = at(found.started_at_ms, "%Y-%m-%d %H:%M"), at(found.ended_at_ms, "%H:%M")
    figures = (
        (found.viewers_max, "viewers_max"),
        (found.viewers_average, "viewers_average"),
        (found.minutes_watched, "minutes_watched"),
        (found.orders, "orders"),
        (found.households, "households"),
        (money(found.total_fen), "total"),
    )
    return {
        "title": words["title"].format(store=said(store.name, language)),
        "when": words["when"].format(begin=begin, end=end, minutes=found.minutes),
        "figures": tuple((str(value), words[name]) for value, name in figures),
        "best": best_text,
        "chart": words["chart"],
        "questions_title": words["questions"].format(n=len(found.questions_open)),
        "questions": tuple(f"· {text}" for text in found.questions_open[:QUESTIONS_DRAWN]),
    }


_WORDS = {
    "zh": {
        "title": "{store} 直播小结",
        "when": "{begin} – {end} · {minutes} 分钟",
        "viewers_max": "最高在线",
        "viewers_average": "平均在线",
        "minutes_watched": "观看总分钟",
        "orders": "订单",
        "households": "下单家庭",
        "total": "成交额",
        "best": "最佳一分钟：{time}，{orders} 单，{viewers} 人在看",
        "chart": "每分钟订单",
        "questions": "还没回答的问题（{n}）",
    },
    "en": {
        "title": "{store}: the live in figures",
        "when": "{begin} – {end} · {minutes} min",
        "viewers_max": "viewers at once",
        "viewers_average": "on average",
        "minutes_watched": "minutes watched",
        "orders": "orders",
        "households": "households",
        "total": "sold",
        "best": "Best minute: {time}, {orders} orders, {viewers} watching",
        "chart": "Orders by minute",
        "questions": "Questions left open ({n})",
    },
}

routes = [
    Route("/api/rooms/{room}/summary", summary, methods=["GET"]),
    Route("/api/rooms/{room}/summary.png", picture, methods=["GET"]),
]
