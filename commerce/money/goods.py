"""What moves of goods are in the books, at the cost of their lots: value goes against the goods.

    goods lie with                          their cost is in
    a warehouse, a shop, between them       inventory
    a supplier                              supplier: what the supplier is owed
    a buyer (sold here or at a till)        cost of the store
    waste, or a count found or lacked them  waste of the store or warehouse

So a delivery is `inventory → supplier`, a write-off `waste → inventory`, and goods that go back to
their supplier `supplier → inventory`. Moves between places of the inventory have no transfer. What
orders sell is booked when they are handed over, what claims bring back with the claim
(order_postings.py). Lots whose cost nobody knows have no transfers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b

from commerce.money.accounts import Account, account
from commerce.money.transfers import Transfer, TransferKind
from commerce.supply.lots import LocationKind, LotMove, LotMoveKind, kind_of, owner_of

SUPPLIER_CHARS_MAX = 60  # of a name in an account
SOURCE_CHARS_MAX = 130
NO_SUPPLIER = "-"  # goods whose supplier nobody wrote down

# Booked with the order or the claim that they are of.
_WITH_ORDERS = frozenset(
    {LotMoveKind.SELL, LotMoveKind.RELEASE, LotMoveKind.TAKEN_BACK, LotMoveKind.CLAIMED}
)
_L = LocationKind
_ACCOUNTS: Mapping[LocationKind, Account] = {
    _L.SUPPLIER: Account.SUPPLIER,
    _L.WAREHOUSE: Account.INVENTORY,
    _L.SHOP: Account.INVENTORY,
    _L.TRANSIT: Account.INVENTORY,
    _L.PRIZE: Account.INVENTORY,
    _L.SOLD: Account.COST,
    _L.POS: Account.COST,
    _L.WASTE: Account.WASTE,
    _L.COUNT: Account.WASTE,
}


@dataclass(frozen=True, slots=True)
class LotCost:
    """What a unit of a lot cost, of whom, and whose brand's it is."""

    cost_fen: int
    supplier: str
    brand_id: str


def supplier_account(name: str) -> str:
    """Return the account of a supplier."""
    return account(Account.SUPPLIER, name.strip()[:SUPPLIER_CHARS_MAX].strip() or NO_SUPPLIER)


def goods_transfers(
    moves: Iterable[LotMove], costs: Mapping[str, LotCost], store_id: str = ""
) -> list[Transfer]:
    """Return the transfers of moves; `costs` are those of their lots, as far as they are known.

    What one cause moves in one line between two accounts is one transfer. `store_id` is whose till
    moved goods that do not come from or go to its shelf.
    """
    sums: dict[tuple[str, str, str], Transfer] = {}
    for move in moves:
        cost = costs.get(move.lot_id)
        if move.kind in _WITH_ORDERS or cost is None or cost.cost_fen <= 0:
            continue
        party = owner_of(move.from_id) or owner_of(move.to_id) or store_id
        giver, taker = (_account(at, cost, party) for at in (move.to_id, move.from_id))
        if giver == taker:
            continue
        key = (_source(move, cost), giver, taker)
        fen = move.units * cost.cost_fen
        known = sums.get(key)
        sums[key] = (
            replace(known, amount_fen=known.amount_fen + fen)
            if known
            else Transfer("", _kind(move), giver, taker, fen, move.at_ms, key[0], cost.brand_id)
        )
    return list(sums.values())


def _account(location: str, cost: LotCost, party: str) -> str:
    kind = _ACCOUNTS[kind_of(location)]
    if kind is Account.SUPPLIER:
        return supplier_account(cost.supplier)
    return account(kind, "" if kind is Account.INVENTORY else party)


def _kind(move: LotMove) -> TransferKind:
    ends = {kind_of(move.from_id), kind_of(move.to_id)}
    if _L.SUPPLIER in ends:
        return TransferKind.SUPPLY
    if kind_of(move.from_id) is _L.COUNT:
        return TransferKind.STOCK_FOUND
    return TransferKind.WASTE if ends & {_L.WASTE, _L.COUNT} else TransferKind.COST


def _source(move: LotMove, cost: LotCost) -> str:
    """Return what the transfer is known by: cause, line, kind, and the supplier if any."""
    ends = {kind_of(move.from_id), kind_of(move.to_id)}
    parts = (move.source, move.line, move.kind.value)
    source = ":".join((*parts, cost.supplier) if _L.SUPPLIER in ends else parts)
    if len(source) <= SOURCE_CHARS_MAX:
        return source
    return f"goods:{blake2b(source.encode(), digest_size=16).hexdigest()}"
