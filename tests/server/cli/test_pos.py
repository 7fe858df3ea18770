"""`linli pos`: a till that sells, returns, voids, and sends later what it sold offline."""

from pathlib import Path
from typing import Any

import pytest

from server.cli.pos import NotSent, Spool, TillSession
from server.errors import OperatorError

PRODUCTS = [
    {
        "product_id": "tea",
        "name": {"zh": "龙井茶", "en": "Tea"},
        "price_fen": 990,
        "codes": [{"code": "6901234567892", "grams_per_unit": None}],
    },
    {
        "product_id": "pear",
        "name": {"zh": "梨", "en": "Pear"},
        "price_fen": 800,
        "codes": [{"code": "2100123", "grams_per_unit": 1_000}],
    },
]


class Server:
    """Counts what it was sent; may be away."""

    def __init__(self) -> None:
        self.away = False
        self.bodies: list[dict[str, Any]] = []

    def __call__(self, body: dict[str, Any]) -> dict[str, Any]:
        """Take a body, or be away."""
        if self.away:
            raise NotSent("ConnectError")
        self.bodies.append(body)
        return {"lines": [], "cancelled": [], "found": 0}


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """A spool with prices."""
    kept = Spool(tmp_path / "pos")
    kept.keep_prices(PRODUCTS)
    return kept


def test_scans_and_names_add_up_and_are_sent_when_paid(spool: Spool) -> None:
    server = Server()
    till = TillSession(spool, server, lambda: 1_000)
    assert "龙井茶 × 1  ¥9.90" in till.command("6901234567892")
    assert "total ¥29.70" in till.command("tea x2")
    assert "梨 × 1  ¥11.60   total ¥41.30" in till.command("2100123014507")
    assert "receipt 1000 · card · sent" in till.command("pay card")
    [body] = server.bodies
    assert body["voids"] == []
    [receipt] = body["receipts"]
    assert receipt["payment"] == "card"
    assert [(line["item"], line["units"], line["amount_fen"]) for line in receipt["lines"]] == [
        ("6901234567892", 1, 990),
        ("tea", 2, 1_980),
        ("2100123014507", 1, 1_160),
    ]
    assert till.basket.items == []


def test_what_is_sold_while_the_server_is_away_is_sent_later_by_another_start(
    spool: Spool,
) -> None:
    server = Server()
    server.away = True
    till = TillSession(spool, server, lambda: 1_000)
    till.command("tea")
    assert "not sent (ConnectError), 1 waiting" in till.command("pay")
    assert "2 waiting" in till.command("void 1000")
    server.away = False
    later = TillSession(spool, server, lambda: 2_000)
    assert later.send() == "sent"
    assert [receipt["number"] for receipt in server.bodies[0]["receipts"]] == ["1000"]
    assert server.bodies[0]["voids"] == ["1000"]
    assert spool.waiting() == []


def test_an_offline_till_sends_nothing(spool: Spool) -> None:
    till = TillSession(spool, None, lambda: 1_000)
    till.command("pear")
    assert "offline, 1 waiting" in till.command("return destroy")
    [entry] = spool.waiting()
    assert entry["receipt"]["lines"][0]["kind"] == "return_destroyed"


def test_receipt_numbers_differ_although_the_clock_was_set_back(spool: Spool) -> None:
    assert [spool.next_number(at_ms) for at_ms in (5, 5, 3, 9)] == ["5", "6", "7", "9"]


def test_mistakes_are_answered_and_the_last_line_can_be_taken_back(spool: Spool) -> None:
    till = TillSession(spool, None, lambda: 1_000)
    assert till.command("fish") == "fish: no such product"
    assert till.command("6901234567890").endswith("no such product")
    assert "which one? 龙井茶, 梨" in till.command("e")
    assert till.command("pay") == "the basket is empty"
    till.command("tea x2")
    assert till.command("-").strip() == "total ¥0.00"


def test_a_till_that_was_never_online_has_nothing_to_sell(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="no prices yet"):
        TillSession(Spool(tmp_path), None, lambda: 0)
