"""Facts as columns of the lake's tables."""

from msgspec.structs import replace

from insight.columns import after, columns_of, rows_in
from insight.tables import TABLES
from tests.support.lake_facts import AT_MS, FactMaker


def test_columns_are_those_of_the_tables_and_of_one_length() -> None:
    history = FactMaker()
    history.order("o1", ("tea", 2, 1_000), ("pear", 1, 501))
    history.order("o2", ("tea", 1, 500))
    history.moved("o1", 2, "new", "picking")
    place = {"room_id": "demo", "product_id": "tea"}
    history.add("card.opened", {**place, "dwell_ms": 900})
    history.add("live.watched", {"room_id": "demo", "watched_ms": 30_000})
    history.add("bag.added", {**place, "units": 2})
    found = columns_of(history.made)
    columns = {table.name: {column.name for column in table.columns} for table in TABLES}
    for name, values in found.items():
        assert set(values) == columns[name]
        assert {len(each) for each in values.values()} == {rows_in(values)}
    assert "rejected" not in found
    lines = found["order_lines"]
    assert (lines["line"], lines["before_fen"]) == ([0, 1, 0], [0, 1_000, 0])
    assert lines["order_id"] == ["o1", "o1", "o2"]
    events = found["page_events"]
    assert events["kind"] == ["card.opened", "live.watched", "bag.added"]
    assert (events["units"], events["duration_ms"]) == ([0, 0, 2], [900, 30_000, 0])
    assert events["product_id"] == ["tea", "", "tea"]


def test_a_broken_fact_is_rejected_alone_with_its_reason() -> None:
    history = FactMaker()
    for number in range(3):
        history.money(f"o{number}", "charge", 100 + number)
    facts = history.made
    facts[1] = replace(facts[1], payload={**facts[1].payload, "amount_fen": -1})
    facts.append(replace(facts[0], sequence=4, occurred_ms=1 << 60))
    facts.append(replace(facts[0], sequence=5, source="pages"))
    found = columns_of(facts)
    assert found["money"]["amount_fen"] == [100, 102]
    rejected = found["rejected"]
    assert rejected["sequence"] == [2, 4, 5]
    assert rejected["reason"] == [
        "Expected `int` >= 0 - at `$.amount_fen`",
        "occurred_ms out of range",
        "topic 'money.moved' does not come from pages",
    ]
    assert rows_in(found["facts"]) == 5
    assert found["facts"]["occurred_at"] == [AT_MS] * 5


def test_a_payload_is_one_line_of_json_whatever_is_in_it() -> None:
    history = FactMaker()
    history.money("a\nb\r\u2028", "charge", 1)
    history.money("c", "charge", 2)
    payloads = columns_of(history.made)["facts"]["payload"]
    assert payloads[1] == '{"order_id":"c","kind":"charge","amount_fen":2}'
    assert len(payloads) == 2


def test_rows_up_to_a_number_are_left_out_in_any_order() -> None:
    history = FactMaker()
    history.add("bag.added", {"room_id": "r", "product_id": "tea", "units": 1})
    history.add("live.watched", {"room_id": "r", "watched_ms": 1})
    history.add("bag.added", {"room_id": "r", "product_id": "pear", "units": 3})
    events = columns_of(history.made)["page_events"]
    assert events["sequence"] == [1, 3, 2]
    assert after(events, 1)["units"] == [3, 0]
    assert after(events, 0) is events
    assert rows_in(after(events, 3)) == 0
