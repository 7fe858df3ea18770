"""The migrations make exactly the schema that the code knows, on both records."""

import dataclasses
import itertools

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.exc import IntegrityError

from commerce.after_sales import claims
from commerce.catalogue.values import City, Text
from commerce.coupons import campaigns
from commerce.groups import group
from commerce.io.audit import audit
from commerce.io.record.columns import metadata
from commerce.io.record.engine import Record, close_engine, open_engine
from commerce.io.record.migrate import newest_schema, upgrade
from commerce.io.record.schema import orders
from commerce.io.shop.catalogue.load import load_catalogue
from commerce.io.shop.seed import seed
from commerce.money import intents, refund_calls
from commerce.orders import states
from tests.support.commerce_shop import open_shop, shop_plan
from tests.support.notices import ordered
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


async def test_the_database_refuses_every_illegal_move_of_an_order_and_takes_every_legal_one(
    database_url: str, valkey_url: str
) -> None:
    legal = states.TRANSITIONS | states.REVERSALS
    pairs = list(itertools.product(states.OrderState, states.OrderState))
    async with open_shop(database_url, valkey_url) as shop:
        order_id = await ordered(shop, (await shop.commerce.people.add_guest("a", "e1")).guest.id)
        async with shop.commerce.record.write() as connection:
            await connection.run_sync(_copies, order_id, [f"{a}>{b}" for a, b in pairs])
            taken = set()
            for state, to in pairs:
                if await connection.run_sync(_moved, f"{state}>{to}", to.value):
                    taken.add((state, to))
            assert taken == legal | {(state, state) for state in states.OrderState}
            for nonsense in ("", "NEW", "lost", None):
                assert not await connection.run_sync(_moved, "new>new", nonsense)
            found = await connection.execute(text("SELECT id, state FROM orders"))
            now = {id: state for id, state in found if id != order_id}
            assert now == {f"{a}>{b}": (b if (a, b) in taken else a).value for a, b in pairs}


def _copies(connection: Connection, order_id: str, ids: list[str]) -> None:
    """Insert copies of an order whose ids begin with the state that they have."""
    row = connection.execute(select(orders).where(orders.c.id == order_id)).mappings().one()
    copies = [
        {**row, "id": id, "number": f"copy{n}", "state": id.partition(">")[0]}
        for n, id in enumerate(ids)
    ]
    connection.execute(insert(orders), copies)


def _moved(connection: Connection, order_id: str, to: str | None) -> bool:
    """Whether the database takes a move that nobody has checked."""
    try:
        with connection.begin_nested():
            move = text("UPDATE orders SET state = :to WHERE id = :id")
            connection.execute(move, {"to": to, "id": order_id})
    except IntegrityError:
        return False
    return True
