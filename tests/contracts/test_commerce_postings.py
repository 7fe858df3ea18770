"""Postings: one module writes every move of money, stock and orders, each move once."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

import commerce
from commerce.errors import IllegalMove
from commerce.io.record.order_postings import cancel_orders, move_order
from commerce.io.record.postings import Topic, enqueue, post_transfers, receive_stock
from commerce.io.record.refund_postings import book_refund_calls, send_refund_calls
from commerce.money.refund_calls import CallState, RefundPace
from commerce.money.transfers import charged
from commerce.orders.order import OrderRow
from commerce.orders.states import OrderState
from commerce.views import OrderView
from tests.support.commerce_shop import Shop, open_shop, running
from tests.support.records import each_record

database_url = each_record

MOVED = (
    "money_transfers",
    "refunds",
    "refund_calls",
    "stock",
    "stock_moves",
    "orders",
    "order_moves",
    "outbox",
    "balances",
    "lot_moves",
    "slots",
    "order_routes",
)
READS = ("select", "join", "outerjoin", "select_from", "correlate")
RAW_WRITE = re.compile(rf"(?i)\b(INTO|UPDATE|DELETE\s+FROM)\s+({'|'.join(MOVED)})\b")


def writes(source: str) -> Iterator[str]:
    """Uses of a moved table that are neither a column of it nor a plain read."""
    tree = ast.parse(source)
    tables: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            "commerce.io.record.schema"
        ):
            tables |= {alias.asname or alias.name: alias.name for alias in node.names}
    read: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ("c", "alias"):
            read.add(id(node.value))
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in READS:
            read |= {id(argument) for argument in node.args}
        elif isinstance(node, ast.ImportFrom) and "schema" in [alias.name for alias in node.names]:
            yield "the whole schema is imported"
        elif isinstance(node, ast.Constant) and RAW_WRITE.search(str(node.value)):
            yield str(node.value)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Load):
            continue
        if tables.get(node.id) in MOVED and id(node) not in read:
            yield f"{node.id} in line {node.lineno}"


def test_only_postings_writes_moves() -> None:
    root = Path(commerce.__file__).parent
    known = {
        "io/record/postings.py",
        "io/record/order_postings.py",
        "io/record/refund_postings.py",
        "io/record/lots.py",
        "io/record/refund_rows.py",
        "io/record/slots.py",
        "io/record/schema.py",
        "io/record/schema_refunds.py",
        "io/outbox/relay.py",
        # A whole brand leaves or comes back, with all that its rows add up to.
        "io/shop/brands/delete.py",
        "io/shop/brands/load.py",
    }
    found = {
        path.relative_to(root).as_posix(): list(writes(path.read_text("utf-8")))
        for path in root.rglob("*.py")
        if "migrations" not in path.parts
    }
    assert {name for name, lines in found.items() if lines and name not in known} == set()
    # The relay deletes what it delivered and postpones the rest; it makes no rows.
    relay = (root / "io/outbox/relay.py").read_text("utf-8")
    assert len(found["io/outbox/relay.py"]) == 2
    rows = re.compile(r"\b(insert_refunds|make_call|move_calls|finish_refunds)\(")
    callers = {path.name for path in root.rglob("*.py") if rows.search(path.read_text("utf-8"))}
    assert callers == {"refund_postings.py", "refund_rows.py"}
    for inner, caller in (
        (r"record\.lots import [^)]*\b(write_lot_moves|follow)\b", "postings.py"),
        (
            r"record\.slots import [^)]*\b(change_taken|plan_slots|add_routes)\b",
            "order_postings.py",
        ),
    ):
        pattern = re.compile(rf"from commerce\.io\.{inner}")
        sources = {path.name: path.read_text("utf-8") for path in root.rglob("*.py")}
        callers = {name for name, source in sources.items() if pattern.search(source)}
        assert callers == {caller}
    assert ("delete(outbox)" in relay, "update(outbox)" in relay) == (True, True)


@pytest.mark.parametrize(
    "write",
    [
        "c.execute(insert(stock_moves), rows)",
        "c.execute(orders.update())",
        "_put(c, stock, rows)",
        "table = outbox",
        "c.execute(text('UPDATE orders SET state = 1'))",
        "c.execute(text('DELETE  from refunds'))",
        "from commerce.io.record import schema",
    ],
)
def test_a_write_elsewhere_is_found(write: str) -> None:
    head = f"from commerce.io.record.schema import {', '.join(MOVED)}\n"
    assert list(writes(head + write))
    assert not list(writes(head + "select(orders).join(stock).where(orders.c.id == stock.c.id)"))


async def bought(shop: Shop) -> OrderRow:
    """One confirmed order."""
    async with running(shop.commerce):
        order = await shop.commerce.orders.place(shop.tap("anna", quantity=2))
    assert isinstance(order, OrderView)
    return await shop.commerce.orders.get(order.id)


async def rows(shop: Shop, query: str) -> list[tuple[object, ...]]:
    """The rows of a query."""
    async with shop.commerce.record.read() as connection:
        return [tuple(row) for row in await connection.execute(text(query))]


async def test_an_order_that_another_transaction_moved_is_not_moved_again(
    database_url: str, valkey_url: str
) -> None:
    async with open_shop(database_url, valkey_url) as shop:
        stale = await bought(shop)
        async with shop.commerce.record.write() as connection:
            await connection.run_sync(move_order, stale, OrderState.PICKING, "clerk", 5)
        for to in (OrderState.PICKING, OrderState.CANCELLED):
            with pytest.raises(IllegalMove):
                async with shop.commerce.record.write() as connection:
                    await connection.run_sync(move_order, stale, to, "clerk", 6)
        with pytest.raises(IllegalMove):
            async with shop.commerce.record.write() as connection:
                await connection.run_sync(cancel_orders, [stale], "store", "clerk", 6)
        assert await rows(shop, "SELECT version, to_state, at_ms FROM order_moves") == [
            (2, "picking", 5)
        ]
        assert await rows(shop, "SELECT kind FROM stock_moves WHERE order_id IS NOT NULL") == [
            ("sell",)
        ]


async def test_a_refund_is_booked_once_and_a_transfer_of_a_kind_is_written_once(
    database_url: str, valkey_url: str
) -> None:
    async with open_shop(database_url, valkey_url) as shop:
        order = await bought(shop)
        async with shop.commerce.record.write() as connection:
            await connection.run_sync(cancel_orders, [order], "store", "clerk", 5)
        async with shop.commerce.record.write() as connection:
            [call], _ = await connection.run_sync(send_refund_calls, [order.id], RefundPace(), 6)
        for at_ms in (6, 7):
            async with shop.commerce.record.write() as connection:
                done = [(call, CallState.DONE)]
                await connection.run_sync(book_refund_calls, done, at_ms)
        assert await rows(shop, "SELECT kind, amount_fen FROM money_transfers ORDER BY id") == [
            ("charge", 1_980),
            ("refund", 1_980),
        ]
        assert await rows(shop, "SELECT refunded_fen FROM orders") == [(1_980,)]
        assert await rows(shop, "SELECT done_at_ms FROM refunds") == [(6,)]
        with pytest.raises(IntegrityError):
            async with shop.commerce.record.write() as connection:
                await connection.run_sync(post_transfers, [charged(order.id, 1, 8)])


async def test_received_units_add_up_and_are_enqueued_for_the_gate(
    database_url: str, valkey_url: str
) -> None:
    async with open_shop(database_url, valkey_url) as shop:
        for store_id in ("s1", "s2"):  # a row that exists, and one that does not
            async with shop.commerce.record.write() as connection:
                await connection.run_sync(receive_stock, "tea", store_id, 7, 5)
        assert await rows(
            shop,
            "SELECT store_id, on_hand, sold, moves FROM stock WHERE product_id = 'tea' ORDER BY 1",
        ) == [("s1", 107, 0, 2), ("s2", 7, 0, 1)]
        assert await rows(
            shop, "SELECT subject, units FROM outbox WHERE topic = 'restock' AND due_at_ms = 5"
        ) == [("tea|s1", 7), ("tea|s2", 7)]


async def test_nothing_is_enqueued_by_a_transaction_that_fails(
    database_url: str, valkey_url: str
) -> None:
    async with open_shop(database_url, valkey_url) as shop:
        before = await rows(shop, "SELECT COUNT(*) FROM outbox")
        with pytest.raises(OSError):
            async with shop.commerce.record.write() as connection:
                await connection.run_sync(enqueue, Topic.STOCK, ["tea"], 5)
                raise OSError
        assert await rows(shop, "SELECT COUNT(*) FROM outbox") == before
