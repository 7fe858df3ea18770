"""`linli books`: trial balance, closing, settlements, payouts, the provider's bill."""

import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer
from rich.table import Table

from server.cli.console import out, run
from server.errors import OperatorError
from server.settings import Settings

if TYPE_CHECKING:
    from commerce.io.shop.books.payouts import PayoutList

T = TypeVar("T")

books_app = typer.Typer(
    help="The books: trial balance, closing, settlements, the provider's bill.",
    no_args_is_help=True,
)
payout_app = typer.Typer(
    help="Payouts to leaders and suppliers, and what the provider transfers to us.",
    no_args_is_help=True,
)
books_app.add_typer(payout_app, name="payout")
_Brand = Annotated[str, typer.Option("--brand", help="The brand; needed if there are several.")]
_Period = Annotated[str, typer.Argument(help="A day such as 2026-11-29, or a month.")]
_Day = Annotated[str, typer.Argument(help="A day such as 2026-11-29.")]


@books_app.command("trial-balance")
def books_trial_balance(period: _Period, brand: _Brand = "") -> None:
    """Print all accounts of a day or month; exit with 1 if they do not sum to zero."""
    from server.ops.bookkeeping import trial_balance

    found = _run(trial_balance(Settings(), brand, period))
    table = Table("account", "debit", "credit", "balance", box=None)
    for one in found.accounts:
        figures = (one.debit_fen, one.credit_fen, one.balance_fen)
        table.add_row(one.account, *(_yuan(fen) for fen in figures))
    out.print(table)
    out.print(f"Sum {_yuan(found.sum_fen)}; closed until {found.closed_until or 'never'}.")
    if found.sum_fen:
        sys.exit(1)


@books_app.command("close")
def books_close(period: _Period, brand: _Brand = "") -> None:
    """Close a day or month that is over, with all days before it."""
    from server.ops.bookkeeping import close

    last = _run(close(Settings(), brand, period))
    out.print(f"The books are closed until {last}.", highlight=False)


@books_app.command("settle")
def books_settle(
    day: _Day,
    brand: _Brand = "",
    to: Annotated[Path, typer.Option("--to", help="A folder for the files.")] = Path(),
    language: Annotated[Literal["zh", "en"], typer.Option("--language", help="Of the PDF.")] = "zh",
) -> None:
    """Write the settlements of a closed day as CSV and PDF; made again, they are the same bytes."""
    from server.ops.bookkeeping import settle
    from server.printing.settlement import NoFont, settlement_pdf

    settings = Settings()
    made = _run(settle(settings, brand, day, language))
    to.mkdir(parents=True, exist_ok=True)
    for one, payee in made:
        name = f"{day}-{one.party.replace(':', '-').replace('/', '-')}.csv"
        (to / name).write_bytes(one.file.encode())
        try:
            pdf = settlement_pdf(one, day, payee, language, settings.font)
        except NoFont as error:
            raise OperatorError(f"{error}.") from None
        (to / name).with_suffix(".pdf").write_bytes(pdf)
        out.print(f"{name}  {_yuan(one.payable_fen)}  sha256 {one.sha256}", highlight=False)
    if not made:
        out.print("Nothing to settle.")


@books_app.command("bill")
def books_bill(
    day: _Day,
    brand: _Brand = "",
    to: Annotated[Path | None, typer.Option("--to", help="The file; else stdout.")] = None,
) -> None:
    """Write the sandbox provider's bill of a day."""
    from server.ops.bookkeeping import sandbox_bill

    bill = _run(sandbox_bill(Settings(), brand, day))
    if to is None:
        sys.stdout.write(bill)
    else:
        to.write_bytes(bill.encode())


@books_app.command("reconcile")
def books_reconcile(
    day: _Day,
    bill: Annotated[Path, typer.Argument(help="The provider's bill of the day, as CSV.")],
    brand: _Brand = "",
) -> None:
    """Compare the provider's bill with the books and book its fee; exit with 1 if they differ."""
    from server.ops.bookkeeping import reconcile

    try:
        data = bill.read_bytes()
    except OSError as error:
        raise OperatorError(f"{bill}: {error}") from None
    found = _run(reconcile(Settings(), brand, day, data))
    out.print(
        f"Charges {_yuan(found.charges_fen)}, refunds {_yuan(found.refunds_fen)},"
        f" fee {_yuan(found.fee_fen)}; {len(found.differences)} differences.",
        highlight=False,
    )
    if not found.differences:
        return
    table = Table("difference", "of", "order", "n", "billed", "booked", box=None)
    for one in found.differences:
        fen = (_yuan(one.billed_fen), _yuan(one.booked_fen))
        table.add_row(one.kind, one.of, one.order_id, str(one.n), *fen)
    out.print(table)
    sys.exit(1)


@payout_app.command("list")
def payout_list(brand: _Brand = "") -> None:
    """Print the newest payouts, and who got too much."""
    from server.ops.bookkeeping import list_payouts

    _print_payouts(_run(list_payouts(Settings(), brand)))


@payout_app.command("propose")
def payout_propose(period: _Period, brand: _Brand = "") -> None:
    """Propose what the balances at the end of a closed day or month are."""
    from server.ops.bookkeeping import propose_payouts

    _print_payouts(_run(propose_payouts(Settings(), brand, period)))


@payout_app.command("approve")
def payout_approve(
    numbers: Annotated[list[int], typer.Argument(help="The numbers of payouts.", min=1)],
    brand: _Brand = "",
) -> None:
    """Approve payouts and book them, each once."""
    from server.ops.bookkeeping import approve_payouts

    _print_payouts(_run(approve_payouts(Settings(), brand, set(numbers))))


@payout_app.command("file")
def payout_file(
    period: _Period,
    to: Annotated[Path, typer.Option("--to", help="The file, as CSV.")],
    brand: _Brand = "",
) -> None:
    """Write the bank's file of what was approved of the proposals until a day or month."""
    from server.ops.bookkeeping import payout_file as file_of

    to.write_bytes(_run(file_of(Settings(), brand, period)).encode())


def _print_payouts(found: "PayoutList") -> None:
    table = Table("number", "account", "name", "until", "amount", "state", box=None)
    for one in found.payouts:
        words = (one.account, one.name, one.until, _yuan(one.amount_fen), one.state)
        table.add_row(str(one.number), *words)
    out.print(table)
    for late in found.carried:
        out.print(f"Carried: {late.account} {_yuan(late.balance_fen)}", highlight=False)


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` and return what it gives."""
    given: list[T] = []

    async def main() -> None:
        given.append(await work)

    run(main())
    return given[0]


def _yuan(fen: int) -> str:
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"
