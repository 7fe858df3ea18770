"""The registry of outbox handlers."""

from commerce.io.outbox.handlers import HANDLERS
from commerce.io.record.postings import Topic


def test_every_topic_has_one_handler() -> None:
    assert set(HANDLERS) == set(Topic)
    assert len(set(HANDLERS.values())) == len(HANDLERS)


def test_the_gate_is_updated_before_rooms_and_money_goes_last() -> None:
    order = list(HANDLERS)
    gate = [order.index(topic) for topic in (Topic.PRODUCT, Topic.RESTOCK, Topic.RELEASE)]
    shown = [order.index(topic) for topic in (Topic.PIN, Topic.GROUP, Topic.STOCK, Topic.ORDER)]
    assert max(gate) < min(shown) < max(shown) < order.index(Topic.REFUND) == len(order) - 1
