"""The poster of a group, with a link that lands on it."""

import asyncio
from datetime import UTC, datetime
from importlib import import_module
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from commerce.catalogue.values import Text
from commerce.io.shop.leaders.home import SharedGroup
from server.http.bodies import services_of
from server.http.share.card import product_picture
from server.problem import Problem

# Pillow's work on one poster takes some 100 ms: one at a time.
_drawing = asyncio.Lock()

_WORDS = {
    "zh": (
        "已有 {joined} 户参团",
        "还差 {gap} 户",
        "已成团",
        "{time} 截止",
        "扫码看直播，一键参团",
    ),
    "en": (
        "{joined} already in",
        "{gap} more needed",
        "Complete",
        "until {time}",
        "Scan, watch and join with one tap",
    ),
}


async def group_poster(request: Request, shared: SharedGroup, link: str) -> Response:
    """Return a PNG: picture, price, what the group lacks, QR of `link` on this server.

    Raises:
        Problem: 501 `no-font`.
    """
    services = services_of(request)
    language = "en" if request.query_params.get("language") == "en" else "zh"
    scheme = "https" if services.limits.is_https(request) else "http"
    url = f"{scheme}://{request.url.netloc}{link}"
    picture = await product_picture(services, shared.shown.image)
    posters: Any = await asyncio.to_thread(import_module, "server.printing.poster")
    texts = posters.PosterTexts(**_texts(shared, language))
    group = shared.shown.group
    try:
        async with _drawing:
            data = await asyncio.to_thread(
                posters.poster,
                texts,
                group.joined / group.target,
                picture,
                url,
                services.settings.font,
            )
    except posters.NoFont as error:
        raise Problem(501, "no-font", "No font to print with.", str(error)) from None
    headers = {"Content-Disposition": "inline", "Cache-Control": "no-store"}
    return Response(data, media_type="image/png", headers=headers)


def _texts(shared: SharedGroup, language: str) -> dict[str, str]:
    def text(words: Text) -> str:
        return words.en if language == "en" else words.zh

    one, group = shared.shown, shared.shown.group
    joined, missing, complete, until, scan = _WORDS[language]
    gap = max(0, group.target - group.joined)
    ends = datetime.fromtimestamp(group.ends_at_ms / 1_000, UTC)
    local = ends.astimezone(ZoneInfo(shared.time_zone))
    return {
        "title": text(one.name),
        "estate": text(shared.estate_name),
        "price": _yuan(group.price_fen),
        "list_price": _yuan(one.list_price_fen) if one.list_price_fen > group.price_fen else "",
        "unit": text(one.unit),
        "joined": joined.format(joined=group.joined),
        "gap": missing.format(gap=gap) if gap else complete,
        "ends": until.format(time=f"{local:%m-%d %H:%M}"),
        "scan": scan,
    }


def _yuan(fen: int) -> str:
    return f"¥{fen // 100}.{fen % 100:02}"
