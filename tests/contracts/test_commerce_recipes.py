"""Recipes in the record: versions that stay as they were, and no sets in sets."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from commerce.catalogue.sets import PartRole, SetPart
from commerce.io.record.engine import Record, close_engine, open_engine
from commerce.io.record.migrate import upgrade
from commerce.io.record.recipes import recipes_of
from commerce.io.shop.catalogue.load import load_catalogue
from commerce.io.shop.seed import seed
from tests.support.commerce_shop import shop_plan, with_dinner
from tests.support.commerce_shop import text as words

FIRST = (SetPart("tea", 2, 6_000, PartRole.MAIN), SetPart("pear", 1, 4_000))
SECOND = (SetPart("tea", 1, 10_000),)


async def test_a_changed_recipe_is_a_new_version_and_the_old_one_stays(database_url: str) -> None:
    engine = open_engine(database_url)
    try:
        await upgrade(engine)
        for parts in (FIRST, FIRST, SECOND, (), FIRST):
            await seed(engine, with_dinner(shop_plan(), parts))
            async with Record(engine).read() as connection:
                dinner = (await load_catalogue(connection)).product("dinner")
            assert dinner.parts == parts
            assert (dinner.recipe, dinner.cooking_minutes) == (words("boil"), 30)
        assert dinner.recipe_version == 3
        async with Record(engine).read() as connection:
            versions = [("dinner", number) for number in (1, 2, 3, 4)]
            assert await connection.run_sync(recipes_of, versions) == {
                ("dinner", 1): FIRST,
                ("dinner", 2): SECOND,
                ("dinner", 3): FIRST,
            }
    finally:
        await close_engine(engine)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE set_parts SET units = 9",
        "UPDATE products SET kind = 'set' WHERE id = 'tea'",
        "INSERT INTO set_parts (set_id, recipe_version, part, item_id, units, share_bp, role) "
        "VALUES ('dinner', 2, 0, 'dinner', 1, 10000, 'main')",
    ],
    ids=["a version changes", "a part becomes a set", "a set in a set"],
)
async def test_the_database_refuses_what_recipes_must_not_be(
    database_url: str, statement: str
) -> None:
    engine = open_engine(database_url)
    try:
        await upgrade(engine)
        await seed(engine, with_dinner(shop_plan(), FIRST))
        with pytest.raises(DBAPIError):
            async with Record(engine).write() as connection:
                await connection.execute(text(statement))
    finally:
        await close_engine(engine)
