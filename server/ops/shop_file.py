"""A shop as a TOML file: brand, estates, stores, rooms, staff and products, checked as a whole.

server/demo.toml is an example. Money in fen, positions in degrees (WGS 84), times in seconds.
"""

import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from commerce.catalogue import values
from commerce.catalogue.food import (
    CELSIUS_MAX,
    CELSIUS_MIN,
    NET_AMOUNT_MAX,
    SHELF_LIFE_DAYS_MAX,
    Allergen,
    NetUnit,
    StorageKind,
)
from commerce.catalogue.sets import COOKING_MINUTES_MAX, PART_UNITS_MAX, PARTS_MAX, PartRole
from commerce.catalogue.variants import NO_OPTION, Families, Option
from server.access.policy import LED_ESTATES_MAX, Role
from server.errors import OperatorError

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
Fen = Annotated[int, Field(ge=1, le=100_000_000)]
Units = Annotated[int, Field(ge=0, le=1_000_000)]


class FileTable(BaseModel):
    """A table of the file; a name it does not know is a mistake, not an extra."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(FileTable):
    """The file's form of `commerce.catalogue.values.Text`."""

    zh: Annotated[str, Field(min_length=1, max_length=100)]
    en: Annotated[str, Field(min_length=1, max_length=100)]


class Place(FileTable):
    """Something that lies somewhere."""

    id: Id
    name: Text
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]


class BrandPart(FileTable):
    """The chain; an order above `confirm_above_fen` asks the buyer once more.

    With `phone_needed` only guests who have proved a phone number may order.
    """

    id: Id
    name: Text
    confirm_above_fen: Fen = values.CONFIRM_ABOVE_FEN
    units_per_address: Annotated[int, Field(ge=1, le=1_000_000)] = values.UNITS_PER_ADDRESS
    units_per_device: Annotated[int, Field(ge=1, le=1_000_000)] = values.UNITS_PER_DEVICE
    seats_per_device: Annotated[int, Field(ge=1, le=10_000)] = values.SEATS_PER_DEVICE
    recording_days: Annotated[int, Field(ge=0, le=3_650)] = values.RECORDING_DAYS
    recording_gib: Annotated[int, Field(ge=1, le=1_000_000)] = values.RECORDING_GIB
    phone_needed: bool = False


class CityPart(FileTable):
    """Estates that share prices and an assortment."""

    id: Id
    name: Text


class EstatePart(Place):
    """Where neighbours live, and the store that serves them first."""

    store: Id
    city: Id | None = None


class StorePart(Place):
    """Where goods lie and are handed over."""

    address: Text


class RoomPart(FileTable):
    """A room and the store that goes live in it."""

    id: Id
    store: Id
    title: Text


class StaffPart(FileTable):
    """Somebody who logs in; a leader leads estates."""

    username: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,31}$")]
    name: Annotated[str, Field(min_length=1, max_length=50)]
    roles: list[Role]
    room: Id | None = None
    store: Id | None = None
    estates: Annotated[list[Id], Field(max_length=LED_ESTATES_MAX)] = []


class GroupPart(FileTable):
    """The offer of a group buy."""

    price_fen: Fen
    target: Annotated[int, Field(ge=2, le=10_000)]
    duration_s: Annotated[int, Field(ge=30, le=14 * 86_400)]


class RecipePart(FileTable):
    """How a set is cooked: one step per line."""

    zh: Annotated[str, Field(min_length=1, max_length=4_000)]
    en: Annotated[str, Field(min_length=1, max_length=4_000)]


class SetPartPart(FileTable):
    """Units of another product of the file that one set takes."""

    product: Id
    units: Annotated[int, Field(ge=1, le=PART_UNITS_MAX)] = 1
    role: PartRole = PartRole.OTHER


class CategoryPart(FileTable):
    """Where products hang; below another one with `parent`, in the order of the file."""

    id: Id
    name: Text
    parent: Id | None = None


class StoragePart(FileTable):
    """Where a product is kept, in degrees Celsius."""

    kind: StorageKind
    min_c: Annotated[int | None, Field(ge=CELSIUS_MIN, le=CELSIUS_MAX)] = None
    max_c: Annotated[int | None, Field(ge=CELSIUS_MIN, le=CELSIUS_MAX)] = None


class NetPart(FileTable):
    """How much is in one unit of sale."""

    amount: Annotated[int, Field(ge=1, le=NET_AMOUNT_MAX)]
    unit: NetUnit = NetUnit.GRAM


class FoodPart(FileTable):
    """What the label of a product says; what is left out is not stated."""

    ingredients: RecipePart | None = None
    allergens: list[Allergen] = []
    shelf_life_days: Annotated[int | None, Field(ge=1, le=SHELF_LIFE_DAYS_MAX)] = None
    storage: StoragePart | None = None
    net: NetPart | None = None
    origin: Text | None = None


class ProductPart(FileTable):
    """What is sold; `stock` is units on hand, for every store alike or by store.

    A set has parts instead of stock. Its price is divided among them as what they cost alone. A
    variant of another product of the file, and that one, say by which option they differ.
    """

    id: Id
    image: Annotated[str, Field(pattern=r"^/[A-Za-z0-9/._-]+$")]
    name: Text
    unit: Text
    price_fen: Fen
    list_price_fen: Fen | None = None
    stock: Units | dict[Id, Units] = 0
    group: GroupPart | None = None
    on_sale: bool = True
    parts: Annotated[list[SetPartPart], Field(max_length=PARTS_MAX)] = []
    recipe: RecipePart | None = None
    cooking_minutes: Annotated[int | None, Field(ge=1, le=COOKING_MINUTES_MAX)] = None
    category: Id | None = None
    food: FoodPart = FoodPart()
    variant_of: Id | None = None
    option: Text | None = None

    def as_option(self) -> Option:
        """What it differs in from others of its family."""
        name = values.Text(self.option.zh, self.option.en) if self.option else NO_OPTION
        return Option(self.variant_of or "", name)

    @model_validator(mode="after")
    def _one_kind(self) -> "ProductPart":
        if self.parts and self.stock:
            raise ValueError(f"product {self.id}: a set has no stock of its own")
        if not self.parts and "stock" not in self.model_fields_set:
            raise ValueError(f"product {self.id}: it needs stock, or parts")
        if len({part.product for part in self.parts}) < len(self.parts):
            raise ValueError(f"product {self.id}: a part is there twice; give it more units")
        return self


class ShopFile(FileTable):
    """The whole file; whatever is named in it must stand in it, too."""

    brand: BrandPart
    cities: list[CityPart] = []
    estates: list[EstatePart]
    stores: list[StorePart]
    rooms: list[RoomPart]
    staff: list[StaffPart]
    categories: list[CategoryPart] = []
    products: list[ProductPart]

    @model_validator(mode="after")
    def _names_resolve(self) -> "ShopFile":
        stores = {store.id for store in self.stores}
        rooms = {room.id for room in self.rooms}
        used = [
            *((f"estate {part.id}", part.store) for part in self.estates),
            *((f"room {part.id}", part.store) for part in self.rooms),
            *((f"staff {part.username}", part.store) for part in self.staff if part.store),
        ]
        for product in self.products:
            if isinstance(product.stock, dict):
                used += [(f"product {product.id}", store) for store in product.stock]
            if product.group and product.group.price_fen > product.price_fen:
                raise ValueError(f"product {product.id}: the group price is above the price")
        self._check_sets()
        self._check_families()
        self._check_categories()
        for who, store in used:
            if store not in stores:
                raise ValueError(f"{who}: there is no store {store!r} in this file")
        self._check_staff(rooms)
        cities = {city.id for city in self.cities}
        for estate in self.estates:
            if estate.city and estate.city not in cities:
                raise ValueError(f"estate {estate.id}: there is no city {estate.city!r}")
        return self

    def _check_staff(self, rooms: set[str]) -> None:
        estates = {estate.id for estate in self.estates}
        for person in self.staff:
            if person.room and person.room not in rooms:
                raise ValueError(f"staff {person.username}: there is no room {person.room!r}")
            for estate in set(person.estates) - estates:
                raise ValueError(f"staff {person.username}: there is no estate {estate!r}")
            if Role.LEADER in person.roles and not person.estates:
                raise ValueError(f"staff {person.username}: a leader needs estates")

    def _check_categories(self) -> None:
        known: set[str] = set()
        for category in self.categories:
            if category.parent and category.parent not in known:
                raise ValueError(
                    f"category {category.id}: there is no {category.parent!r} above it"
                )
            known.add(category.id)
        for product in self.products:
            if product.category and product.category not in known:
                raise ValueError(f"product {product.id}: there is no category {product.category!r}")

    def _check_families(self) -> None:
        families = Families({product.id: product.as_option() for product in self.products})
        for product in self.products:
            problem = families.problem(product.id)
            if problem is not None:
                raise ValueError(f"product {product.id}: {problem[0]}: {problem[1]}")

    def _check_sets(self) -> None:
        products = {product.id: product for product in self.products}
        for product in self.products:
            for part in product.parts:
                item = products.get(part.product)
                if item is None:
                    raise ValueError(f"product {product.id}: there is no product {part.product!r}")
                if item.parts:
                    raise ValueError(f"product {product.id}: {part.product} is a set itself")


def read_shop(path: Path) -> ShopFile:
    """Read and check a shop file.

    Raises:
        OperatorError: The file is missing, not TOML, or not a shop; the text names the place.
    """
    try:
        return ShopFile.model_validate(tomllib.loads(path.read_text("utf-8-sig")))
    except OSError as error:
        raise OperatorError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise OperatorError(f"{path}: this is not UTF-8 text; save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise OperatorError(f"{path}: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise OperatorError(f"{path}: {place}: {first['msg']}") from None
