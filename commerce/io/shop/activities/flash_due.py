"""When there is something to do for flash sales: rights lapse, sales are over, quotas are old."""

from sqlalchemy import ColumnElement, Connection, select

from commerce.flash.sale import RIGHT_GRACE_MS, WaitingState
from commerce.io.record.schema_flash import flash_sales, flash_waiting, quotas
from commerce.io.shop.chores import AHEAD_MS

FORGET_FOR_MS = 3_600 * 1_000
"""The gate forgets a quota within so long after it is no longer compared."""

Conditions = tuple[ColumnElement[bool], ...]


def flash_due(connection: Connection, at_ms: int) -> bool:
    """Whether there is something to do by then; see `Chore`."""
    looks = (
        select(flash_waiting.c.sale_id).where(*lapsed_rights(at_ms)),
        select(flash_sales.c.id).where(*sales_over(at_ms)),
        select(quotas.c.name).where(*forgettable(at_ms, at_ms - AHEAD_MS)),
    )
    return any(connection.scalar(look.limit(1)) is not None for look in looks)


def lapsed_rights(at_ms: int) -> Conditions:
    """Rights to buy that were not used in time."""
    return (
        flash_waiting.c.state == WaitingState.OFFERED.value,
        flash_waiting.c.until_ms <= at_ms - RIGHT_GRACE_MS,
    )


def sales_over(at_ms: int) -> Conditions:
    """Sales that are over and whose rights have all ended."""
    open_rights = (
        select(flash_waiting.c.place)
        .where(
            flash_waiting.c.sale_id == flash_sales.c.id,
            flash_waiting.c.state == WaitingState.OFFERED.value,
        )
        .exists()
    )
    return (
        flash_sales.c.closed_at_ms.is_(None),
        flash_sales.c.ends_at_ms <= at_ms - RIGHT_GRACE_MS,
        ~open_rights,
    )


def forgettable(at_ms: int, since_ms: int) -> Conditions:
    """Quotas that the gate is to forget between two times."""
    return quotas.c.until_ms <= at_ms, quotas.c.until_ms > since_ms - FORGET_FOR_MS
