"""The vocabulary of facts."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from insight.errors import BadFact
from insight.facts import Fact, MoneyMoved, markdown, parse

PAID = Fact(
    source="record",
    sequence=7,
    topic="money.moved",
    version=1,
    occurred_ms=1_790_000_000_000,
    arrived_ms=1_790_000_000_100,
    brand="b",
    estate="",
    person="",
    trace="o1",
    payload={"order_id": "o1", "kind": "charge", "amount_fen": 990},
)


def test_a_fact_of_the_vocabulary_is_read_as_its_topic_says() -> None:
    assert parse(PAID) == MoneyMoved(order_id="o1", kind="charge", amount_fen=990)


@pytest.mark.parametrize(
    "bad",
    [
        replace(PAID, topic="money.made"),
        replace(PAID, version=2),
        replace(PAID, occurred_ms=-1),
        replace(PAID, payload={"order_id": "o1", "kind": "charge"}),
        replace(PAID, payload={**PAID.payload, "amount_fen": -1}),
        replace(PAID, payload={**PAID.payload, "amount_fen": "990"}),
        replace(PAID, payload={**PAID.payload, "phone": "1"}),
    ],
)
def test_what_the_vocabulary_does_not_admit_is_refused_with_a_reason(bad: Fact) -> None:
    with pytest.raises(BadFact) as refused:
        parse(bad)
    assert refused.value.reason


def test_the_document_is_what_the_vocabulary_says() -> None:
    document = Path(__file__).parents[2] / "docs" / "facts.md"
    assert document.read_text("utf-8") == markdown()
