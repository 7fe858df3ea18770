"""The rule of the ledger: what a batch of admitted taps means for the record.

`plan` is a pure function of the batch, the provider's answers and the facts locked in the record;
the shell (commerce/io/ledger/consumer.py) writes the plan in one transaction. Time is that of the
entries, never the clock, so that a redelivered batch has the same plan.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from commerce.catalogue.sets import SetPart
from commerce.coupons.campaigns import Coupon
from commerce.errors import Refusal
from commerce.groups.group import GOES_ON, Group, GroupState
from commerce.money.payments import PaymentOutcome
from commerce.money.transfers import Transfer, charged, coupon_used
from commerce.orders.lines import order_line
from commerce.orders.order import Entry, OrderRow
from commerce.orders.promise import Fulfilment, window_of
from commerce.orders.states import OrderState, due_at_ms

BATCH_MAX = 500  # entries per transaction


@dataclass(slots=True)
class Facts:
    """What the record says about everything that a batch touches; locked until the commit.

    `free` is on_hand − sold by (product, store); `seats` are (group, household) pairs taken;
    `recipes` are the parts of sets by (set, version); `slots` are free places by (store, slot),
    `quotas` free units by name, `coupons` those that the batch names and nobody has taken.
    """

    known: dict[str, OrderRow] = field(default_factory=dict)
    free: dict[tuple[str, str], int] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    seats: set[tuple[str, str]] = field(default_factory=set)
    recipes: dict[tuple[str, int], tuple[SetPart, ...]] = field(default_factory=dict)
    slots: dict[tuple[str, str], int] = field(default_factory=dict)
    quotas: dict[str, int] = field(default_factory=dict)
    coupons: dict[str, Coupon] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one entry: its order, and whether its hold is sold or goes back."""

    entry: Entry
    order: OrderRow
    sold: bool
    refusal: Refusal | None


@dataclass(slots=True)
class Plan:
    """What to write. `reached` maps a group to the time its last missing household tapped.

    `groups` are those that the batch touches, as it leaves them.
    """

    verdicts: list[Verdict] = field(default_factory=list)
    orders: list[OrderRow] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    refunds: list[OrderRow] = field(default_factory=list)
    joined: dict[str, int] = field(default_factory=dict)
    reached: dict[str, int] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)

    @property
    def ruled_out(self) -> dict[str, str]:
        """Stores that did not get an order, by order."""
        return {verdict.entry.order_id: verdict.entry.ruled_out for verdict in self.verdicts}

    @property
    def discounts(self) -> dict[str, str]:
        """Coupons that came off orders of the plan, by order."""
        new = {order.id for order in self.orders}
        found = {v.entry.order_id: v.entry.coupon_id for v in self.verdicts if v.entry.coupon_id}
        return {order_id: coupon for order_id, coupon in found.items() if order_id in new}

    @property
    def sales(self) -> list[OrderRow]:
        """New orders that take stock."""
        return [order for order in self.orders if order.refused is None]


def plan(
    entries: Sequence[Entry],
    payments: Mapping[str, PaymentOutcome],
    facts: Facts,
    first_number: int,
) -> Plan:
    """Decide a batch; `facts` is used up (it is counted down as the batch goes on).

    Args:
        entries: In stream order, none with an unknown payment.
        payments: Final outcome by order id.
        facts: The record's, as of the transaction.
        first_number: Order numbers from here on are ours, one per entry.
    """
    result = Plan()
    for offset, entry in enumerate(entries):
        known = facts.known.get(entry.order_id)
        if known is not None:
            result.verdicts.append(_redelivered(entry, known))
            continue
        outcome = payments[entry.order_id]
        paid = outcome is PaymentOutcome.PAID
        refusal = _refusal(entry, outcome, facts)
        order = _order(entry, first_number + offset, outcome, refusal, facts)
        facts.known[order.id] = order
        if refusal is None:
            _take(order, entry, facts, result)
        elif paid:
            result.refunds.append(order)
        if paid:
            result.transfers.append(charged(order.id, order.total_fen, entry.at_ms))
        result.orders.append(order)
        result.verdicts.append(Verdict(entry, order, refusal is None, refusal))
    result.groups = facts.groups
    return _release_reached(result)


def _redelivered(entry: Entry, known: OrderRow) -> Verdict:
    """A redelivered entry, or a key that the gate had lost: nothing happens twice."""
    if known.body_hash != entry.body_hash:
        return Verdict(entry, known, False, Refusal.KEY_REUSED)
    same = known.entry_id == entry.entry_id
    return Verdict(entry, known, same and known.refused is None, known.refused)


def _refusal(entry: Entry, outcome: PaymentOutcome, facts: Facts) -> Refusal | None:
    if outcome is PaymentOutcome.DECLINED:
        return Refusal.PAYMENT_DECLINED
    if entry.group_id:
        group = facts.groups.get(entry.group_id)
        if group is None or not group.joinable(entry.at_ms):
            return Refusal.GROUP_CLOSED
        if (entry.group_id, entry.household) in facts.seats:
            return Refusal.ALREADY_JOINED
    for line in entry.lines:
        if line.recipe_version and (line.product_id, line.recipe_version) not in facts.recipes:
            return Refusal.NOT_ON_SALE
    for item_id, units in entry.taken:
        if facts.free.get((item_id, entry.store_id), 0) < units:
            return Refusal.SOLD_OUT
    if entry.slot and facts.slots.get((entry.store_id, entry.slot), 0) < 1:
        return Refusal.NO_SLOT
    if any(facts.quotas.get(name, 0) < units for name, units in entry.quotas):
        return Refusal.FLASH_SOLD_OUT
    if entry.coupon_id:
        coupon = facts.coupons.get(entry.coupon_id)
        if coupon is None or not coupon.usable((entry.household, entry.guest_id), entry.at_ms):
            return Refusal.COUPON_TAKEN
    return None


def _order(
    entry: Entry, number: int, outcome: PaymentOutcome, refusal: Refusal | None, facts: Facts
) -> OrderRow:
    if refusal:
        state, due = OrderState.CANCELLED, None
    elif outcome is PaymentOutcome.LATER:
        state, due = OrderState.WAITING_PAYMENT, None
    elif entry.group_id and facts.groups[entry.group_id].state not in GOES_ON:
        state, due = OrderState.WAITING_GROUP, None
    else:
        state, due = OrderState.NEW, due_at_ms(entry.at_ms)
        if entry.slot:
            due = window_of(entry.slot).until_ms
    return OrderRow(
        id=entry.order_id,
        number=str(number),
        guest_id=entry.guest_id,
        estate_id=entry.estate_id,
        room_id=entry.room_id,
        store_id=entry.store_id,
        product_id=entry.product_id,
        group_id=entry.group_id if entry.group_id in facts.groups else "",
        quantity=entry.quantity,
        total_fen=entry.total_fen,
        paid_fen=entry.total_fen if outcome is PaymentOutcome.PAID else 0,
        refunded_fen=0,
        state=state,
        refused=refusal,
        version=1,
        created_at_ms=entry.at_ms,
        due_at_ms=due,
        handed_over_at_ms=None,
        body_hash=entry.body_hash,
        entry_id=entry.entry_id,
        household_id=entry.household,
        lines=tuple(
            order_line(line, facts.recipes.get((line.product_id, line.recipe_version), ()), off)
            for line, off in zip(entry.lines, entry.discounts_fen, strict=False)
        ),
        slot="" if refusal else entry.slot,
        fulfilment=Fulfilment(entry.fulfilment or Fulfilment.PICKUP),
        quotas=() if refusal else entry.quotas,
        discount_fen=sum(entry.discounts_fen),
    )


def _take(order: OrderRow, entry: Entry, facts: Facts, result: Plan) -> None:
    for item_id, units in order.taken:
        facts.free[item_id, order.store_id] -= units
    if order.slot:
        facts.slots[order.store_id, order.slot] -= 1
    for name, units in order.quotas:
        facts.quotas[name] -= units
    if entry.coupon_id:
        coupon = facts.coupons.pop(entry.coupon_id)
        taken = (order.id, coupon.id, coupon.campaign_id, coupon.value_fen)
        result.transfers.append(coupon_used(*taken, entry.at_ms))
    if not order.group_id or order.state is OrderState.WAITING_PAYMENT:
        return  # a household joins when it pays
    facts.seats.add((order.group_id, order.household))
    group = facts.groups[order.group_id]
    group = replace(group, joined=group.joined + 1)
    if group.state is GroupState.OPEN and group.joined >= group.target:
        group = replace(group, state=GroupState.REACHED)
        result.reached[group.id] = entry.at_ms
    facts.groups[group.id] = group
    result.joined[group.id] = result.joined.get(group.id, 0) + 1


def _release_reached(result: Plan) -> Plan:
    """Orders of this batch that waited for a group which the batch itself completed go on, too."""
    if not result.reached:
        return result

    def gone_on(order: OrderRow) -> OrderRow:
        reached_at_ms = result.reached.get(order.group_id)
        if reached_at_ms is None or order.state is not OrderState.WAITING_GROUP:
            return order
        return replace(order, state=OrderState.NEW, due_at_ms=due_at_ms(reached_at_ms))

    result.orders = [gone_on(order) for order in result.orders]
    result.verdicts = [
        replace(verdict, order=gone_on(verdict.order)) for verdict in result.verdicts
    ]
    return result
