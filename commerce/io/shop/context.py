"""What every use case of the shop works with."""

from collections.abc import Callable
from dataclasses import dataclass

from commerce.io.record.engine import Clock, Record
from commerce.io.shop.catalogue import Catalogue, CatalogueCache


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
