"""The rule of the gate: does a tap become an order? The oracle of commerce/io/gate/lua/admit.lua.

In production the rule runs inside Redis, atomically; this module says the same in Python, is what
the script is property-tested against, and serves as the gate in memory. Times are UTC milliseconds.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from commerce.errors import Refusal

HOLD_MS = 60_000  # a hold that the ledger has not settled by then is swept
IDEMPOTENCY_MS = 24 * 3_600 * 1_000  # how long the gate remembers a key
LIMIT_WINDOW_MS = 24 * 3_600 * 1_000  # units per household are counted from the first one on
BACKLOG_MAX = 20_000  # entries that the ledger has not taken; beyond, taps get BUSY
QUANTITY_MAX = 20  # units per order
KEY_CHARS_MIN = 8
KEY_CHARS_MAX = 64


@dataclass(frozen=True, slots=True)
class Tap:
    """One tap, as the gate gets it.

    `order_id` is made from guest and idempotency key, so one key is one order everywhere.
    `group_id` is the group that the caller believes is open ("" for none); with `explicit`, the
    buyer asked for exactly that one. `stores` are candidates, best first. `origin` is the worker
    that waits for the answer. `household_id` is "" for a guest of no household.
    """

    order_id: str
    body_hash: str
    guest_id: str
    estate_id: str
    room_id: str
    product_id: str
    quantity: int
    group_id: str
    explicit: bool
    expected_price_fen: int | None
    stores: tuple[str, ...]
    origin: str = ""
    household_id: str = ""

    @property
    def household(self) -> str:
        """Whose limits and seats count; a guest of no household counts alone."""
        return self.household_id or self.guest_id


class Status(StrEnum):
    """What the gate says to a tap."""

    ADMITTED = "admitted"
    REFUSED = "refused"
    REPLAYED = "replayed"  # the key is known: the answer is, or will be, in the record
    OTHER_GROUP = "group"  # another group is open than the caller believes; nothing was decided
    NOT_READY = "not-ready"  # the gate is being rebuilt; nothing was decided
    BUSY = "busy"  # the ledger is too far behind; nothing was decided


@dataclass(frozen=True, slots=True)
class Decision:
    """The gate's answer; only the fields that belong to its status are filled."""

    status: Status
    refusal: Refusal | None = None
    left: int = 0
    store_id: str = ""
    price_fen: int = 0
    group_id: str = ""


@dataclass(slots=True)
class GateProduct:
    """What the gate knows of a product, or of an estate's offer of it."""

    price_fen: int
    household_limit: int
    on_sale: bool = True


@dataclass(slots=True)
class GateGroup:
    """What the gate knows of a group that may be joined."""

    estate_id: str
    product_id: str
    price_fen: int
    ends_at_ms: int
    seats: dict[str, str] = field(default_factory=dict)  # household → order


@dataclass(slots=True)
class Hold:
    """Units set aside for an order that is on its way to the record."""

    product_id: str
    store_id: str
    quantity: int
    group_id: str
    household_id: str
    expires_at_ms: int


@dataclass(slots=True)
class _Key:
    body_hash: str
    expires_at_ms: int
    refusal: Refusal | None = None
    left: int = 0


@dataclass(slots=True)
class _Bought:
    units: int
    expires_at_ms: int


@dataclass(slots=True)
class Gate:
    """The state of the gate, and its rule. Everything is one Redis key there."""

    available: dict[tuple[str, str], int] = field(default_factory=dict)
    products: dict[str, GateProduct] = field(default_factory=dict)
    # What an estate is offered instead, by (estate, product, room or "" for every room).
    offers: dict[tuple[str, str, str], GateProduct] = field(default_factory=dict)
    groups: dict[str, GateGroup] = field(default_factory=dict)
    open_groups: dict[tuple[str, str], str] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    backlog: int = 0
    _keys: dict[str, _Key] = field(default_factory=dict)
    _bought: dict[tuple[str, str], _Bought] = field(default_factory=dict)

    def admit(self, tap: Tap, *, at_ms: int) -> Decision:
        """Decide one tap; the same tap decided again is a replay or the same refusal."""
        key = self._keys.get(tap.order_id)
        if key and key.expires_at_ms > at_ms:
            if key.body_hash != tap.body_hash:
                return Decision(Status.REFUSED, Refusal.KEY_REUSED)
            if key.refusal:
                return Decision(Status.REFUSED, key.refusal, key.left)
            return Decision(Status.REPLAYED)
        if self.backlog >= BACKLOG_MAX:
            return Decision(Status.BUSY)
        open_id = self.open_groups.get((tap.estate_id, tap.product_id), "")
        if not tap.explicit and open_id != tap.group_id:
            return Decision(Status.OTHER_GROUP, group_id=open_id)
        return self._decide(tap, at_ms)

    def _decide(self, tap: Tap, at_ms: int) -> Decision:
        product = self._offer(tap)
        if product is None or not product.on_sale:
            return self._refuse(tap, Refusal.NOT_ON_SALE, 0, at_ms)
        group = self.groups.get(tap.group_id)
        if group and (
            group.ends_at_ms <= at_ms
            or (group.estate_id, group.product_id) != (tap.estate_id, tap.product_id)
        ):
            group = None
        if group is None and tap.explicit:
            return self._refuse(tap, Refusal.GROUP_CLOSED, 0, at_ms)
        price_fen = group.price_fen if group else product.price_fen
        if tap.expected_price_fen not in (None, price_fen):
            return self._refuse(tap, Refusal.PRICE_CHANGED, price_fen, at_ms)
        if group and tap.household in group.seats:
            return self._refuse(tap, Refusal.ALREADY_JOINED, 0, at_ms)
        bought = self._units_bought(tap, at_ms)
        if bought + tap.quantity > product.household_limit:
            left = max(0, product.household_limit - bought)
            return self._refuse(tap, Refusal.LIMIT_REACHED, left, at_ms)
        free = [(store, self.available.get((tap.product_id, store), 0)) for store in tap.stores]
        store_id = next((store for store, units in free if units >= tap.quantity), None)
        if store_id is None:
            left = max((units for _, units in free), default=0)
            return self._refuse(tap, Refusal.SOLD_OUT, max(0, left), at_ms)
        self._hold(tap, store_id, group, at_ms)
        group_id = tap.group_id if group else ""
        return Decision(Status.ADMITTED, store_id=store_id, price_fen=price_fen, group_id=group_id)

    def _offer(self, tap: Tap) -> GateProduct | None:
        """What the tap's product costs where it comes from."""
        for room_id in (tap.room_id, ""):
            own = self.offers.get((tap.estate_id, tap.product_id, room_id))
            if own:
                return own
        return self.products.get(tap.product_id)

    def _hold(self, tap: Tap, store_id: str, group: GateGroup | None, at_ms: int) -> None:
        self.available[tap.product_id, store_id] -= tap.quantity
        if group:
            group.seats[tap.household] = tap.order_id
        mark = (tap.household, tap.product_id)
        if self._units_bought(tap, at_ms) == 0:
            self._bought.pop(mark, None)
        bought = self._bought.setdefault(mark, _Bought(0, at_ms + LIMIT_WINDOW_MS))
        bought.units += tap.quantity
        self.holds[tap.order_id] = Hold(
            tap.product_id,
            store_id,
            tap.quantity,
            tap.group_id if group else "",
            tap.household,
            at_ms + HOLD_MS,
        )
        self._keys[tap.order_id] = _Key(tap.body_hash, at_ms + IDEMPOTENCY_MS)
        self.backlog += 1

    def settle(self, order_id: str, *, sold: bool) -> None:
        """The ledger took the entry: its hold became a sale, or goes back."""
        hold = self.holds.pop(order_id, None)
        self.backlog -= 1
        if hold is None or sold:
            return
        self.available[hold.product_id, hold.store_id] += hold.quantity
        group = self.groups.get(hold.group_id)
        if group and group.seats.get(hold.household_id) == order_id:
            del group.seats[hold.household_id]
        bought = self._bought.get((hold.household_id, hold.product_id))
        if bought and bought.units > hold.quantity:
            bought.units -= hold.quantity
        elif bought:
            del self._bought[hold.household_id, hold.product_id]

    def held(self, product_id: str, store_id: str) -> int:
        """Units set aside in a store."""
        return sum(
            hold.quantity
            for hold in self.holds.values()
            if (hold.product_id, hold.store_id) == (product_id, store_id)
        )

    def _units_bought(self, tap: Tap, at_ms: int) -> int:
        bought = self._bought.get((tap.household, tap.product_id))
        return bought.units if bought and bought.expires_at_ms > at_ms else 0

    def _refuse(self, tap: Tap, refusal: Refusal, left: int, at_ms: int) -> Decision:
        self._keys[tap.order_id] = _Key(tap.body_hash, at_ms + IDEMPOTENCY_MS, refusal, left)
        return Decision(Status.REFUSED, refusal, left)
