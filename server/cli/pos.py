"""`linli pos`: a till in the terminal. What cannot be sent waits in a spool and goes out later."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from commerce.money.tills import PaymentKind
from commerce.supply.receipts import LINES_MAX, LineKind
from commerce.supply.till import Basket, Code, NotInCatalogue, TillCatalogue, TillProduct
from server.cli.console import out
from server.errors import OperatorError

WAIT_S = 5.0
SEND_MAX = 100  # receipts and voids that are sent together
COMMANDS = """\
CODE [x3]         scan a barcode, or type a product's id or name; x3 is three of it
-                 take the last line out of the basket
(an empty line)   show the basket
pay [card]        print the receipt; paid in cash, or by card
return [destroy] [card]  the basket comes back: on the shelf, or destroyed
void NUMBER       take back a whole receipt
send              send what waits
help, quit"""


class Spool:
    """Receipts and voids that wait to be sent, on disk before they are printed; and the prices."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._waiting = folder / "waiting.jsonl"
        self._prices = folder / "products.json"
        self._last = folder / "last-number"

    def add(self, entry: dict[str, Any]) -> None:
        """Keep an entry."""
        with self._waiting.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def waiting(self) -> list[dict[str, Any]]:
        """All entries, oldest first; a line that a power cut left in half was never printed."""
        entries = []
        for line in self._lines():
            try:
                entries.append(json.loads(line))
            except ValueError:
                continue
        return entries

    def drop(self, count: int) -> None:
        """Forget the oldest entries."""
        _replace(
            self._waiting, "".join(f"{json.dumps(entry)}\n" for entry in self.waiting()[count:])
        )

    def next_number(self, at_ms: int) -> str:
        """Return a receipt number that this till has not had, even if its clock was set back."""
        last = int(self._last.read_text()) if self._last.exists() else 0
        number = max(at_ms, last + 1)
        _replace(self._last, str(number))
        return str(number)

    def keep_prices(self, products: list[dict[str, Any]]) -> None:
        """Keep what can be sold while offline."""
        _replace(self._prices, json.dumps(products, ensure_ascii=False))

    def catalogue(self) -> TillCatalogue:
        """What can be sold.

        Raises:
            OperatorError: The till was never online.
        """
        if not self._prices.exists():
            raise OperatorError("no prices yet: start the till once without --offline")
        return TillCatalogue([_product(row) for row in json.loads(self._prices.read_text("utf-8"))])

    def _lines(self) -> Iterator[str]:
        if self._waiting.exists():
            yield from self._waiting.read_text("utf-8").splitlines()


class TillSession:
    """One cashier at work; each command returns what to show."""

    def __init__(
        self,
        spool: Spool,
        send: Callable[[dict[str, Any]], dict[str, Any]] | None,
        clock_ms: Callable[[], int],
    ) -> None:
        self._spool = spool
        self._send = send
        self._clock_ms = clock_ms
        self._catalogue = spool.catalogue()
        self.basket = Basket()

    def command(self, typed: str) -> str:
        """Do what was typed."""
        word, _, rest = typed.strip().partition(" ")
        match word.casefold():
            case "":
                return self._shown()
            case "help":
                return COMMANDS
            case "-":
                if self.basket.items:
                    self.basket.items.pop()
                return self._shown()
            case "pay" if rest in ("", "card", "cash"):
                return self._print(LineKind.SALE, PaymentKind(rest or "cash"))
            case "return" if set(rest.split()) <= {"destroy", "card", "cash"}:
                words = rest.split()
                kind = LineKind.RETURN_DESTROYED if "destroy" in words else LineKind.RETURN
                paid = PaymentKind.CARD if "card" in words else PaymentKind.CASH
                return self._print(kind, paid)
            case "void" if rest:
                self._spool.add({"void": rest.strip()})
                return f"receipt {rest.strip()} void · {self.send()}"
            case "send":
                return self.send()
        return self._add(typed)

    def send(self) -> str:
        """Send all that waits; what is refused or gets no answer goes on waiting."""
        if self._send is None:
            return f"offline, {len(self._spool.waiting())} waiting"
        notes: list[str] = []
        while waiting := self._spool.waiting():
            batch = _batch(waiting)
            body = {
                "sent_at_ms": self._clock_ms(),
                "receipts": [entry["receipt"] for entry in batch if "receipt" in entry],
                "voids": [entry["void"] for entry in batch if "void" in entry],
            }
            try:
                answer = self._send(body)
            except NotSent as error:
                return f"not sent ({error}), {len(waiting)} waiting"
            self._spool.drop(len(batch))
            notes += _notes(answer)
        return ", ".join(["sent", *notes])

    def _add(self, typed: str) -> str:
        if len(self.basket.items) >= LINES_MAX:
            return "the basket is full"
        try:
            item = self._catalogue.item(typed)
        except NotInCatalogue as error:
            return str(error)
        self.basket.items.append(item)
        return f"{item.name} × {item.units}  {_yuan(item.amount_fen)}   total {self._total()}"

    def _print(self, kind: LineKind, paid: PaymentKind) -> str:
        if not self.basket.items:
            return "the basket is empty"
        at_ms = self._clock_ms()
        number = self._spool.next_number(at_ms)
        lines = [
            {
                "line": at,
                "kind": kind.value,
                "item": item.item,
                "units": item.units,
                "amount_fen": item.amount_fen,
            }
            for at, item in enumerate(self.basket.items, 1)
        ]
        receipt = {"number": number, "at_ms": at_ms, "payment": paid.value, "lines": lines}
        self._spool.add({"receipt": receipt})
        shown = f"{self._shown()}\nreceipt {number} · {paid.value}"
        self.basket = Basket()
        return f"{shown} · {self.send()}"

    def _shown(self) -> str:
        rows = [
            f"  {item.name} × {item.units}  {_yuan(item.amount_fen)}" for item in self.basket.items
        ]
        return "\n".join([*rows, f"  total {self._total()}"])

    def _total(self) -> str:
        return _yuan(self.basket.total_fen)


class NotSent(Exception):
    """There was no answer, or a refusal."""


def pos(
    url: Annotated[str, typer.Option(help="The server.")] = "http://127.0.0.1:8080",
    key: Annotated[str, typer.Option(help="The till's key.", envvar="LINLI_POS_KEY")] = "",
    spool: Annotated[
        Path, typer.Option(help="Folder of prices, and of receipts that wait to be sent.")
    ] = Path("var/pos"),
    offline: Annotated[
        bool, typer.Option("--offline", help="Send nothing now; a later start sends it.")
    ] = False,
) -> None:
    """Be a till: scan or type, pay, return, void. Type `help` for the commands."""
    import httpx

    if not key and not offline:
        raise OperatorError("a till needs --key (made in the store's page), or --offline")
    kept = Spool(spool)
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=url, headers=headers, timeout=WAIT_S) as client:

        def call(method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
            try:
                answer = client.request(method, path, json=body)
            except httpx.HTTPError as error:
                raise NotSent(type(error).__name__) from None
            if answer.status_code in (401, 403):
                raise OperatorError("the server does not know this till's key")
            if answer.is_error:
                raise NotSent(f"{answer.status_code}")
            return dict(answer.json())

        if not offline:
            try:
                kept.keep_prices(call("GET", "/api/pos/products")["products"])
            except NotSent as error:
                out.print(f"offline ({error}); receipts wait")
        send = None if offline else lambda body: call("POST", "/api/pos/receipts", body)
        session = TillSession(kept, send, lambda: time.time_ns() // 1_000_000)
        if kept.waiting():
            out.print(session.send())
        _run(session)


def _run(session: TillSession) -> None:
    while True:
        if sys.stdin.isatty():
            print("> ", end="", flush=True)
        typed = sys.stdin.readline()
        if not typed or typed.strip() in ("quit", "exit"):
            return
        print(session.command(typed), flush=True)


def _batch(waiting: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As many of the oldest entries as may be sent together, at least one."""
    chosen: list[dict[str, Any]] = []
    lines = 0
    for entry in waiting[:SEND_MAX]:
        lines += len(entry.get("receipt", {}).get("lines", ()))
        if chosen and lines > LINES_MAX:
            break
        chosen.append(entry)
    return chosen


def _notes(answer: dict[str, Any]) -> list[str]:
    """What the cashier should know."""
    notes = [
        f"receipt {line['number']} line {line['line']}: {line['status'].replace('_', ' ')}"
        for line in answer["lines"]
        if line["status"] in ("conflict", "unknown_product")
    ]
    if answer["cancelled"]:
        notes.append(f"orders cancelled: {', '.join(answer['cancelled'])}")
    if answer["found"]:
        notes.append(f"{answer['found']} more than the stock list had")
    return notes


def _product(row: dict[str, Any]) -> TillProduct:
    codes = tuple(Code(code["code"], code["grams_per_unit"]) for code in row["codes"])
    names = tuple(dict.fromkeys((row["name"]["zh"], row["name"]["en"])))
    return TillProduct(row["product_id"], names, row["price_fen"], codes)


def _yuan(fen: int) -> str:
    return f"¥{fen // 100}.{fen % 100:02}"


def _replace(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
