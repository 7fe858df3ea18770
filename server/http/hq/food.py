"""What bodies state about the food that a product is; `commerce.catalogue.food` has the words."""

from typing import Annotated

from pydantic import Field, StringConstraints

from commerce.catalogue import food
from commerce.catalogue.values import Text
from server.http.bodies import Body
from server.http.hq.editing import WORDS_MAX

_ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
_Celsius = Annotated[int, Field(ge=food.CELSIUS_MIN, le=food.CELSIUS_MAX)]
_Ingredients = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, max_length=food.INGREDIENTS_CHARS_MAX, pattern=_ONE_LINE
    ),
]
_Origin = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=WORDS_MAX, pattern=_ONE_LINE),
]


class IngredientsDraft(Body):
    """What a product is made of, or nothing."""

    zh: _Ingredients = ""
    en: _Ingredients = ""


class OriginDraft(Body):
    """Where it comes from, or nothing."""

    zh: _Origin = ""
    en: _Origin = ""


class StorageDraft(Body):
    """Where it is kept."""

    kind: Annotated[food.StorageKind, Field(strict=False)]
    min_c: _Celsius | None = None
    max_c: _Celsius | None = None


class NetDraft(Body):
    """How much is in one unit of sale."""

    amount: Annotated[int, Field(ge=1, le=food.NET_AMOUNT_MAX)]
    unit: Annotated[food.NetUnit, Field(strict=False)]


class FoodDraft(Body):
    """All of it; what is left out is not stated."""

    ingredients: IngredientsDraft | None = None
    allergens: Annotated[
        list[Annotated[food.Allergen, Field(strict=False)]],
        Field(max_length=len(food.Allergen), default_factory=list),
    ]
    shelf_life_days: Annotated[int, Field(ge=1, le=food.SHELF_LIFE_DAYS_MAX)] | None = None
    storage: StorageDraft | None = None
    net: NetDraft | None = None
    origin: OriginDraft | None = None

    def value(self) -> food.FoodInformation:
        """The same as commerce has it."""
        storage, net = self.storage, self.net
        return food.FoodInformation(
            _text(self.ingredients),
            food.in_order(self.allergens),
            self.shelf_life_days,
            food.Storage(storage.kind, storage.min_c, storage.max_c) if storage else None,
            food.NetContent(net.amount, net.unit) if net else None,
            _text(self.origin),
        )


def _text(words: IngredientsDraft | OriginDraft | None) -> Text | None:
    return Text(words.zh, words.en) if words and (words.zh or words.en) else None
