"""Ratings: given by buyers, shown on cards, hidden by the head office."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, select, update

from commerce.after_sales.ratings import (
    SHOWN_FROM,
    STARS,
    TAGS_MAX,
    WORDS_MAX,
    Stars,
    Tag,
    check_ratable,
    is_held,
    stars_of,
)
from commerce.after_sales.refunds import paid_parts
from commerce.catalogue.values import Text
from commerce.errors import InvalidField, NotFound
from commerce.io.record.facts import rating_changed
from commerce.io.record.order_lines import orders_of
from commerce.io.record.rows import ORDERS
from commerce.io.record.schema import orders
from commerce.io.record.schema_after_sales import ratings
from commerce.io.shop.after_sales.values import NewRating, PartRating
from commerce.io.shop.context import ShopContext

LISTED_MAX = 200
COMMENTS_MAX = 20  # shown of a product


@dataclass(frozen=True, slots=True)
class Comment:
    """What others see of a rating: no name."""

    stars: int
    tags: tuple[Tag, ...]
    words: str
    rated_at_ms: int


@dataclass(frozen=True, slots=True)
class ListedRating:
    """A rating as the head office sees it."""

    order_id: str
    line: int
    part: int
    product_id: str
    name: Text
    stars: int
    tags: tuple[Tag, ...]
    words: str
    held: bool
    hidden: bool
    edited_at_ms: int


class Ratings:
    """The use cases around ratings."""

    def __init__(self, shop: ShopContext) -> None:
        self._shop = shop

    async def rate(self, guest_id: str, new: NewRating) -> PartRating:
        """Rate a part, or change its rating of the last day.

        Raises:
            NotFound: The guest has no such order, or it no such part.
            InvalidField: Too many stars, tags or words.
            NotRatable: It may not be rated now.
        """
        _check(new)
        at_ms = self._shop.clock()
        words = new.words.strip()
        key = (
            (ratings.c.order_id == new.order_id)
            & (ratings.c.line == new.line)
            & (ratings.c.part == new.part)
        )
        async with self._shop.record.write() as connection:
            which = ORDERS.where(orders.c.id == new.order_id).with_for_update()
            found = await connection.run_sync(orders_of, which)
            if not found or found[0].guest_id != guest_id:
                raise NotFound("order", new.order_id)
            [order] = found
            part = next((p for p in paid_parts(order) if p.key == (new.line, new.part)), None)
            if part is None:
                raise NotFound("part", f"{new.line}-{new.part}")
            rated_at_ms = await connection.scalar(select(ratings.c.rated_at_ms).where(key))
            check_ratable(order.handed_over_at_ms, rated_at_ms, at_ms)
            held = bool(words) and is_held(words)
            said = {
                "stars": new.stars,
                "tags": " ".join(new.tags),
                "words": words,
                "held": held,
                "edited_at_ms": at_ms,
            }
            if rated_at_ms is None:
                values = {
                    "order_id": order.id,
                    "line": new.line,
                    "part": new.part,
                    "brand_id": self._shop.catalogue.brand_id("store", order.store_id),
                    "product_id": part.item_id,
                    "guest_id": guest_id,
                    "rated_at_ms": at_ms,
                }
                await connection.execute(insert(ratings), {**values, **said})
            else:
                await connection.execute(update(ratings).where(key).values(said))
            row = (await connection.execute(select(ratings).where(key))).one()
            await connection.run_sync(rating_changed, row, at_ms)
        return PartRating(new.stars, new.tags, words, held, rated_at_ms or at_ms)

    async def of_products(self, product_ids: Sequence[str]) -> dict[str, Stars]:
        """What cards show of these products; nothing of those with few ratings."""
        query = (
            select(ratings.c.product_id, func.sum(ratings.c.stars), func.count())
            .where(ratings.c.product_id.in_(product_ids), ratings.c.hidden.is_(False))
            .group_by(ratings.c.product_id)
        )
        async with self._shop.record.read() as connection:
            rows = await connection.execute(query)
            return stars_of((product_id, int(total), count) for product_id, total, count in rows)

    async def comments(self, product_id: str) -> list[Comment]:
        """What neighbours wrote about a product, newest first; nothing of one with few ratings."""
        shown = (
            (ratings.c.product_id == product_id)
            & ratings.c.hidden.is_(False)
            & ratings.c.held.is_(False)
        )
        async with self._shop.record.read() as connection:
            rows = await connection.execute(
                select(ratings)
                .where(shown)
                .order_by(ratings.c.rated_at_ms.desc(), ratings.c.order_id)
                .limit(COMMENTS_MAX)
            )
            found = [Comment(r.stars, _tags(r.tags), r.words, r.rated_at_ms) for r in rows]
        return found if len(found) >= SHOWN_FROM else []

    async def listed(self, brand_id: str, *, held: bool = False) -> list[ListedRating]:
        """Ratings of a brand, last edited first; with `held`, those whose words wait."""
        which = ratings.c.brand_id == brand_id
        if held:
            which &= ratings.c.held & ratings.c.hidden.is_(False)
        async with self._shop.record.read() as connection:
            rows = await connection.execute(
                select(ratings)
                .where(which)
                .order_by(ratings.c.edited_at_ms.desc(), ratings.c.order_id)
                .limit(LISTED_MAX)
            )
            return [self._listed(row) for row in rows]

    async def moderate(
        self, brand_id: str, key: tuple[str, int, int], *, hidden: bool, staff_id: str
    ) -> ListedRating:
        """Hide a rating, or show it with its words.

        Raises:
            NotFound: The brand has no such rating.
        """
        at_ms = self._shop.clock()
        order_id, line, part = key
        which = (
            (ratings.c.order_id == order_id)
            & (ratings.c.line == line)
            & (ratings.c.part == part)
            & (ratings.c.brand_id == brand_id)
        )
        async with self._shop.record.write() as connection:
            changed = await connection.execute(
                update(ratings).where(which).values(hidden=hidden, held=False).returning(*ratings.c)
            )
            row = changed.one_or_none()
            if row is None:
                raise NotFound("rating", order_id)
            await connection.run_sync(rating_changed, row, at_ms)
            subject, after = f"{order_id}|{line}|{part}", {"hidden": hidden}
            await self._shop.audit(
                connection, staff_id, "rating.moderate", subject, {}, after, at_ms,
                brand_id=brand_id,
            )  # fmt: skip
        return self._listed(row)

    def _listed(self, row: Any) -> ListedRating:
        name = self._shop.catalogue.product(row.product_id).name
        key = (row.order_id, row.line, row.part, row.product_id, name)
        rest = (row.words, row.held, row.hidden, row.edited_at_ms)
        return ListedRating(*key, row.stars, _tags(row.tags), *rest)


def part_rating(row: Any) -> PartRating:
    """A rating of the record as its buyer sees it."""
    return PartRating(
        row["stars"], _tags(row["tags"]), row["words"], row["held"], row["rated_at_ms"]
    )


def _tags(joined: str) -> tuple[Tag, ...]:
    return tuple(Tag(tag) for tag in joined.split())


def _check(new: NewRating) -> None:
    if new.stars not in STARS:
        raise InvalidField("stars", "From 1 to 5.")
    if len(new.tags) > TAGS_MAX or len(set(new.tags)) < len(new.tags):
        raise InvalidField("tags", f"At most {TAGS_MAX}, each once.")
    if len(new.words) > WORDS_MAX:
        raise InvalidField("words", f"At most {WORDS_MAX} characters.")
