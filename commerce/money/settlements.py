"""Settlements: what a store, leader or supplier has of a closed day, as a file.

The file is CSV (RFC 4180) in UTF-8 with LF, sorted by time and order, with the sum as its last
row: made again from the same books, it is the same bit for bit.
"""

import csv
import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass

from commerce.money.accounts import Account, kind_of, party_of

HEADER = ("at_ms", "order", "kind", "account", "source", "amount_fen")

# Accounts whose balances a party is settled for; what goods cost is the store's own.
SETTLED: dict[Account, str] = {
    Account.SALES: "store",
    Account.DISCOUNT: "store",
    Account.REFUNDS: "store",
    Account.TAX: "store",
    Account.COMMISSION: "store",
    Account.LEADER: "leader",
    Account.SUPPLIER: "supplier",
}


@dataclass(frozen=True, slots=True, order=True)
class SettledEntry:
    """One side of a transfer; `amount_fen` is what it adds to the account."""

    at_ms: int
    order_number: str
    kind: str
    account: str
    source: str
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """The file of a party, `store:s1`, what it is owed by it, and the entries that it lists."""

    party: str
    payable_fen: int
    file: str
    entries: tuple[SettledEntry, ...] = ()

    @property
    def sha256(self) -> str:
        """The hash of the file."""
        return hashlib.sha256(self.file.encode()).hexdigest()


def settled_party(account: str) -> str:
    """Return who is settled for an account, or an empty string."""
    role = SETTLED.get(kind_of(account))
    return f"{role}:{party_of(account)}" if role else ""


def settle(entries: Iterable[SettledEntry]) -> list[Settlement]:
    """Return the settlements of a day's entries, sorted by party."""
    parties: dict[str, list[SettledEntry]] = {}
    for entry in entries:
        party = settled_party(entry.account)
        if party:
            parties.setdefault(party, []).append(entry)
    return [_settlement(party, sorted(found)) for party, found in sorted(parties.items())]


def _settlement(party: str, entries: list[SettledEntry]) -> Settlement:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    for entry in entries:
        row = (entry.at_ms, entry.order_number, entry.kind, entry.account, entry.source)
        writer.writerow((*row, entry.amount_fen))
    payable_fen = sum(entry.amount_fen for entry in entries)
    writer.writerow(("", "", "payable", party, "", payable_fen))
    return Settlement(party, payable_fen, out.getvalue(), tuple(entries))
