"""What every use case of the shop works with."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.io.record.audit_trail import Value, record_audit
from commerce.io.record.engine import Clock, Record
from commerce.io.shop.catalogue.cache import CatalogueCache
from commerce.io.shop.catalogue.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class ShopContext:
    """The record, this worker's copy of the catalogue, the clock, and what wakes the outbox."""

    record: Record
    cache: CatalogueCache
    clock: Clock
    on_commit: Callable[[], None]

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue as this worker knows it now."""
        return self.cache.catalogue

    async def audit(
        self,
        connection: AsyncConnection,
        actor: str,
        action: str,
        subject: str,
        before: Value,
        after: Value,
        at_ms: int,
        *,
        brand_id: str,
    ) -> None:
        """Append to a brand's trail, as the transaction's last statement; see `record_audit`."""
        values = (actor, action, subject, before, after, at_ms)
        await connection.run_sync(record_audit, brand_id, *values)
