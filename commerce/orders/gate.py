"""The rule of the gate: does a tap become an order? The oracle of commerce/io/gate/lua/admit.lua.

In production the rule runs inside Redis, atomically; this module says the same in Python, is what
the script is property-tested against, and serves as the gate in memory. Times are UTC milliseconds.
"""

from copy import deepcopy
from dataclasses import dataclass, field

from commerce.errors import Refusal
from commerce.orders.flash import GateFlash, flash_answer
from commerce.orders.lines import Needs, TapLine
from commerce.orders.promise import (
    RuledOut,
    RuledOutBy,
    encode_ruled_out,
    first_slot,
    read_slots,
    slot_item,
)
from commerce.orders.quotas import PLACE, counted_as, flash_quota, right_quota
from commerce.orders.tap import Decision, Status, Tap

HOLD_MS = 60_000  # a hold that the ledger has not settled by then is swept
IDEMPOTENCY_MS = 24 * 3_600 * 1_000  # how long the gate remembers a key
LIMIT_WINDOW_MS = 24 * 3_600 * 1_000  # units per household are counted from the first one on
BACKLOG_MAX = 20_000  # entries that the ledger has not taken; beyond, taps get BUSY
GRACE_MS = 30_000  # how long the price before a dearer one is honoured


@dataclass(slots=True)
class GateProduct:
    """What the gate knows of a product, or of an estate's offer of it."""

    price_fen: int
    household_limit: int
    on_sale: bool = True
    recipe_version: int = 0


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

    store_id: str
    needs: Needs
    bought: Needs
    group_id: str
    household_id: str
    expires_at_ms: int
    ruled_out: str = ""
    quotas: Needs = ()
    coupon_id: str = ""


@dataclass(slots=True)
class _Key:
    body_hash: str
    expires_at_ms: int
    refusal: Refusal | None = None
    left: int = 0
    product_id: str = ""


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
    # What members are offered instead; the estate may be "" for all of them.
    member_offers: dict[tuple[str, str, str], GateProduct] = field(default_factory=dict)
    # Prices before dearer ones and until when they hold, by what was offered to whom.
    previous: dict["Offered", tuple[int, int]] = field(default_factory=dict)
    groups: dict[str, GateGroup] = field(default_factory=dict)
    open_groups: dict[tuple[str, str], str] = field(default_factory=dict)
    # By room and product.
    flash_sales: dict[tuple[str, str], GateFlash] = field(default_factory=dict)
    # Orders that took a coupon, and until when that is remembered; the record remembers longer.
    coupons: dict[str, tuple[str, int]] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    backlog: int = 0
    _keys: dict[str, _Key] = field(default_factory=dict)
    _bought: dict[tuple[str, str], _Bought] = field(default_factory=dict)

    def admit(self, tap: Tap, *, at_ms: int, is_half: bool = False) -> Decision:
        """Decide one tap; the same tap decided again is a replay or the same refusal."""
        key = self._keys.get(tap.order_id)
        if key and key.expires_at_ms > at_ms:
            if key.body_hash != tap.body_hash:
                return Decision(Status.REFUSED, Refusal.KEY_REUSED)
            if key.refusal:
                return Decision(Status.REFUSED, key.refusal, key.left, product_id=key.product_id)
            return Decision(Status.REPLAYED)
        if self.backlog >= BACKLOG_MAX:
            return Decision(Status.BUSY)
        open_id = self.open_groups.get((tap.estate_id, tap.product_id), "")
        joins = not tap.explicit and len(tap.lines) < 2 and not is_half
        if joins and open_id != tap.group_id:
            return Decision(Status.OTHER_GROUP, group_id=open_id)
        return self._decide(tap, at_ms)

    def admit_halves(self, first: Tap, second: Tap, *, at_ms: int) -> list[Decision]:
        """Decide both halves of a split order: both answers, or the one that prevents both.

        They have no product and no store in common, and join no group. A refusal is kept with the
        key of its half; nothing is held for the other one.
        """
        halves = (first, second)
        for tap in halves:
            seen = deepcopy(self).admit(tap, at_ms=at_ms, is_half=True)
            if seen.status is Status.REFUSED:
                return [self.admit(tap, at_ms=at_ms, is_half=True)]
            if seen.status not in (Status.ADMITTED, Status.REPLAYED):
                return [seen]
        backlog, self.backlog = self.backlog, 0  # there was room for both when the first was seen
        decided = [self.admit(tap, at_ms=at_ms, is_half=True) for tap in halves]
        self.backlog += backlog
        return decided

    def _decide(self, tap: Tap, at_ms: int) -> Decision:
        lines = tap.all_lines
        products = []
        for line in lines:
            product = self._offer(tap, line.product_id)
            if product is None or not product.on_sale:
                return self._refuse(tap, Refusal.NOT_ON_SALE, 0, at_ms, line.product_id)
            if product.recipe_version != line.recipe_version:
                return Decision(Status.STALE)
            products.append(product)
        sold_at, flash = self._flash_line(tap, lines)
        quota = ""
        if tap.flash_id or (flash and not tap.explicit):
            decided = self._flash(tap, lines[sold_at], flash, at_ms)
            if isinstance(decided, Decision):
                return decided
            quota = decided
        group = None if quota else self._group(tap, at_ms)
        if group is None and tap.explicit:
            return self._refuse(tap, Refusal.GROUP_CLOSED, 0, at_ms)
        prices_fen = [product.price_fen for product in products]
        if group:
            prices_fen[0] = group.price_fen
        if flash and quota:
            prices_fen[sold_at] = flash.price_fen
        for at, (line, price_fen) in enumerate(zip(lines, prices_fen, strict=True)):
            if line.expected_price_fen in (None, price_fen):
                continue
            in_flash = bool(quota) and at == sold_at
            if in_flash and (line.expected_price_fen or 0) > price_fen and not tap.coupon_id:
                continue  # who saw more pays less; what a coupon takes off is of the price seen
            decided_here = in_flash or (at == 0 and group is not None)
            if decided_here or not self._is_honoured(tap, line, price_fen, at_ms):
                return self._refuse(tap, Refusal.PRICE_CHANGED, price_fen, at_ms, line.product_id)
            prices_fen[at] = line.expected_price_fen or 0
        if group and tap.household in group.seats:
            return self._refuse(tap, Refusal.ALREADY_JOINED, 0, at_ms)
        for line, product in zip(lines, products, strict=True):
            bought = self.units_bought(tap.household, line.product_id, at_ms)
            if bought + line.units > product.household_limit:
                left = max(0, product.household_limit - bought)
                return self._refuse(tap, Refusal.LIMIT_REACHED, left, at_ms, line.product_id)
        if self.coupons.get(tap.coupon_id, ("", 0))[1] > at_ms:
            return self._refuse(tap, Refusal.COUPON_TAKEN, 0, at_ms)
        needs = tap.needs or ((tap.product_id, tap.quantity),)
        store_id, slot, passed_over = self._store(tap, needs, in_group=group is not None)
        if store_id is None:
            if any(out.reason is RuledOutBy.FULL for out in passed_over):
                return self._refuse(tap, Refusal.NO_SLOT, 0, at_ms)
            left, item_id = self._left(tap, needs)
            return self._refuse(tap, Refusal.SOLD_OUT, left, at_ms, item_id)
        held = (*needs, (slot_item(slot), 1)) if slot else needs
        quotas = ((quota, lines[sold_at].units),) if quota else ()
        self._hold(tap, store_id, held, group, at_ms, quotas)
        ruled_out = filter(None, [tap.ruled_out, encode_ruled_out(passed_over)])
        self.holds[tap.order_id].ruled_out = ",".join(ruled_out)
        group_id = tap.group_id if group else ""
        return Decision(
            Status.ADMITTED,
            store_id=store_id,
            price_fen=prices_fen[0],
            group_id=group_id,
            slot=slot,
        )

    def _flash_line(self, tap: Tap, lines: tuple[TapLine, ...]) -> tuple[int, GateFlash | None]:
        """The first line of a product that is in a flash sale of the room, and the sale."""
        for at, line in enumerate(lines):
            flash = self.flash_sales.get((tap.room_id, line.product_id))
            if flash:
                return at, flash
        return 0, None

    def _flash(
        self, tap: Tap, line: TapLine, flash: GateFlash | None, at_ms: int
    ) -> Decision | str:
        """The quota from which a line is sold at a flash sale's price, "" if at the plain one.

        A tap before its start, or of a sale that the gate does not know, decides nothing, so its
        key may be used again.
        """
        if len(tap.lines) > 1 and tap.flash_id:
            return self._refuse(tap, Refusal.FLASH_OVER, 0, at_ms, tap.product_id)
        if flash is None or tap.flash_id not in ("", flash.id):
            return Decision(Status.REFUSED, Refusal.NOT_YET)
        right, all_units = right_quota(flash.id, tap.household), flash_quota(flash.id)
        answer = flash_answer(
            flash,
            asked=bool(tap.flash_id),
            seen_fen=line.expected_price_fen,
            units=line.units,
            right=self.available.get((right, PLACE), 0),
            free=self.available.get((all_units, PLACE), 0),
            bought=self.units_bought(tap.household, all_units, at_ms),
            at_ms=at_ms,
        )
        if answer.refusal is Refusal.NOT_YET:
            return Decision(Status.REFUSED, Refusal.NOT_YET, answer.left)
        if answer.refusal:
            return self._refuse(tap, answer.refusal, answer.left, at_ms, line.product_id)
        return right if answer.from_right else all_units if answer.from_all else ""

    def _group(self, tap: Tap, at_ms: int) -> GateGroup | None:
        """The group that the tap joins, if it may be joined and is of the first line."""
        group = self.groups.get(tap.group_id)
        if group and (
            group.ends_at_ms <= at_ms
            or (group.estate_id, group.product_id) != (tap.estate_id, tap.product_id)
        ):
            return None
        return group

    def _store(
        self, tap: Tap, needs: Needs, *, in_group: bool
    ) -> tuple[str | None, str, list[RuledOut]]:
        """The first store that has all of it and a slot, the slot, and the stores before it.

        A group takes its slots when it is complete.
        """
        passed_over = []
        for store, slots in tap.candidates:
            lacks = [item for item, units in needs if self.available.get((item, store), 0) < units]
            if lacks:
                passed_over.append(RuledOut(store, RuledOutBy.NO_STOCK, lacks[0]))
                continue
            if in_group or not slots:
                return store, "", passed_over
            free = {
                slot: self.available.get((slot_item(slot), store), 0)
                for slot, _ in read_slots(slots)
            }
            slot = first_slot(slots, free)
            if slot:
                return store, slot, passed_over
            passed_over.append(RuledOut(store, RuledOutBy.FULL))
        return None, "", passed_over

    def _left(self, tap: Tap, needs: Needs) -> tuple[int, str]:
        """What of a tap could be had: as much of one line, or of an item that lacks, and which."""
        if len(tap.lines) < 2:
            most = [
                min(
                    self.available.get((item, store), 0) // (units // tap.quantity)
                    for item, units in needs
                )
                for store in tap.stores
            ]
            return max(0, *most, 0), ""
        if not tap.stores:
            return 0, needs[0][0]
        free = [(self.available.get((item, tap.stores[0]), 0), item) for item, _ in needs]
        return next(
            (max(0, here), item)
            for (here, item), (_, units) in zip(free, needs, strict=True)
            if here < units
        )

    def _offer(self, tap: Tap, product_id: str) -> GateProduct | None:
        """What a product costs where the tap comes from."""
        chain = places_of(product_id, tap.estate_id, tap.room_id, member=tap.member)
        return next((own for place in chain if (own := self._at(place))), None)

    def _at(self, place: "Offered") -> GateProduct | None:
        """What is offered exactly there."""
        member, *where = place
        if member:
            return self.member_offers.get((where[0], where[1], where[2]))
        if not where[0]:
            return self.products.get(where[1])
        return self.offers.get((where[0], where[1], where[2]))

    def _is_honoured(self, tap: Tap, line: TapLine, price_fen: int, at_ms: int) -> bool:
        """Whether the price seen is the one before, which has just become dearer."""
        if line.expected_price_fen is None or line.expected_price_fen > price_fen:
            return False
        for place in places_of(line.product_id, tap.estate_id, tap.room_id, member=tap.member):
            before_fen, until_ms = self.previous.get(place, (0, 0))
            if until_ms > at_ms:
                return before_fen == line.expected_price_fen
            if self._at(place):
                return False
        return False

    def replace_offers(
        self, product_id: str, offers: "dict[Offered, GateProduct]", at_ms: int
    ) -> None:
        """Offer a product as `offers` says; where it becomes dearer, the price before holds on."""
        known = {
            **{(False, "", id, ""): offer for id, offer in self.products.items()},
            **{(False, *place): offer for place, offer in self.offers.items()},
            **{(True, *place): offer for place, offer in self.member_offers.items()},
        }
        before = {place: offer for place, offer in known.items() if place[2] == product_id}

        def found(among: "dict[Offered, GateProduct]", place: "Offered") -> GateProduct | None:
            member, estate_id, _, room_id = place
            chain = places_of(product_id, estate_id, room_id, member=member)
            return next((among[each] for each in chain if each in among), None)

        for place in {*before, *offers}:
            old, new = found(before, place), found(offers, place)
            if old and new and old.on_sale and new.price_fen > old.price_fen:
                self.previous[place] = (old.price_fen, at_ms + GRACE_MS)
        for place in before:
            member, *where = place
            if member:
                del self.member_offers[where[0], where[1], where[2]]
            elif where[0]:
                del self.offers[where[0], where[1], where[2]]
            else:
                del self.products[product_id]
        for (member, *where), offer in offers.items():
            if member:
                self.member_offers[where[0], where[1], where[2]] = offer
            elif where[0]:
                self.offers[where[0], where[1], where[2]] = offer
            else:
                self.products[product_id] = offer

    def _hold(
        self,
        tap: Tap,
        store_id: str,
        needs: Needs,
        group: GateGroup | None,
        at_ms: int,
        quotas: Needs,
    ) -> None:
        for item, units in needs:
            self.available[item, store_id] -= units
        for name, units in quotas:
            self.available[name, PLACE] -= units
        if group:
            group.seats[tap.household] = tap.order_id
        counted = (
            *[(line.product_id, line.units) for line in tap.all_lines],
            *counted_as(quotas),
        )
        self.count_bought(tap.household, counted, at_ms)
        self.holds[tap.order_id] = Hold(
            store_id,
            needs,
            counted,
            tap.group_id if group else "",
            tap.household,
            at_ms + HOLD_MS,
            quotas=quotas,
            coupon_id=tap.coupon_id,
        )
        if tap.coupon_id:
            self.coupons[tap.coupon_id] = (tap.order_id, at_ms + IDEMPOTENCY_MS)
        self._keys[tap.order_id] = _Key(tap.body_hash, at_ms + IDEMPOTENCY_MS)
        self.backlog += 1

    def settle(self, order_id: str, *, sold: bool) -> None:
        """The ledger took the entry: its hold became a sale, or goes back."""
        self.backlog -= 1
        self.end_hold(order_id, sold=sold)

    def end_hold(self, order_id: str, *, sold: bool) -> None:
        """A hold became a sale, or goes back."""
        hold = self.holds.pop(order_id, None)
        if hold is None or sold:
            return
        for item, units in hold.needs:
            self.available[item, hold.store_id] += units
        for name, units in hold.quotas:
            self.available[name, PLACE] += units
        self.free_coupon(hold.coupon_id, order_id)
        group = self.groups.get(hold.group_id)
        if group and group.seats.get(hold.household_id) == order_id:
            del group.seats[hold.household_id]
        for product_id, units in hold.bought:
            bought = self._bought.get((hold.household_id, product_id))
            if bought and bought.units > units:
                bought.units -= units
            elif bought:
                del self._bought[hold.household_id, product_id]

    def free_coupon(self, coupon_id: str, order_id: str) -> None:
        """An order gives its coupon back."""
        if self.coupons.get(coupon_id, ("", 0))[0] == order_id:
            del self.coupons[coupon_id]

    def held(self, product_id: str, store_id: str) -> int:
        """Units set aside in a store."""
        return sum(
            units
            for hold in self.holds.values()
            for item, units in (hold.quotas if store_id == PLACE else hold.needs)
            if item == product_id and store_id in (PLACE, hold.store_id)
        )

    def bought(self, household_id: str, product_id: str) -> int:
        """Units of a product that a household's limit counts."""
        bought = self._bought.get((household_id, product_id))
        return bought.units if bought else 0

    def count_bought(self, household_id: str, counted: Needs, at_ms: int) -> None:
        """Count units for a household's limits; a window begins with the first ones."""
        for product_id, units in counted:
            mark = (household_id, product_id)
            if self.units_bought(*mark, at_ms) == 0:
                self._bought.pop(mark, None)
            bought = self._bought.setdefault(mark, _Bought(0, at_ms + LIMIT_WINDOW_MS))
            bought.units += units

    def units_bought(self, household_id: str, product_id: str, at_ms: int) -> int:
        """Units of a product that a household's limit counts at a time."""
        bought = self._bought.get((household_id, product_id))
        return bought.units if bought and bought.expires_at_ms > at_ms else 0

    def _refuse(
        self, tap: Tap, refusal: Refusal, left: int, at_ms: int, product_id: str = ""
    ) -> Decision:
        product_id = product_id if len(tap.lines) > 1 else ""
        self._keys[tap.order_id] = _Key(
            tap.body_hash, at_ms + IDEMPOTENCY_MS, refusal, left, product_id
        )
        return Decision(Status.REFUSED, refusal, left, product_id=product_id)


Offered = tuple[bool, str, str, str]
"""Whether it is for members only, the estate or "", the product, the room or ""."""


def places_of(product_id: str, estate_id: str, room_id: str, *, member: bool) -> list[Offered]:
    """Where an offer is looked for, narrowest first."""
    places: list[Offered] = []
    for estate, room in dict.fromkeys([(estate_id, room_id), (estate_id, ""), ("", "")]):
        if member:
            places.append((True, estate, product_id, room))
        places.append((False, estate, product_id, room))
    return places
