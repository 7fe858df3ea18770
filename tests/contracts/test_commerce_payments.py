"""Every payment provider charges and refunds each order once."""

from collections.abc import AsyncIterator

import pytest

from commerce.io.payments.sandbox import Fault, SandboxPayments
from commerce.io.record.engine import Record, close_engine, open_engine
from commerce.io.record.migrate import upgrade
from commerce.money.payments import Charge, MemoryPayments, PaymentOutcome, Payments, Refund

PAID, DECLINED, UNKNOWN = PaymentOutcome.PAID, PaymentOutcome.DECLINED, PaymentOutcome.UNKNOWN


class Faults:
    """What goes wrong next, one call at a time."""

    def __init__(self) -> None:
        self.next: list[Fault] = []

    def __call__(self, call: str, order_id: str) -> Fault:
        return self.next.pop(0) if self.next else Fault.NONE


@pytest.fixture
async def record(database_url: str) -> AsyncIterator[Record]:
    """An upgraded record."""
    engine = open_engine(database_url)
    await upgrade(engine)
    yield Record(engine)
    await close_engine(engine)


@pytest.fixture(params=["memory", "sandbox"])
def payments(request: pytest.FixtureRequest, record: Record) -> Payments:
    """Each provider in turn."""
    return MemoryPayments() if request.param == "memory" else SandboxPayments(record)


async def test_a_charge_is_made_once(payments: Payments) -> None:
    charges = [Charge("a", "anna", 500), Charge("b", "bo", 300)]
    assert list(await payments.charge(charges)) == [PAID, PAID]
    assert list(await payments.charge([*charges, Charge("c", "cai", 1)])) == [PAID] * 3
    assert list(await payments.charge([])) == []


async def test_a_refund_is_made_once_and_never_exceeds_what_was_paid(payments: Payments) -> None:
    await payments.charge([Charge("a", "anna", 500)])
    assert list(await payments.refund([Refund("a", 501)])) == [DECLINED]
    assert list(await payments.refund([Refund("never charged", 1)])) == [DECLINED]
    for _ in range(2):
        assert list(await payments.refund([Refund("a", 200), Refund("a", 300, 2)])) == [PAID] * 2
    assert list(await payments.refund([Refund("a", 1, 3)])) == [DECLINED]


async def test_a_decline_of_the_sandbox_is_final(record: Record) -> None:
    faults = Faults()
    sandbox = SandboxPayments(record, faults)
    faults.next = [Fault.DECLINE]
    assert await sandbox.charge([Charge("a", "anna", 500)]) == [DECLINED]
    assert await sandbox.charge([Charge("a", "anna", 500)]) == [DECLINED]


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.MUTE])
async def test_a_retry_after_an_unknown_outcome_gets_the_final_one(
    record: Record, fault: Fault
) -> None:
    faults = Faults()
    sandbox = SandboxPayments(record, faults)
    faults.next = [fault, Fault.NONE, fault]
    assert await sandbox.charge([Charge("a", "anna", 500)]) == [UNKNOWN]
    assert await sandbox.charge([Charge("a", "anna", 500)]) == [PAID]
    assert await sandbox.refund([Refund("a", 500)]) == [UNKNOWN]
    assert await sandbox.refund([Refund("a", 500)]) == [PAID]
