"""The offers of a brand: each estate's price and assortment, as its rules give them.

Most estates are offered what the brand offers everybody, so only those that differ are listed.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from commerce.catalogue.assortment import AssortmentRule, offered_at
from commerce.catalogue.pricing import PriceRule, price_at
from commerce.catalogue.rules import Place, Scope, boundaries
from commerce.catalogue.values import Estate, Product


@dataclass(frozen=True, slots=True)
class Offer:
    """What a product costs at a place, if it is offered there at all."""

    price_fen: int
    offered: bool


@dataclass(frozen=True, slots=True)
class EstateOffer:
    """An estate's offer where it is not that of everybody."""

    estate_id: str
    price_fen: int
    offered: bool
    member_fen: int | None = None


@dataclass(frozen=True, slots=True)
class RuleBook:
    """The rules of a brand by product. `version` grows with every change of them."""

    version: int = -1
    prices: Mapping[str, Sequence[PriceRule]] = field(default_factory=dict)
    assortment: Mapping[str, Sequence[AssortmentRule]] = field(default_factory=dict)

    def offer(self, product: Product, place: Place, *, at_ms: int) -> Offer:
        """The offer of a product at a place; the empty place stands for estates without rules."""
        prices = self.prices.get(product.id, ())
        assortment = self.assortment.get(product.id, ())
        return Offer(
            price_at(product.price_fen, product.own_price, prices, place, at_ms=at_ms)
            if prices
            else product.price_fen,
            offered_at(product.on_sale, assortment, place, at_ms=at_ms)
            if assortment
            else product.on_sale,
        )

    def differing(
        self,
        product: Product,
        estates: Iterable[Estate],
        room_id: str = "",
        *,
        at_ms: int,
        members: bool = False,
    ) -> tuple[EstateOffer, ...]:
        """The offers of the estates that are not offered what everybody in the room is.

        With `members`, what members pay there, too.
        """
        named = self._named(product.id)
        if not named:
            return ()
        common = self.offer(product, Place(room_id=room_id), at_ms=at_ms)
        found = []
        for estate in estates:
            if named.isdisjoint((estate.id, estate.city_id, estate.store_id)):
                continue
            place = place_of(estate, room_id)
            own = self.offer(product, place, at_ms=at_ms)
            if own != common:
                member_fen = self.member_fen(product, place, at_ms=at_ms) if members else None
                found.append(EstateOffer(estate.id, own.price_fen, own.offered, member_fen))
        return tuple(found)

    def member_fen(self, product: Product, place: Place, *, at_ms: int) -> int | None:
        """What members pay at a place, None where that is not less than everybody does."""
        if not self.has_member_prices(product.id):
            return None
        price_fen = self.offer(product, place, at_ms=at_ms).price_fen
        members_fen = self.offer(product, replace(place, member=True), at_ms=at_ms).price_fen
        return members_fen if members_fen < price_fen else None

    def rooms(self, product_id: str) -> set[str]:
        """The rooms in which a price of their own may hold."""
        rules = self.prices.get(product_id, ())
        return {rule.scope_id for rule in rules if rule.scope is Scope.LIVE}

    def has_member_prices(self, product_id: str) -> bool:
        """Whether a price for members may hold."""
        return any(rule.scope is Scope.MEMBER for rule in self.prices.get(product_id, ()))

    def changes(self, product_ids: Collection[str], after_ms: int) -> list[int]:
        """The times at which offers of products change by themselves, in order."""
        rules: list[PriceRule | AssortmentRule] = []
        for id in product_ids:
            rules += self.prices.get(id, ())
            rules += self.assortment.get(id, ())
        return boundaries(rules, after_ms)

    def _named(self, product_id: str) -> set[str]:
        rules: list[PriceRule | AssortmentRule] = [*self.prices.get(product_id, ())]
        rules += self.assortment.get(product_id, ())
        places = (Scope.CITY, Scope.ESTATE, Scope.STORE)
        return {rule.scope_id for rule in rules if rule.scope in places and rule.scope_id}


def rule_book(
    version: int, prices: Iterable[PriceRule], assortment: Iterable[AssortmentRule]
) -> RuleBook:
    """Return the book of these rules."""
    by_price: dict[str, list[PriceRule]] = {}
    for price in prices:
        by_price.setdefault(price.product_id, []).append(price)
    by_assortment: dict[str, list[AssortmentRule]] = {}
    for rule in assortment:
        by_assortment.setdefault(rule.product_id, []).append(rule)
    return RuleBook(version, by_price, by_assortment)


def place_of(estate: Estate, room_id: str = "") -> Place:
    """Where orders of an estate come from."""
    return Place(estate.id, estate.city_id, estate.store_id, room_id)
