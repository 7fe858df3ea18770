"""Routes for tills, which show their key: receipts, barcodes, what to sell offline."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.io.shop.stock.receipts import Sent
from commerce.io.shop.stock.tills import Till
from commerce.money.tills import PaymentKind
from commerce.supply.receipts import LINES_MAX, LineKind, ReceiptLine
from server.http.bodies import Body, path_id, problems, read_body, reply, services_of
from server.problem import Problem

BODY_BYTES_MAX = 262_144
RECEIPTS_MAX = 200
UNITS_MAX = 10_000
FEN_MAX = 100_000_000
MS_MAX = 1 << 52

Number = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
Milliseconds = Annotated[int, Field(ge=0, le=MS_MAX)]


class Line(Body):
    """A line of a receipt; `item` is a barcode as it was scanned, or a product's id."""

    line: Annotated[int, Field(ge=1, le=10_000)]
    kind: LineKind
    item: Annotated[str, Field(min_length=1, max_length=64)]
    units: Annotated[int, Field(ge=1, le=UNITS_MAX)]
    amount_fen: Annotated[int, Field(ge=0, le=FEN_MAX)]


class Receipt(Body):
    """A receipt; `at_ms` is the till's clock when it was printed."""

    number: Number
    at_ms: Milliseconds
    payment: PaymentKind = PaymentKind.CASH
    lines: Annotated[list[Line], Field(min_length=1, max_length=LINES_MAX)]


class Receipts(Body):
    """What a till sends together; `voids` are numbers of receipts, known or still to come."""

    sent_at_ms: Milliseconds
    receipts: Annotated[list[Receipt], Field(max_length=RECEIPTS_MAX, default_factory=list)]
    voids: Annotated[list[Number], Field(max_length=RECEIPTS_MAX, default_factory=list)]


async def receipts(request: Request) -> Response:
    """`POST /api/pos/receipts`: what was sold, returned and voided."""
    till = await _till(request)
    body = await read_body(request, Receipts, bytes_max=BODY_BYTES_MAX)
    lines = tuple(
        ReceiptLine(
            receipt.number,
            line.line,
            line.kind,
            "",
            line.units,
            line.amount_fen,
            receipt.at_ms,
            line.item,
            receipt.payment.value,
        )
        for receipt in body.receipts
        for line in receipt.lines
    )
    if len(lines) > LINES_MAX:
        raise Problem(413, "too-large", "Request body too large.", f"At most {LINES_MAX} lines.")
    sent = Sent(lines, tuple(body.voids), body.sent_at_ms)
    with problems():
        return reply(await services_of(request).commerce.receipts.book(till, sent))


async def scan(request: Request) -> Response:
    """`GET /api/pos/barcodes/{barcode}`: what one scan sells."""
    till = await _till(request)
    code = path_id(request, "barcode")
    with problems():
        return reply(await services_of(request).commerce.barcodes.scan(till.store_id, code))


async def products(request: Request) -> Response:
    """`GET /api/pos/products`: all that a till needs to sell while it is offline."""
    till = await _till(request)
    found = await services_of(request).commerce.barcodes.products(till.brand_id, till.store_id)
    return reply({"store_id": till.store_id, "products": found})


async def _till(request: Request) -> Till:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    till = None
    if scheme.lower() == "bearer":
        till = await services_of(request).commerce.tills.till_of(key.strip())
    if till is None:
        raise Problem(
            401,
            "bad-till-key",
            "Unknown till.",
            "Send `Authorization: Bearer <till key>`; a new key is made in the store's page.",
            headers={"WWW-Authenticate": 'Bearer realm="linli"'},
        )
    return till


routes = [
    Route("/api/pos/receipts", receipts, methods=["POST"]),
    Route("/api/pos/barcodes/{barcode}", scan, methods=["GET"]),
    Route("/api/pos/products", products, methods=["GET"]),
]
