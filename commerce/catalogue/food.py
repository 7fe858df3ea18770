"""What the law has a buyer of food know before the purchase: Regulation (EU) 1169/2011, GB 7718.

Temperatures in degrees Celsius.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from commerce.catalogue.text import Text

SHELF_LIFE_DAYS_MAX = 3_650
CELSIUS_MIN, CELSIUS_MAX = -60, 60
NET_AMOUNT_MAX = 1_000_000
INGREDIENTS_CHARS_MAX = 2_000


class Allergen(StrEnum):
    """The fourteen of Regulation (EU) 1169/2011, annex II, in its order."""

    GLUTEN = "gluten"
    CRUSTACEANS = "crustaceans"
    EGGS = "eggs"
    FISH = "fish"
    PEANUTS = "peanuts"
    SOYBEANS = "soybeans"
    MILK = "milk"
    NUTS = "nuts"
    CELERY = "celery"
    MUSTARD = "mustard"
    SESAME = "sesame"
    SULPHITES = "sulphites"
    LUPIN = "lupin"
    MOLLUSCS = "molluscs"


GB_7718 = frozenset(
    {
        Allergen.GLUTEN,
        Allergen.CRUSTACEANS,
        Allergen.FISH,
        Allergen.EGGS,
        Allergen.PEANUTS,
        Allergen.SOYBEANS,
        Allergen.MILK,
        Allergen.NUTS,
    }
)
"""The eight of GB 7718; the others are the EU's alone."""

ALLERGEN_NAMES = MappingProxyType(
    {
        Allergen.GLUTEN: Text("含麸质的谷物", "Cereals containing gluten"),
        Allergen.CRUSTACEANS: Text("甲壳类", "Crustaceans"),
        Allergen.EGGS: Text("蛋类", "Eggs"),
        Allergen.FISH: Text("鱼类", "Fish"),
        Allergen.PEANUTS: Text("花生", "Peanuts"),
        Allergen.SOYBEANS: Text("大豆", "Soybeans"),
        Allergen.MILK: Text("乳", "Milk"),
        Allergen.NUTS: Text("坚果", "Nuts"),
        Allergen.CELERY: Text("芹菜", "Celery"),
        Allergen.MUSTARD: Text("芥末", "Mustard"),
        Allergen.SESAME: Text("芝麻", "Sesame"),
        Allergen.SULPHITES: Text("亚硫酸盐", "Sulphites"),
        Allergen.LUPIN: Text("羽扇豆", "Lupin"),
        Allergen.MOLLUSCS: Text("软体动物", "Molluscs"),
    }
)


class StorageKind(StrEnum):
    """How warm a product is kept."""

    AMBIENT = "ambient"
    CHILLED = "chilled"
    FROZEN = "frozen"


class NetUnit(StrEnum):
    """What a net content is counted in."""

    GRAM = "g"
    MILLILITRE = "ml"
    PIECE = "piece"


@dataclass(frozen=True, slots=True)
class Storage:
    """Where a product is kept; without a temperature, the kind says enough."""

    kind: StorageKind
    min_c: int | None = None
    max_c: int | None = None


@dataclass(frozen=True, slots=True)
class NetContent:
    """How much is in one unit of sale."""

    amount: int
    unit: NetUnit


@dataclass(frozen=True, slots=True)
class FoodInformation:
    """Of one product; None is what nobody has stated."""

    ingredients: Text | None = None
    allergens: tuple[Allergen, ...] = ()
    shelf_life_days: int | None = None
    storage: Storage | None = None
    net: NetContent | None = None
    origin: Text | None = None


def in_order(allergens: Iterable[Allergen]) -> tuple[Allergen, ...]:
    """Return allergens once each, in the order of the annex."""
    found = set(allergens)
    return tuple(allergen for allergen in Allergen if allergen in found)
