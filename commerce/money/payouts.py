"""Payouts to leaders and suppliers, and what the payment provider transfers to us.

A payout is proposed from the balances of closed days, approved by the head office, and booked once
when it is approved. What is clawed back after that makes a balance negative: nothing is paid until
later earnings have made up for it.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from commerce.money.accounts import Account, account, kind_of
from commerce.money.transfers import PROVIDER, Transfer, TransferKind

BANK = account(Account.BANK)
OWED = (Account.LEADER, Account.SUPPLIER)
FILE_HEADER = ("number", "payee_kind", "payee", "name", "amount_yuan", "purpose")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would compute


class PayoutState(StrEnum):
    """How far a payout is; what is not approved is replaced by the next proposal."""

    PROPOSED = "proposed"
    REPLACED = "replaced"
    APPROVED = "approved"


@dataclass(frozen=True, slots=True)
class PayoutLine:
    """An approved payout, as the bank gets it."""

    number: int
    account: str
    name: str
    amount_fen: int
    until: str


def payable(balances: Mapping[str, int]) -> dict[str, int]:
    """Return what is to be paid by account, sorted: to leaders and suppliers, by the provider."""
    due = {name: fen for name, fen in balances.items() if kind_of(name) in OWED}
    if PROVIDER in balances:
        due[PROVIDER] = -balances[PROVIDER]
    return {name: fen for name, fen in sorted(due.items()) if fen > 0}


def carried(balances: Mapping[str, int]) -> dict[str, int]:
    """Return the negative balances of leaders and suppliers, which later earnings make up for."""
    return {
        name: fen for name, fen in sorted(balances.items()) if kind_of(name) in OWED and fen < 0
    }


def payout_transfer(brand_id: str, number: int, name: str, amount_fen: int, at_ms: int) -> Transfer:
    """Return the transfer of an approved payout: to the bank from the provider, else from it."""
    ends = (BANK, PROVIDER) if name == PROVIDER else (name, BANK)
    source = f"payout:{brand_id}:{number}"
    return Transfer("", TransferKind.PAYOUT, *ends, amount_fen, at_ms, source, brand_id)


def bank_file(lines: Iterable[PayoutLine]) -> str:
    """Return the file for the bank: what we pay, as CSV (RFC 4180), sorted by number.

    What the provider pays us is not in it.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(FILE_HEADER)
    for line in sorted(lines, key=lambda one: one.number):
        kind, _, payee = line.account.partition(":")
        if kind == PROVIDER:
            continue
        yuan = f"{line.amount_fen // 100}.{line.amount_fen % 100:02d}"
        purpose = f"settlement until {line.until}"
        row = (f"P{line.number:06d}", kind, _cell(payee), _cell(line.name), yuan, purpose)
        writer.writerow(row)
    return out.getvalue()


def _cell(text: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
