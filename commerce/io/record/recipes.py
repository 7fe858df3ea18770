"""Recipes of set meals in the record: versions that are written once, and which one is current."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, func, insert, select, tuple_, update

from commerce.catalogue.sets import ProductKind, SetPart
from commerce.io.record.rows import set_part_of
from commerce.io.record.schema import products
from commerce.io.record.schema_sets import set_parts

Version = tuple[str, int]  # of a set's recipe


def current_recipes(connection: Connection) -> dict[str, tuple[SetPart, ...]]:
    """Return the parts of every set that is sold, by its id."""
    rows = connection.execute(
        select(set_parts)
        .join(
            products,
            (products.c.id == set_parts.c.set_id)
            & (products.c.recipe_version == set_parts.c.recipe_version),
        )
        .where(products.c.kind == ProductKind.SET)
        .order_by(set_parts.c.set_id, set_parts.c.part)
    )
    found: dict[str, tuple[SetPart, ...]] = {}
    for row in rows.mappings():
        found[row["set_id"]] = (*found.get(row["set_id"], ()), set_part_of(row))
    return found


def recipes_of(
    connection: Connection, versions: Collection[Version]
) -> dict[Version, tuple[SetPart, ...]]:
    """Return the parts of versions of recipes; a version that never was is left out."""
    if not versions:
        return {}
    key = tuple_(set_parts.c.set_id, set_parts.c.recipe_version)
    rows = connection.execute(
        select(set_parts)
        .where(key.in_(sorted(versions)))
        .order_by(set_parts.c.set_id, set_parts.c.recipe_version, set_parts.c.part)
    )
    found: dict[Version, tuple[SetPart, ...]] = {}
    for row in rows.mappings():
        version = (row["set_id"], row["recipe_version"])
        found[version] = (*found.get(version, ()), set_part_of(row))
    return found


def publish_recipes(connection: Connection, wanted: Mapping[str, Sequence[SetPart]]) -> None:
    """Make products sets of these parts, or items where there are none.

    Parts that differ from the current ones become the next version; their items must be written.
    """
    current = current_recipes(connection)
    # Items first: a product may become one, and part of a set, at once.
    for set_id, parts in sorted(wanted.items(), key=lambda recipe: bool(recipe[1])):
        if tuple(parts) == current.get(set_id, ()):
            continue
        values: dict[str, object] = {"kind": ProductKind.ITEM.value}
        if parts:
            version = _next_version(connection, set_id)
            values = {"kind": ProductKind.SET.value, "recipe_version": version}
            connection.execute(
                insert(set_parts),
                [
                    {
                        "set_id": set_id,
                        "recipe_version": version,
                        "part": number,
                        "item_id": part.item_id,
                        "units": part.units,
                        "share_bp": part.share_bp,
                        "role": part.role.value,
                    }
                    for number, part in enumerate(parts)
                ],
            )
        connection.execute(update(products).where(products.c.id == set_id).values(values))


def _next_version(connection: Connection, set_id: str) -> int:
    newest = connection.scalar(
        select(func.max(set_parts.c.recipe_version)).where(set_parts.c.set_id == set_id)
    )
    return (newest or 0) + 1
