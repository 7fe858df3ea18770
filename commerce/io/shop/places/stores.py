"""Stores, as the head office lists and edits them."""

from dataclasses import dataclass

from sqlalchemy import RowMapping, Select, func, select

from commerce.catalogue.paging import Page, PageQuery
from commerce.catalogue.values import Text
from commerce.io.record.schema import estates, stores
from commerce.io.shop.context import ShopContext
from commerce.io.shop.listing import read_page


@dataclass(frozen=True, slots=True)
class StoreRow:
    """A store in the head office's list; `estates` is how many it serves first."""

    id: str
    name: Text
    address: Text
    latitude: float
    longitude: float
    estates: int
    version: int


class Stores:
    """Lists and edits the stores of a brand."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def page(self, brand_id: str, wanted: PageQuery) -> Page[StoreRow]:
        """Return one page of a brand's stores.

        Raises:
            InvalidField: They are not sorted by that.
        """
        rows = _rows(brand_id)
        return await self._shop.record.query(
            lambda connection: read_page(
                connection,
                wanted,
                rows,
                search=(
                    stores.c.id,
                    stores.c.name_zh,
                    stores.c.name_en,
                    stores.c.address_zh,
                    stores.c.address_en,
                ),
                sorts={"name": stores.c.name_zh, "estates": rows.selected_columns.estates},
                last=stores.c.id,
                make=_store,
            )
        )


def _rows(brand_id: str) -> Select[tuple[object, ...]]:
    served = (
        select(func.count())
        .where(estates.c.store_id == stores.c.id)
        .scalar_subquery()
        .label("estates")
    )
    return select(stores, served).where(stores.c.brand_id == brand_id)


def _store(row: RowMapping) -> StoreRow:
    return StoreRow(
        row["id"],
        Text(row["name_zh"], row["name_en"]),
        Text(row["address_zh"], row["address_en"]),
        row["latitude"],
        row["longitude"],
        row["estates"],
        0,
    )
