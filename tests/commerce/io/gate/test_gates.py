"""Which gate brands have, and where its keys lie in a cluster."""

from collections.abc import Iterable
from typing import cast

import pytest
from redis.asyncio import Redis
from redis.crc import key_slot

from commerce.catalogue.values import own_gate
from commerce.errors import NotFound
from commerce.io.gate.gates import PER_TURN_MAX, Gates, Turns
from commerce.io.gate.keys import SHARED, GateKeys
from commerce.io.gate.redis_gate import RedisGate

NO_REDIS = cast(Redis, None)


def gates_of(brands: Iterable[str]) -> Gates:
    """A gate for each brand."""
    names = {brand: own_gate(brand) for brand in brands}
    return Gates(NO_REDIS, lambda: names)


def keys_of(keys: GateKeys) -> set[str]:
    """One key of each kind."""
    plain = {key for name, key in vars(keys).items() if not name.startswith("_")} - {
        keys.gate,
        keys.tag,
    }
    one = {kind("1") for kind in (keys.group, keys.seats, keys.idem, keys.coupon, keys.applied)}
    return plain | one | {keys.bought("h", "p")}


def test_all_keys_of_a_gate_lie_in_one_slot_and_those_of_other_brands_in_others() -> None:
    slots = []
    for gate in (SHARED, own_gate("fruit"), own_gate("bakery")):
        keys = keys_of(GateKeys(gate))
        assert len(keys) >= 18
        [slot] = {key_slot(key.encode()) for key in keys}
        slots.append(slot)
    assert len(set(slots)) == 3


def test_a_brand_that_is_not_known_has_no_gate() -> None:
    gates = gates_of(["fruit"])
    assert gates.of("fruit").keys.tag == "{b:fruit}"
    with pytest.raises(NotFound):
        gates.of("bakery")


def test_a_gate_is_gone_with_its_brand_but_the_shared_one_stays() -> None:
    names = {"old": SHARED, "fruit": own_gate("fruit")}
    gates = Gates(NO_REDIS, lambda: names)
    assert [gate.keys.gate for gate in gates.all()] == [SHARED, "b:fruit"]
    names.clear()
    [gone] = gates.gone()
    assert gone.keys.gate == "b:fruit"
    gates.forget(gone)
    assert not gates.gone()
    assert [gate.keys.gate for gate in gates.all()] == [SHARED]


def test_a_turn_costs_the_same_with_many_gates_and_each_gets_its_turn() -> None:
    all_gates, turns = gates_of(f"b{n}" for n in range(100)).all(), Turns()
    seen: set[RedisGate] = set()
    for _ in range(4):
        due = turns.next(all_gates)
        assert len(due) == len(set(due)) == PER_TURN_MAX
        seen.update(due)
    assert seen == set(all_gates)
    assert turns.next(all_gates[:3]) == all_gates[:3]
