"""Routes of the head office about the books: balances, entries, settlements, payouts."""

from typing import Annotated
from urllib.parse import quote

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from commerce.errors import NotFound
from commerce.money.bills import BadBill
from server.http.bodies import Body, path_id, problems, read_body, read_bytes, reply
from server.http.hq.common import bad_member, office
from server.http.staff.prints import pdf_reply

_Period = Annotated[str, Field(max_length=10)]
ACCOUNT_CHARS_MAX = 80
BILL_BYTES_MAX = 20 * 1024 * 1024  # a day of about 60,000 orders
NUMBER_MAX = (1 << 31) - 1


class Approval(Body):
    """The numbers of payouts."""

    numbers: Annotated[list[Annotated[int, Field(ge=1, le=NUMBER_MAX)]], Field(max_length=500)]


class Closing(Body):
    """A day or a month."""

    period: _Period


async def trial_balance(request: Request) -> Response:
    """`GET /api/hq/books`: all accounts of the day or month `period`, and its settlements."""
    at = office(request)
    period = request.query_params.get("period", "")
    with problems():
        balance = await at.commerce.books.trial_balance(at.brand_id, period)
        settled = await at.commerce.books.settled(at.brand_id, period)
    return reply({"balance": balance, "settlements": settled})


async def entries(request: Request) -> Response:
    """`GET /api/hq/books/entries`: the newest entries of one `account` of the `period`."""
    at = office(request)
    name = request.query_params.get("account", "")
    if not name or len(name) > ACCOUNT_CHARS_MAX:
        raise bad_member("account", "The name of an account.")
    with problems():
        found = await at.commerce.books.entries(
            at.brand_id, request.query_params.get("period", ""), name
        )
    return reply({"entries": found})


async def close(request: Request) -> Response:
    """`POST /api/hq/books/closings`: close a day or month that is over, and all before it."""
    at = office(request)
    body = await read_body(request, Closing)
    with problems():
        last = await at.commerce.books.close(at.brand_id, body.period, at.staff_id)
    return reply({"closed_until": last}, 201)


async def bills(request: Request) -> Response:
    """`GET /api/hq/books/bills`: what bills of the `period` said, and how they differ."""
    at = office(request)
    with problems():
        found = await at.commerce.bills.reconciled(
            at.brand_id, request.query_params.get("period", "")
        )
    return reply({"bills": found})


async def reconcile(request: Request) -> Response:
    """`POST /api/hq/books/bills/{day}`: compare a provider's bill, the body, with the books."""
    at = office(request)
    day = path_id(request, "day")
    data = await read_bytes(request, BILL_BYTES_MAX)
    with problems():
        try:
            return reply(await at.commerce.bills.reconcile(at.brand_id, day, data), 201)
        except BadBill as error:
            raise bad_member("bill", f"{error}.") from None


async def settle(request: Request) -> Response:
    """`POST /api/hq/books/settlements`: make the settlements of a closed day."""
    at = office(request)
    body = await read_body(request, Closing)
    with problems():
        await at.commerce.books.settle(at.brand_id, body.period)
        settled = await at.commerce.books.settled(at.brand_id, body.period)
    return reply({"settlements": settled}, 201)


async def settlement_file(request: Request) -> Response:
    """`GET /api/hq/books/settlements/{day}/{party}`: the file of a party, made again.

    CSV, or with `?format=pdf` a PDF in the `language`.
    """
    at = office(request)
    day, party = path_id(request, "day"), request.path_params["party"]
    with problems():
        made = {one.party: one for one in await at.commerce.books.settle(at.brand_id, day)}
        if party not in made:
            raise NotFound("settlement", party)
        if request.query_params.get("format") == "pdf":
            language = "zh" if request.query_params.get("language") == "zh" else "en"
            name = await at.commerce.books.name_of(party, language)
            return await pdf_reply(
                request,
                "server.printing.settlement",
                lambda prints, font: prints.settlement_pdf(made[party], day, name, language, font),
            )
    return _csv(made[party].file, f"{day}-{party.replace(':', '-')}.csv")


async def payouts(request: Request) -> Response:
    """`GET /api/hq/books/payouts`: what was proposed and approved, and negative balances."""
    at = office(request)
    return reply(await at.commerce.payouts.list(at.brand_id))


async def propose(request: Request) -> Response:
    """`POST /api/hq/books/payouts`: propose payouts of the balances at the end of a closed day."""
    at = office(request)
    body = await read_body(request, Closing)
    with problems():
        return reply(await at.commerce.payouts.propose(at.brand_id, body.period, at.staff_id), 201)


async def approve(request: Request) -> Response:
    """`POST /api/hq/books/payouts/approvals`: approve payouts and book them."""
    at = office(request)
    body = await read_body(request, Approval)
    with problems():
        return reply(
            await at.commerce.payouts.approve(at.brand_id, set(body.numbers), at.staff_id), 201
        )


async def bank_file(request: Request) -> Response:
    """`GET /api/hq/books/payouts/{day}`: the bank's file of what was approved until a day."""
    at = office(request)
    day = path_id(request, "day")
    with problems():
        return _csv(await at.commerce.payouts.file(at.brand_id, day), f"payouts-{day}.csv")


def _csv(file: str, name: str) -> Response:
    return Response(
        file,
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"},
    )


routes = [
    Route("/api/hq/books", trial_balance, methods=["GET"]),
    Route("/api/hq/books/entries", entries, methods=["GET"]),
    Route("/api/hq/books/closings", close, methods=["POST"]),
    Route("/api/hq/books/settlements", settle, methods=["POST"]),
    Route("/api/hq/books/settlements/{day}/{party}", settlement_file, methods=["GET"]),
    Route("/api/hq/books/bills", bills, methods=["GET"]),
    Route("/api/hq/books/bills/{day}", reconcile, methods=["POST"]),
    Route("/api/hq/books/payouts", payouts, methods=["GET"]),
    Route("/api/hq/books/payouts", propose, methods=["POST"]),
    Route("/api/hq/books/payouts/approvals", approve, methods=["POST"]),
    Route("/api/hq/books/payouts/{day}", bank_file, methods=["GET"]),
]
