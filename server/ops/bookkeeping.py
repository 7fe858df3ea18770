"""What an operator does with the books of a brand."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine

from commerce.errors import InvalidField, NotFound
from commerce.io.payments.sandbox import SandboxPayments
from commerce.io.record.engine import Record, wall_clock
from commerce.io.shop.books.bills import Bills, Reconciliation
from commerce.io.shop.books.books import Books, TrialBalance, bounds_of
from commerce.io.shop.books.payouts import PayoutList, Payouts
from commerce.io.shop.catalogue.cache import CatalogueCache
from commerce.io.shop.context import ShopContext
from commerce.money.bills import BadBill
from commerce.money.settlements import Settlement
from server.errors import OperatorError
from server.ops.opening import open_record
from server.settings import Settings

OPERATOR = "operator"


async def trial_balance(settings: Settings, brand_id: str, period: str) -> TrialBalance:
    """Return all accounts of a day or month.

    Raises:
        OperatorError: There is no such brand or period.
    """
    async with _books(settings, brand_id) as (books, brand, _):
        return await books.trial_balance(brand, period)


async def close(settings: Settings, brand_id: str, period: str) -> str:
    """Close a day or month; return the last closed day.

    Raises:
        OperatorError: There is no such brand or period, or it is not over.
    """
    async with _books(settings, brand_id) as (books, brand, _):
        return await books.close(brand, period, OPERATOR)


async def settle(
    settings: Settings, brand_id: str, day: str, language: str
) -> list[tuple[Settlement, str]]:
    """Make the settlements of a closed day, each with the name of its party.

    Raises:
        OperatorError: There is no such brand or day, it is open, or the books no longer give what
            was settled.
    """
    async with _books(settings, brand_id) as (books, brand, _):
        made = await books.settle(brand, day)
        return [(one, await books.name_of(one.party, language)) for one in made]


async def list_payouts(settings: Settings, brand_id: str) -> PayoutList:
    """Return the newest payouts, and negative balances.

    Raises:
        OperatorError: There is no such brand.
    """
    async with _payouts(settings, brand_id) as (payouts, brand):
        return await payouts.list(brand)


async def propose_payouts(settings: Settings, brand_id: str, until: str) -> PayoutList:
    """Propose payouts of the balances at the end of a closed day.

    Raises:
        OperatorError: There is no such brand or day, or it is open.
    """
    async with _payouts(settings, brand_id) as (payouts, brand):
        return await payouts.propose(brand, until, OPERATOR)


async def approve_payouts(
    settings: Settings, brand_id: str, numbers: Collection[int]
) -> PayoutList:
    """Approve and book payouts.

    Raises:
        OperatorError: There is no such brand or payout.
    """
    async with _payouts(settings, brand_id) as (payouts, brand):
        return await payouts.approve(brand, numbers, OPERATOR)


async def payout_file(settings: Settings, brand_id: str, until: str) -> str:
    """Return the bank's file of what was approved until a day.

    Raises:
        OperatorError: There is no such brand, or nothing was approved.
    """
    async with _payouts(settings, brand_id) as (payouts, brand):
        return await payouts.file(brand, until)


async def reconcile(settings: Settings, brand_id: str, day: str, bill: bytes) -> Reconciliation:
    """Compare the provider's bill of a day with the books.

    Raises:
        OperatorError: There is no such brand or day, or the bill cannot be read.
    """
    async with _shop(settings, brand_id) as (shop, brand, _):
        return await Bills(shop).reconcile(brand, day, bill)


async def sandbox_bill(settings: Settings, brand_id: str, day: str) -> str:
    """Return the sandbox provider's bill of a day.

    Raises:
        OperatorError: There is no such brand or day.
    """
    async with _books(settings, brand_id) as (_, brand, engine):
        return await SandboxPayments(Record(engine)).bill(brand, *bounds_of(day))


@asynccontextmanager
async def _books(
    settings: Settings, brand_id: str
) -> AsyncIterator[tuple[Books, str, AsyncEngine]]:
    """The books, the brand that is meant, and the record."""
    async with _shop(settings, brand_id) as (shop, brand, engine):
        yield Books(shop), brand, engine


@asynccontextmanager
async def _payouts(settings: Settings, brand_id: str) -> AsyncIterator[tuple[Payouts, str]]:
    async with _shop(settings, brand_id) as (shop, brand, _):
        yield Payouts(shop), brand


@asynccontextmanager
async def _shop(
    settings: Settings, brand_id: str
) -> AsyncIterator[tuple[ShopContext, str, AsyncEngine]]:
    async with open_record(settings) as engine:
        record = Record(engine)
        shop = ShopContext(record, CatalogueCache(record), wall_clock, lambda: None)
        await shop.cache.refresh()
        brands = shop.catalogue.brands
        if brand_id not in brands and (brand_id or len(brands) != 1):
            raise OperatorError(f"--brand: one of {', '.join(sorted(brands)) or 'none'}.")
        try:
            yield shop, brand_id or next(iter(brands)), engine
        except (InvalidField, NotFound, BadBill) as error:
            raise OperatorError(f"{error}.") from None
