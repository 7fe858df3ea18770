"""The demo's presale: goods of tomorrow that can be ordered today, opened anew each evening."""

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.exc import DBAPIError

from commerce.catalogue.values import Text
from commerce.errors import InvalidField
from commerce.io.commerce import Commerce
from commerce.orders.presales import NewPresale

PRODUCT = "breakfast-set"
NAME = Text("明早套餐预售", "Set meals for tomorrow")
ZONE = ZoneInfo("Asia/Shanghai")
CUT_OFF_HOUR, READY_HOUR, UNTIL_HOUR = 20, 10, 12
LOOK_EVERY_S = 60.0

log = structlog.get_logger()


def next_presale(now_ms: int) -> NewPresale:
    """Ordered until the next 20:00, packed by 10:00 of the next day, handed over until 12:00."""
    there = datetime.fromtimestamp(now_ms / 1_000, UTC).astimezone(ZONE)
    evening = there.replace(hour=CUT_OFF_HOUR, minute=0, second=0, microsecond=0)
    if evening <= there:
        evening += timedelta(days=1)
    morning = evening + timedelta(days=1)
    times = (evening, morning.replace(hour=READY_HOUR), morning.replace(hour=UNTIL_HOUR))
    cut_off_ms, ready_by_ms, until_ms = (int(at.timestamp()) * 1_000 for at in times)
    return NewPresale(NAME, (PRODUCT,), cut_off_ms, ready_by_ms, until_ms)


async def keep_presale(commerce: Commerce, brand_id: str, staff_id: str) -> None:
    """Keep one presale open until cancelled; what the head office has opened or ended stays so."""
    asked_ms = 0
    while True:
        new = next_presale(commerce.shop.clock())
        if new.cut_off_ms != asked_ms:
            try:
                await commerce.presales.open(brand_id, staff_id, new)
                asked_ms = new.cut_off_ms
            except InvalidField as error:  # another one has the goods or the morning
                log.info("the demo opens no presale", why=error.member)
                asked_ms = new.cut_off_ms
            except DBAPIError as error:
                log.warning("the demo's presale waits", why=type(error).__name__)
        await asyncio.sleep(LOOK_EVERY_S)
