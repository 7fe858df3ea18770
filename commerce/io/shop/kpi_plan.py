"""What head offices state for their key figures: pilot estates, baseline month, areas and hours."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import msgspec
from sqlalchemy import Connection, select, update

from commerce.errors import InvalidField
from commerce.io.record.audit_trail import record_audit
from commerce.io.record.schema import brands
from commerce.io.shop.context import ShopContext


@dataclass(frozen=True, slots=True)
class StoreStatement:
    """What a store has; 0 is not stated."""

    area_m2: int = 0
    staff_hours: int = 0  # in a month


@dataclass(frozen=True, slots=True)
class KpiPlan:
    """How figures are read; without `baseline_month` (YYYY-MM) it is the month before."""

    baseline_month: str = ""
    pilots: tuple[str, ...] = ()  # estates; all others are controls
    stores: Mapping[str, StoreStatement] = field(default_factory=dict)


class KpiPlans:
    """One plan per brand."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def read(self, brand_id: str) -> KpiPlan:
        """Return the plan; an empty one until there is another."""
        return _plan(await self._shop.record.query(lambda c: _read(c, brand_id)))

    async def set(self, brand_id: str, by_id: str, plan: KpiPlan) -> None:
        """Put a plan in place of the one before.

        Raises:
            InvalidField: `pilots` or `stores` names what the brand does not have.
        """
        catalogue = self._shop.catalogue
        for member, kind, ids in (
            ("pilots", "estate", plan.pilots),
            ("stores", "store", plan.stores),
        ):
            for id in ids:
                if catalogue.brand_id(kind, id) != brand_id:
                    raise InvalidField(member, f"There is no {id}.")
        at_ms = self._shop.clock()
        after = asdict(plan)

        def write(connection: Connection) -> None:
            before = _read(connection, brand_id)
            connection.execute(update(brands).where(brands.c.id == brand_id).values(kpi_plan=after))
            record_audit(connection, brand_id, by_id, "kpi.plan", brand_id, before, after, at_ms)

        await self._shop.record.transact(write)


def _read(connection: Connection, brand_id: str) -> dict[str, Any] | None:
    found = connection.scalar(select(brands.c.kpi_plan).where(brands.c.id == brand_id))
    return found or None


def _plan(stored: dict[str, Any] | None) -> KpiPlan:
    return msgspec.convert(stored or {}, KpiPlan)
