"""Orders whose payment came when their units were on sale again: may the gate take them up again?

The oracle of commerce/io/gate/lua/readmit.lua. Times are UTC milliseconds.
"""

from dataclasses import dataclass

from commerce.errors import Refusal
from commerce.orders.gate import HOLD_MS, IDEMPOTENCY_MS, Gate, Hold
from commerce.orders.lines import Needs
from commerce.orders.promise import first_slot, read_slots, slot_item
from commerce.orders.quotas import PLACE
from commerce.orders.tap import Decision, Status


@dataclass(frozen=True, slots=True)
class LateOrder:
    """What an order needs of the store that it was promised by; `group_id` if it was in a group.

    `slots` are those that it may take there, as in a route's text; empty for a group, which takes
    its slots when it is complete. `counted` are units by product and flash sale, each with the
    household's limit. `quotas` are the units of the sale whose price it has, `coupon_id` is the
    coupon that came off it.
    """

    order_id: str
    household_id: str
    store_id: str
    needs: Needs
    counted: tuple[tuple[str, int, int], ...]
    slots: str = ""
    group_id: str = ""
    quotas: Needs = ()
    coupon_id: str = ""


def readmit(gate: Gate, late: LateOrder, *, at_ms: int) -> Decision:
    """Hold all that a late order needs, at the price that it has; the same again changes nothing.

    Nothing goes into the stream: the order is in the record.
    """
    held = gate.holds.get(late.order_id)
    if held:
        slots = [item.partition(":")[2] for item, _ in held.needs if item.startswith("slot:")]
        return Decision(Status.ADMITTED, slot="".join(slots))
    group = gate.groups.get(late.group_id)
    if late.group_id and (group is None or group.ends_at_ms <= at_ms):
        return _refused(Refusal.GROUP_CLOSED)
    if group and group.seats.get(late.household_id, late.order_id) != late.order_id:
        return _refused(Refusal.ALREADY_JOINED)
    for product_id, units, limit in late.counted:
        if gate.units_bought(late.household_id, product_id, at_ms) + units > limit:
            return _refused(Refusal.LIMIT_REACHED)
    taken_by, until_ms = gate.coupons.get(late.coupon_id, ("", 0))
    if until_ms > at_ms and taken_by != late.order_id:
        return _refused(Refusal.COUPON_TAKEN)
    if any(gate.available.get((name, PLACE), 0) < units for name, units in late.quotas):
        return _refused(Refusal.FLASH_SOLD_OUT)
    here = late.store_id
    if any(gate.available.get((item, here), 0) < units for item, units in late.needs):
        return _refused(Refusal.SOLD_OUT)
    free = {
        slot: gate.available.get((slot_item(slot), here), 0) for slot, _ in read_slots(late.slots)
    }
    slot = first_slot(late.slots, free)
    if late.slots and slot is None:
        return _refused(Refusal.NO_SLOT)
    needs = (*late.needs, (slot_item(slot), 1)) if slot else late.needs
    for item, units in needs:
        gate.available[item, here] -= units
    for name, units in late.quotas:
        gate.available[name, PLACE] -= units
    if late.coupon_id:
        gate.coupons[late.coupon_id] = (late.order_id, at_ms + IDEMPOTENCY_MS)
    if group:
        group.seats[late.household_id] = late.order_id
    counted = tuple((product_id, units) for product_id, units, _ in late.counted)
    gate.count_bought(late.household_id, counted, at_ms)
    gate.holds[late.order_id] = Hold(
        here,
        needs,
        counted,
        late.group_id,
        late.household_id,
        at_ms + HOLD_MS,
        quotas=late.quotas,
        coupon_id=late.coupon_id,
    )
    return Decision(Status.ADMITTED, slot=slot or "")


def _refused(refusal: Refusal) -> Decision:
    return Decision(Status.REFUSED, refusal)
