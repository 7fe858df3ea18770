"""Quotas in the record; called by postings only, inside the caller's transaction.

Who takes quotas locks them first, after slots, in the order of their names.
"""

from collections.abc import Collection, Iterable

from sqlalchemy import Connection, bindparam, select, update

from commerce.io.record.schema_flash import quotas
from commerce.orders.order import OrderRow

_TAKE = (
    update(quotas)
    .where(quotas.c.name == bindparam("n"))
    .values(taken=quotas.c.taken + bindparam("units"), moves=quotas.c.moves + bindparam("count"))
)


def lock_quotas(connection: Connection, names: Collection[str]) -> dict[str, int]:
    """Lock quotas; return how many units of each are free."""
    if not names:
        return {}
    rows = connection.execute(
        select(quotas.c.name, quotas.c.capacity - quotas.c.taken)
        .where(quotas.c.name.in_(names))
        .order_by(quotas.c.name)
        .with_for_update()
    )
    return {name: free for name, free in rows}


def take_quotas(connection: Connection, made: Iterable[OrderRow]) -> None:
    """Take what new orders need of quotas."""
    units: dict[str, int] = {}
    counts: dict[str, int] = {}
    for order in made:
        for name, taken in order.quotas:
            units[name] = units.get(name, 0) + taken
            counts[name] = counts.get(name, 0) + 1
    if units:
        rows = [{"n": name, "units": units[name], "count": counts[name]} for name in sorted(units)]
        connection.execute(_TAKE, rows)


def quotas_of(released: Iterable[OrderRow]) -> dict[str, int]:
    """Return the units of quotas that orders took, by name."""
    units: dict[str, int] = {}
    for order in released:
        for name, taken in order.quotas:
            units[name] = units.get(name, 0) + taken
    return dict(sorted(units.items()))
