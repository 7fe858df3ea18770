"""Stock as double entry: units of a lot move from one location to another, for a reason.

Only a warehouse, a shop, what is in transit to it and the prizes that it has set aside are counted
(`OWN`); supplier, waste, sold, pos and count are where units come from and go to. A shop's units of
a lot are those that may still be sold: what open orders hold is in `sold` already. Times in UTC
milliseconds.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class LocationKind(StrEnum):
    """What kind of place a location is."""

    SUPPLIER = "supplier"
    WAREHOUSE = "warehouse"
    SHOP = "shop"
    TRANSIT = "transit"
    PRIZE = "prize"
    WASTE = "waste"
    SOLD = "sold"
    POS = "pos"
    COUNT = "count"


OF_STORES: frozenset[LocationKind] = frozenset(
    {LocationKind.SHOP, LocationKind.TRANSIT, LocationKind.PRIZE}
)
"""Kinds with a location per store, which names it."""
OWN: frozenset[LocationKind] = OF_STORES | {LocationKind.WAREHOUSE}
"""Kinds with a location per store or warehouse, which names it; one of each of the others."""


class LotMoveKind(StrEnum):
    """Why units of a lot move."""

    OPENING = "opening"
    RECEIVE = "receive"
    SELL = "sell"
    RELEASE = "release"
    FOUND = "found"
    MISSING = "missing"
    DAMAGED = "damaged"
    EXPIRED = "expired"
    SHORT_WEIGHT = "short_weight"
    RETURNED = "returned"
    SENT_BACK = "sent_back"
    SEND = "send"
    ARRIVE = "arrive"
    POS_SALE = "pos_sale"
    POS_RETURN = "pos_return"
    POS_VOID = "pos_void"
    TAKEN_BACK = "taken_back"
    CLAIMED = "claimed"
    SUBSTITUTE = "substitute"
    PRIZE_HOLD = "prize_hold"
    PRIZE_BACK = "prize_back"


_L, _M = LocationKind, LotMoveKind
_STOCKED = (_L.WAREHOUSE, _L.SHOP)

# Where a move of each kind may come from and go to.
PATHS: Mapping[LotMoveKind, tuple[tuple[LocationKind, ...], tuple[LocationKind, ...]]] = {
    _M.OPENING: ((_L.COUNT,), _STOCKED),
    _M.RECEIVE: ((_L.SUPPLIER,), _STOCKED),
    _M.SELL: ((_L.SHOP,), (_L.SOLD,)),
    _M.RELEASE: ((_L.SOLD,), (_L.SHOP,)),
    _M.FOUND: ((_L.COUNT,), _STOCKED),
    _M.MISSING: ((*_STOCKED, _L.TRANSIT), (_L.COUNT,)),
    _M.DAMAGED: (_STOCKED, (_L.WASTE,)),
    _M.EXPIRED: (_STOCKED, (_L.WASTE,)),
    _M.SHORT_WEIGHT: (_STOCKED, (_L.WASTE,)),
    _M.RETURNED: ((*_STOCKED, _L.POS), (_L.WASTE,)),
    _M.SENT_BACK: (_STOCKED, (_L.SUPPLIER,)),
    _M.SEND: (_STOCKED, (_L.TRANSIT,)),
    _M.ARRIVE: ((_L.TRANSIT,), (_L.SHOP,)),
    _M.POS_SALE: ((_L.SHOP,), (_L.POS,)),
    _M.POS_RETURN: ((_L.POS,), (_L.SHOP,)),
    _M.TAKEN_BACK: ((_L.SOLD,), (_L.SHOP,)),
    _M.CLAIMED: ((_L.SOLD,), (_L.WASTE,)),
    _M.SUBSTITUTE: ((_L.SHOP,), (_L.SOLD,)),
    _M.PRIZE_HOLD: ((_L.SHOP,), (_L.PRIZE,)),
    _M.PRIZE_BACK: ((_L.PRIZE,), (_L.SHOP,)),
    _M.POS_VOID: ((_L.POS, _L.SHOP, _L.WASTE), (_L.SHOP, _L.POS)),
}

# Why a person may write units off: 报损, 过期, 缺斤, 退货销毁, 退回供应商.
WRITE_OFF_REASONS: frozenset[LotMoveKind] = frozenset(
    {_M.DAMAGED, _M.EXPIRED, _M.SHORT_WEIGHT, _M.RETURNED, _M.SENT_BACK}
)


def written_off_to(reason: LotMoveKind) -> LocationKind:
    """Return where units go that are written off for a reason."""
    assert reason in WRITE_OFF_REASONS
    return LocationKind.SUPPLIER if reason is _M.SENT_BACK else LocationKind.WASTE


def location_id(kind: LocationKind, place_id: str = "") -> str:
    """Return the id of a location; one of a store or warehouse needs it."""
    assert bool(place_id) is (kind in OWN)
    return f"{kind}:{place_id}" if place_id else kind.value


def kind_of(location: str) -> LocationKind:
    """Return the kind of the location with this id."""
    return LocationKind(location.partition(":")[0])


def owner_of(location: str) -> str:
    """Return the store or warehouse whose location it is, or an empty string."""
    return location.partition(":")[2]


def store_of(location: str) -> str:
    """Return the store whose location it is, or an empty string."""
    return location.partition(":")[2] if kind_of(location) in OF_STORES else ""


def warehouse_of(location: str) -> str:
    """Return the warehouse whose location it is, or an empty string."""
    return location.partition(":")[2] if kind_of(location) is LocationKind.WAREHOUSE else ""


def default_lot(product_id: str, store_id: str) -> str:
    """Return the id of the lot that holds units of which nothing more is known."""
    return f"{product_id}|{store_id}"


@dataclass(frozen=True, slots=True)
class Lot:
    """Units of a product that came together. `best_before_ms` is the last moment to sell them."""

    id: str
    product_id: str
    best_before_ms: int | None = None
    cost_fen: int | None = None
    supplier: str = ""
    received_at_ms: int = 0


@dataclass(frozen=True, slots=True)
class LotMove:
    """`units` of a lot go from one location to another.

    `source` and `line` name what caused it (an order, a receipt, a key of the app); a source moves
    a lot once per line and kind.
    """

    product_id: str
    lot_id: str
    from_id: str
    to_id: str
    units: int
    kind: LotMoveKind
    source: str
    line: str
    at_ms: int
    moved_by: str = ""

    def __post_init__(self) -> None:
        assert self.units > 0
        sources, targets = PATHS[self.kind]
        assert kind_of(self.from_id) in sources and kind_of(self.to_id) in targets, self


@dataclass(frozen=True, slots=True)
class LotUnits:
    """Units of a lot in one location."""

    lot_id: str
    units: int
    best_before_ms: int | None = None
    received_at_ms: int = 0


def take(lots: Sequence[LotUnits], units: int) -> list[tuple[str, int]]:
    """Choose `units` of what lies there, first expired first; fewer if there are fewer."""
    chosen = []
    for lot in sorted(lots, key=_first_expired_first):
        if units <= 0:
            break
        part = min(lot.units, units)
        if part > 0:
            chosen.append((lot.lot_id, part))
            units -= part
    return chosen


def balance_changes(moves: Sequence[LotMove]) -> dict[tuple[str, str, str], int]:
    """Return what moves change, by (location, product, lot) of the counted locations, sorted."""
    changes: dict[tuple[str, str, str], int] = {}
    for move in moves:
        for location, units in ((move.from_id, -move.units), (move.to_id, move.units)):
            if kind_of(location) in OWN:
                key = (location, move.product_id, move.lot_id)
                changes[key] = changes.get(key, 0) + units
    return dict(sorted(changes.items()))


def shop_changes(moves: Sequence[LotMove]) -> dict[tuple[str, str], int]:
    """Return by how many units moves change what lies in shops, by (product, store), sorted."""
    changes: dict[tuple[str, str], int] = {}
    for (location, product_id, _), units in balance_changes(moves).items():
        if kind_of(location) is _L.SHOP:
            key = (product_id, store_of(location))
            changes[key] = changes.get(key, 0) + units
    return {key: units for key, units in sorted(changes.items()) if units}


def _first_expired_first(lot: LotUnits) -> tuple[float, int, str]:
    best_before = math.inf if lot.best_before_ms is None else lot.best_before_ms
    return (best_before, lot.received_at_ms, lot.lot_id)
