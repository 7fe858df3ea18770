"""The route of what leaders share: the poster of a group."""

import asyncio
from datetime import UTC, datetime
from importlib import import_module
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.catalogue.values import Text
from commerce.io.shop.leaders.home import SharedGroup
from media.errors import BlobsAway, NoSuchBlob
from server.http.bodies import path_id, problems
from server.http.leader.common import Led, led
from server.problem import Problem

# Pillow's work on one poster takes some 100 ms: one at a time.
_drawing = asyncio.Lock()

_WORDS = {
    "zh": (
        "已有 {joined} 户参团",
        "还差 {gap} 人",
        "已成团",
        "{time} 截止",
        "扫码看直播，一键参团",
    ),
    "en": (
        "{joined} households joined",
        "{gap} more needed",
        "Complete",
        "until {time}",
        "Scan, watch and join with one tap",
    ),
}


async def poster(request: Request) -> Response:
    """`GET …/groups/{group}/poster.png`: picture, price, what the group lacks, QR of its room."""
    at = led(request)
    language = "en" if request.query_params.get("language") == "en" else "zh"
    with problems():
        shared = await at.leaders.home.shared(at.estate_id, path_id(request, "group"))
    scheme = "https" if at.services.limits.is_https(request) else "http"
    url = f"{scheme}://{request.url.netloc}/r/{shared.shown.room_id}"
    picture = await _picture(at, shared.shown.image)
    posters = await asyncio.to_thread(import_module, "server.printing.poster")
    texts = posters.PosterTexts(**_texts(shared, language))
    group, font = shared.shown.group, at.services.settings.font
    try:
        async with _drawing:
            data = await asyncio.to_thread(
                posters.poster, texts, group.joined / group.target, picture, url, font
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


async def _picture(at: Led, image: str) -> bytes | None:
    """A picture that was sent for the product; drawings of the catalogue stay out."""
    _, _, rest = image.partition("/pictures/")
    product_id, _, file = rest.partition("/")
    if not file:
        return None
    try:
        return await at.services.pictures.get(product_id, file)
    except (NoSuchBlob, BlobsAway):
        return None


def _yuan(fen: int) -> str:
    return f"¥{fen // 100}.{fen % 100:02}"


routes = [
    Route("/api/leader/estates/{estate}/groups/{group}/poster.png", poster, methods=["GET"]),
]
