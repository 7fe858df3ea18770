"""The migrations make exactly the schema that the code knows, on both records."""

import dataclasses

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from commerce.after_sales import claims
from commerce.catalogue.values import City, Text
from commerce.coupons import campaigns
from commerce.groups import group
from commerce.io.audit import audit
from commerce.io.record.columns import metadata
from commerce.io.record.engine import Record, close_engine, open_engine
from commerce.io.record.migrate import newest_schema, upgrade
from commerce.io.shop.catalogue.load import load_catalogue
from commerce.io.shop.seed import seed
from commerce.money import intents, refund_calls
from commerce.orders import states
from tests.support.commerce_shop import shop_plan
from tests.support.records import each_record

database_url = each_record


async def test_migrations_produce_the_schema_of_the_code(bare_database_url: str) -> None:
    engine = open_engine(bare_database_url)
    try:
        await upgrade(engine)
        async with engine.connect() as connection:
            assert await connection.run_sync(_differences) == []
            found = await connection.scalar(text("SELECT version_num FROM alembic_version"))
            assert found == newest_schema()
            for table, transitions in (
                ("order_transitions", states.TRANSITIONS | states.REVERSALS),
                ("group_transitions", group.TRANSITIONS),
                ("refund_call_transitions", refund_calls.TRANSITIONS),
                ("claim_transitions", claims.TRANSITIONS),
                ("coupon_transitions", campaigns.TRANSITIONS),
                ("intent_transitions", intents.TRANSITIONS),
            ):
                rows = await connection.execute(text(f"SELECT from_state, to_state FROM {table}"))
                assert {(a, b) for a, b in rows} == {(a.value, b.value) for a, b in transitions}
    finally:
        await close_engine(engine)


async def test_reloading_a_shop_keeps_its_stock(database_url: str) -> None:
    engine = open_engine(database_url)
    try:
        await upgrade(engine)
        await upgrade(engine)
        await seed(engine, shop_plan(7))
        await seed(engine, shop_plan(9))
        async with Record(engine).read() as connection:
            assert await connection.scalar(text("SELECT SUM(on_hand) FROM stock")) == 4 * 7
        assert await audit(engine) == []
    finally:
        await close_engine(engine)


def _differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return [
        difference
        for difference in compare_metadata(context, metadata)
        if "money_entries" not in str(difference)
    ]


async def test_estates_belong_to_the_city_of_the_shop_file(database_url: str) -> None:
    engine = open_engine(database_url)
    plan = shop_plan()
    city = City("hz", Text("杭州", "Hangzhou"))
    east = dataclasses.replace(plan.estates[0], city_id=city.id)
    try:
        await upgrade(engine)
        await seed(engine, dataclasses.replace(plan, cities=(city,), estates=(east,)))
        await seed(engine, plan)  # a file that names no city leaves the estate where it is
        async with Record(engine).read() as connection:
            catalogue = await load_catalogue(connection)
        assert catalogue.cities == {"hz": city}
        assert {estate.id: estate.city_id for estate in catalogue.estates.values()} == {
            "e1": "hz",
            "e2": "",
        }
    finally:
        await close_engine(engine)
