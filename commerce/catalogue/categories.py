"""The categories of a brand: a small tree that products hang in."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from commerce.catalogue.text import Text

CATEGORIES_MAX = 200  # of a brand
DEPTH_MAX = 3  # levels of the tree


@dataclass(frozen=True, slots=True)
class Category:
    """One of them; `parent_id` is "" for the first level, siblings are in the order of `rank`."""

    id: str
    name: Text
    parent_id: str = ""
    rank: int = 0


def tree_order(categories: Iterable[Category]) -> list[Category]:
    """Return every category before those below it, siblings by rank."""
    below = _children(categories)

    def walk(parent_id: str) -> Iterator[Category]:
        for category in sorted(below[parent_id], key=lambda one: (one.rank, one.id)):
            yield category
            yield from walk(category.id)

    return list(walk(""))


def path_to(categories: Mapping[str, Category], id: str) -> tuple[Category, ...]:
    """Return a category after those that it is below of, from the first level on."""
    found: list[Category] = []
    while (category := categories.get(id)) is not None and category not in found:
        found.append(category)
        id = category.parent_id
    return tuple(reversed(found))


def path_text(categories: Mapping[str, Category], id: str) -> Text | None:
    """Return that path as one line, None for no category."""
    path = path_to(categories, id)
    if not path:
        return None
    return Text(" / ".join(one.name.zh for one in path), " / ".join(one.name.en for one in path))


def subtree(categories: Iterable[Category], id: str) -> set[str]:
    """Return the id and those of all categories below it."""
    below = _children(categories)
    found, rest = {id}, [id]
    while rest:
        added = {child.id for child in below[rest.pop()]} - found
        found |= added
        rest += added
    return found


def fits(categories: Mapping[str, Category], id: str, parent_id: str) -> bool:
    """Whether a category, with all below it, may hang below another: no circle, not too deep."""
    own = subtree(categories.values(), id) if id in categories else {id}
    above = len(path_to(categories, parent_id))
    start = len(path_to(categories, id)) or 1
    height = max((len(path_to(categories, one)) for one in own), default=start) - start + 1
    return parent_id not in own and above + max(height, 1) <= DEPTH_MAX


def _children(categories: Iterable[Category]) -> defaultdict[str, list[Category]]:
    below: defaultdict[str, list[Category]] = defaultdict(list)
    for category in categories:
        below[category.parent_id].append(category)
    return below
