"""The brand's own settings: its name, and what it allows."""

from dataclasses import dataclass, fields

from sqlalchemy import RowMapping, Select, select

from commerce.catalogue.values import Text
from commerce.io.record.schema import brands
from commerce.io.shop.context import ShopContext
from commerce.io.shop.places.place import PlaceKind, Places, text_of


@dataclass(frozen=True, slots=True)
class BrandRow:
    """A brand, as its head office edits it; see `commerce.catalogue.values.Brand`."""

    id: str
    name: Text
    confirm_above_fen: int
    units_per_address: int
    units_per_device: int
    seats_per_device: int
    recording_days: int
    recording_gib: int
    phone_needed: bool
    totp_needed: bool
    member_prices: bool
    split_orders: bool
    store_presales: bool
    version: int


def brand_settings(shop: ShopContext) -> Places[BrandRow]:
    """The settings of all brands; each is found by its own id."""
    return Places(shop, _KIND)


def _rows(brand_id: str) -> Select[tuple[object, ...]]:
    return select(brands).where(brands.c.id == brand_id)


def _brand(row: RowMapping) -> BrandRow:
    plain = {field.name: row[field.name] for field in fields(BrandRow) if field.name != "name"}
    return BrandRow(name=text_of(row, "name"), **plain)


_KIND = PlaceKind(
    name="brand",
    table=brands,
    rows=_rows,
    search=(brands.c.name_zh, brands.c.name_en),
    sorts={},
    make=_brand,
)
