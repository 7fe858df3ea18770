"""Routes about goods: products, price and assortment rules, and why an offer is what it is."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.catalogue.sets import PART_UNITS_MAX, PARTS_MAX, PartRole, SetPart
from commerce.catalogue.values import HOUSEHOLD_LIMIT_DEFAULT
from commerce.io.shop.goods.goods import AllGoods
from commerce.io.shop.goods.products import food_as_columns
from commerce.io.shop.goods.rules import Rules
from commerce.money.tax import RATE_BP, RATE_BP_MAX
from server.http.bodies import Body, Id, path_id, problems, read_body, reply
from server.http.hq.common import bad_member, expected_version, office, page_query
from server.http.hq.editing import NewId, OptionalWords, Words, changes_of, columns, versioned
from server.http.hq.food import FoodDraft

PRICE_FEN_MAX = 100_000_000
GROUP_DURATION_S = 1_800
GROUP_TARGET = 10
TIME_MS_MAX = 253_402_300_800_000  # the year 10000

Fen = Annotated[int, Field(ge=1, le=PRICE_FEN_MAX)]
FenOrNone = Annotated[int, Field(ge=0, le=PRICE_FEN_MAX)]
Time = Annotated[int, Field(ge=0, le=TIME_MS_MAX)]
Image = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._/-]{1,190}$")]


class ProductDraft(Body):
    """A product; a group price of 0 stands for no group, bounds of 0 for no own prices."""

    id: NewId = ""
    name: Words
    unit: Words
    image: Image = "/goods/logo.svg"
    price_fen: Fen
    list_price_fen: Fen
    group_price_fen: FenOrNone = 0
    group_target: Annotated[int, Field(ge=1, le=100_000)] = GROUP_TARGET
    group_duration_s: Annotated[int, Field(ge=60, le=7 * 86_400)] = GROUP_DURATION_S
    own_price_min_fen: FenOrNone = 0
    own_price_max_fen: FenOrNone = 0
    household_limit: Annotated[int, Field(ge=1, le=10_000)] = HOUSEHOLD_LIMIT_DEFAULT
    on_sale: bool = True
    category_id: Id | Annotated[str, Field(max_length=0)] = ""
    food: FoodDraft | None = None
    variant_of: Id | Annotated[str, Field(max_length=0)] = ""
    option: OptionalWords = OptionalWords()
    tax_bp: Annotated[int, Field(ge=0, le=RATE_BP_MAX)] = RATE_BP


class PartDraft(Body):
    """So many units of an item in a set."""

    product_id: Id
    units: Annotated[int, Field(ge=1, le=PART_UNITS_MAX)] = 1
    role: PartRole = PartRole.OTHER


class NewProduct(ProductDraft):
    """A product to add; with parts it is a set, whose recipe an edit cannot change."""

    parts: Annotated[tuple[PartDraft, ...], Field(max_length=PARTS_MAX)] = ()


class RuleDraft(Body):
    """What rules of both kinds have; from 0 is from ever on, until 0 is for ever."""

    product_id: Id
    scope_id: Id | Annotated[str, Field(max_length=0)] = ""
    from_ms: Time = 0
    until_ms: Time = 0


class PriceRuleDraft(RuleDraft):
    """A price for a scope."""

    scope: Literal["brand", "city", "estate", "store", "member", "live"]
    price_fen: Fen


class AssortmentRuleDraft(RuleDraft):
    """Whether a scope is offered a product."""

    scope: Literal["brand", "city", "estate"]
    offered: bool


_NONE_IF_0 = (
    "category_id",
    "group_price_fen",
    "own_price_min_fen",
    "own_price_max_fen",
    "until_ms",
)
_FIXED = ("product_id", "scope", "scope_id")


def stored(values: dict[str, object]) -> dict[str, object]:
    """Return columns, with NULL where a 0 or "" stands for none."""
    food = values.pop("food", None)
    if isinstance(food, FoodDraft):
        values |= food_as_columns(food.value())
    values |= {name: values[name] or None for name in _NONE_IF_0 if name in values}
    return values


async def products(request: Request) -> Response:
    """`GET /api/hq/products`: a page of the brand's products.

    With `?category=` of one, with `?family=` a product and its variants.
    """
    at = office(request)
    with problems():
        given = request.query_params
        category_id, head_id = given.get("category", ""), given.get("family", "")
        goods = at.commerce.goods.products
        return reply(await goods.page_of(at.brand_id, page_query(request), category_id, head_id))


async def product(request: Request) -> Response:
    """`GET /api/hq/products/{product}`: one of them."""
    at = office(request)
    with problems():
        id = path_id(request, "product")
        return versioned(await at.commerce.goods.products.get(at.brand_id, id))


async def add_product(request: Request) -> Response:
    """`POST /api/hq/products`: a new one."""
    at = office(request)
    body = await read_body(request, NewProduct)
    parts = [SetPart(part.product_id, part.units, 0, part.role) for part in body.parts]
    with problems():
        values = stored(columns(body, whole=True))
        del values["parts"]
        goods, who = at.commerce.goods.products, (at.brand_id, at.staff_id, body.id, values)
        return versioned(await (goods.add_set(*who, parts) if parts else goods.add(*who)), 201)


async def edit_product(request: Request) -> Response:
    """`PATCH /api/hq/products/{product}` with If-Match: some of its members."""
    at = office(request)
    id, version = path_id(request, "product"), expected_version(request)
    body = await read_body(request, _PRODUCT_CHANGES)
    with problems():
        values = stored(columns(body))
        goods = at.commerce.goods.products
        return versioned(await goods.edit(at.brand_id, at.staff_id, id, version, values))


async def why(request: Request) -> Response:
    """`GET /api/hq/products/{product}/why`: which rules make an offer what it is."""
    at = office(request)
    given = request.query_params
    at_ms = given.get("at_ms", "")
    if at_ms and not (at_ms.isascii() and at_ms.isdecimal() and int(at_ms) <= TIME_MS_MAX):
        raise bad_member("at_ms", "UTC in milliseconds.")
    with problems():
        return reply(
            await at.commerce.goods.explanations.why(
                at.brand_id,
                path_id(request, "product"),
                given.get("estate", ""),
                given.get("room", ""),
                int(at_ms) if at_ms else None,
            )
        )


async def by_estate(request: Request) -> Response:
    """`GET /api/hq/products/{product}/estates`: what every estate is offered now."""
    at = office(request)
    with problems():
        id = path_id(request, "product")
        rows = await at.commerce.goods.explanations.by_estate(at.brand_id, id)
    return reply({"rows": rows, "total": len(rows)})


@dataclass(frozen=True)
class RuleRoutes:
    """The routes of one kind of rules: list, one, add, edit, delete."""

    path: str
    rules: Callable[[AllGoods], Rules]
    draft: type[RuleDraft]
    changes: type[BaseModel] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "changes", changes_of(self.draft))

    def routes(self) -> list[Route]:
        """The list, and one of it."""
        one = f"{self.path}/{{rule}}"
        return [
            Route(self.path, self.page, methods=["GET"]),
            Route(self.path, self.add, methods=["POST"]),
            Route(one, self.get, methods=["GET"]),
            Route(one, self.edit, methods=["PATCH"]),
            Route(one, self.delete, methods=["DELETE"]),
        ]

    async def page(self, request: Request) -> Response:
        """`GET`: a page of the brand's rules, with `?product=` of one product."""
        at = office(request)
        with problems():
            rules, product_id = self.rules(at.commerce.goods), request.query_params.get("product")
            return reply(await rules.page_of(at.brand_id, page_query(request), product_id or ""))

    async def get(self, request: Request) -> Response:
        """`GET …/{rule}`: one of them."""
        at = office(request)
        with problems():
            id = path_id(request, "rule")
            return versioned(await self.rules(at.commerce.goods).get(at.brand_id, id))

    async def add(self, request: Request) -> Response:
        """`POST`: a new one."""
        at = office(request)
        body = await read_body(request, self.draft)
        with problems():
            values = stored(columns(body, whole=True))
            rules = self.rules(at.commerce.goods)
            return versioned(await rules.add(at.brand_id, at.staff_id, "", values), 201)

    async def edit(self, request: Request) -> Response:
        """`PATCH …/{rule}` with If-Match: its window and value; product and scope stay."""
        at = office(request)
        id, version = path_id(request, "rule"), expected_version(request)
        body = await read_body(request, self.changes)
        fixed = body.model_fields_set & set(_FIXED)
        if fixed:
            raise bad_member(min(fixed), "It stays; add another rule.")
        with problems():
            values: Any = stored(columns(body))
            rules = self.rules(at.commerce.goods)
            return versioned(await rules.edit(at.brand_id, at.staff_id, id, version, values))

    async def delete(self, request: Request) -> Response:
        """`DELETE …/{rule}` with If-Match: it is gone."""
        at = office(request)
        id, version = path_id(request, "rule"), expected_version(request)
        with problems():
            await self.rules(at.commerce.goods).delete(at.brand_id, at.staff_id, id, version)
        return Response(status_code=204)


_PRODUCT_CHANGES = changes_of(ProductDraft)
_RULES = (
    RuleRoutes("/api/hq/price-rules", lambda goods: goods.prices, PriceRuleDraft),
    RuleRoutes("/api/hq/assortment-rules", lambda goods: goods.assortment, AssortmentRuleDraft),
)

routes = [
    Route("/api/hq/products", products, methods=["GET"]),
    Route("/api/hq/products", add_product, methods=["POST"]),
    Route("/api/hq/products/{product}", product, methods=["GET"]),
    Route("/api/hq/products/{product}", edit_product, methods=["PATCH"]),
    Route("/api/hq/products/{product}/why", why, methods=["GET"]),
    Route("/api/hq/products/{product}/estates", by_estate, methods=["GET"]),
    *(route for kind in _RULES for route in kind.routes()),
]
