"""Routes about places: cities, estates, stores, warehouses, the brand itself, and the map."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.catalogue.cells import RINGS_MAX
from commerce.catalogue.opening_hours import DAYS, joined
from commerce.catalogue.values import ORDERS_PER_PACKER_HOUR, RINGS, TIME_ZONE
from commerce.io.shop.places.estates import STORES_MAX
from commerce.io.shop.places.place import Places
from commerce.io.shop.places.places import AllPlaces
from commerce.io.shop.places.stores import NOT_COUNTED
from commerce.orders.promise import PACKERS_MAX, RATE_MAX
from server.http.bodies import Body, Id, path_id, problems, read_body, reply
from server.http.hq.common import expected_version, office, page_query
from server.http.hq.editing import (
    Latitude,
    Longitude,
    NewId,
    Words,
    changes_of,
    columns,
    versioned,
)


class CityDraft(Body):
    """A city."""

    id: NewId = ""
    name: Words


class PinDraft(Body):
    """Something that lies somewhere, in degrees (WGS 84)."""

    id: NewId = ""
    name: Words
    latitude: Latitude
    longitude: Longitude


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("There is no such time zone.")
    return name


TimeZone = Annotated[str, Field(max_length=40), AfterValidator(_known_zone)]
"""A name of the IANA time zone database."""


class EstateDraft(PinDraft):
    """An estate; `stores` serve it in that order, `rings` of H3 cells lie around its pin's."""

    stores: Annotated[list[Id], Field(min_length=1, max_length=STORES_MAX)]
    city_id: Id | Annotated[str, Field(max_length=0)] = ""
    rings: Annotated[int, Field(ge=0, le=RINGS_MAX)] = RINGS
    time_zone: TimeZone = TIME_ZONE


class StoreDraft(PinDraft):
    """A store; `opening_hours` are seven days from Monday, or none.

    With -1 `packers` it takes any number of orders at any time.
    """

    address: Words
    opening_hours: Annotated[list[str], Field(max_length=DAYS, default_factory=list)]
    packers: Annotated[int, Field(ge=NOT_COUNTED, le=PACKERS_MAX)] = NOT_COUNTED
    orders_per_packer_hour: Annotated[int, Field(ge=1, le=RATE_MAX)] = ORDERS_PER_PACKER_HOUR
    delivers: bool = False


class WarehouseDraft(PinDraft):
    """A warehouse."""

    address: Words


class BrandDraft(Body):
    """The brand: what `commerce.catalogue.values.Brand` says."""

    name: Words
    confirm_above_fen: Annotated[int, Field(ge=1, le=100_000_000)]
    units_per_address: Annotated[int, Field(ge=1, le=1_000_000)]
    units_per_device: Annotated[int, Field(ge=1, le=1_000_000)]
    seats_per_device: Annotated[int, Field(ge=1, le=10_000)]
    recording_days: Annotated[int, Field(ge=0, le=3_650)]
    recording_gib: Annotated[int, Field(ge=1, le=1_000_000)]
    phone_needed: bool
    totp_needed: bool
    member_prices: bool
    split_orders: bool
    store_presales: bool


def _as_sent(values: dict[str, object]) -> dict[str, object]:
    return values


def _estate(values: dict[str, object]) -> dict[str, object]:
    """An estate of no city has NULL; a store serves it once."""
    if "city_id" in values:
        values["city_id"] = values["city_id"] or None
    if "stores" in values:
        named: Any = values["stores"]
        values["stores"] = list(dict.fromkeys(named))
    return values


def _store(values: dict[str, object]) -> dict[str, object]:
    if "opening_hours" in values:
        days: Any = values["opening_hours"]
        values["opening_hours"] = joined(days)
    if values.get("packers") == NOT_COUNTED:
        values["packers"] = None
    return values


@dataclass(frozen=True)
class PlaceRoutes:
    """The routes of one kind of place: list, one, add, edit."""

    path: str
    parameter: str
    places: Callable[[AllPlaces], Places[Any]]
    draft: type[Body]
    stored: Callable[[dict[str, object]], dict[str, object]] = _as_sent
    changes: type[BaseModel] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "changes", changes_of(self.draft))

    def routes(self) -> list[Route]:
        """The list, and one of it."""
        one = f"{self.path}/{{{self.parameter}}}"
        return [
            Route(self.path, self.page, methods=["GET"]),
            Route(self.path, self.add, methods=["POST"]),
            Route(one, self.get, methods=["GET"]),
            Route(one, self.edit, methods=["PATCH"]),
        ]

    async def page(self, request: Request) -> Response:
        """`GET`: a page of the brand's places."""
        at = office(request)
        with problems():
            places = self.places(at.commerce.places)
            return reply(await places.page(at.brand_id, page_query(request)))

    async def get(self, request: Request) -> Response:
        """`GET …/{id}`: one of them."""
        at = office(request)
        with problems():
            id = path_id(request, self.parameter)
            return versioned(await self.places(at.commerce.places).get(at.brand_id, id))

    async def add(self, request: Request) -> Response:
        """`POST`: a new one."""
        at = office(request)
        body = await read_body(request, self.draft)
        with problems():
            values = self.stored(columns(body, whole=True))
            places, id = self.places(at.commerce.places), str(getattr(body, "id", ""))
            return versioned(await places.add(at.brand_id, at.staff_id, id, values), 201)

    async def edit(self, request: Request) -> Response:
        """`PATCH …/{id}` with If-Match: some of its members."""
        at = office(request)
        id, version = path_id(request, self.parameter), expected_version(request)
        body = await read_body(request, self.changes)
        with problems():
            values = self.stored(columns(body))
            places = self.places(at.commerce.places)
            return versioned(await places.edit(at.brand_id, at.staff_id, id, version, values))


async def brand(request: Request) -> Response:
    """`GET /api/hq/brand`: the brand's settings."""
    at = office(request)
    with problems():
        return versioned(await at.commerce.places.brands.get(at.brand_id, at.brand_id))


async def edit_brand(request: Request) -> Response:
    """`PATCH /api/hq/brand` with If-Match: some of the brand's settings."""
    at = office(request)
    version = expected_version(request)
    body = await read_body(request, _BRAND_CHANGES)
    with problems():
        brands = at.commerce.places.brands
        return versioned(
            await brands.edit(at.brand_id, at.staff_id, at.brand_id, version, columns(body))
        )


async def place_map(request: Request) -> Response:
    """`GET /api/hq/map`: where everything is."""
    at = office(request)
    return reply(await at.commerce.places.map(at.brand_id))


_BRAND_CHANGES = changes_of(BrandDraft)
_KINDS = (
    PlaceRoutes("/api/hq/cities", "city", lambda places: places.cities, CityDraft),
    PlaceRoutes("/api/hq/estates", "estate", lambda places: places.estates, EstateDraft, _estate),
    PlaceRoutes("/api/hq/stores", "store", lambda places: places.stores, StoreDraft, _store),
    PlaceRoutes(
        "/api/hq/warehouses", "warehouse", lambda places: places.warehouses, WarehouseDraft
    ),
)

routes = [
    *(route for kind in _KINDS for route in kind.routes()),
    Route("/api/hq/brand", brand, methods=["GET"]),
    Route("/api/hq/brand", edit_brand, methods=["PATCH"]),
    Route("/api/hq/map", place_map, methods=["GET"]),
]
