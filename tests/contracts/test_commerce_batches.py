"""Leaders hand over without codes: to several households at once, or by the digits of a phone."""

import base64
from dataclasses import dataclass, field, replace

import pytest
from sqlalchemy import select, update

from commerce.errors import InvalidField
from commerce.io.record.schema import orders
from commerce.io.record.schema_staff import audit_entries
from commerce.leaders.scans import Scan, ScanHow, ScanOutcome, ScanResult
from commerce.notices.notices import NoticeChannel, NoticeState
from commerce.notices.push import PushAnswer, PushMessage, PushOutcome, Subscription
from commerce.orders.states import OrderState
from commerce.views import OrderView
from tests.support.commerce_checks import sound
from tests.support.commerce_shop import Shop, TestClock, running_shop
from tests.support.ready_orders import code_of, ready_order, settle_in
from tests.support.records import each_record
from tests.support.waiting import wait_until

database_url = each_record

WHY = "came together, I know them"
POINT = base64.urlsafe_b64encode(b"\x04" + b"\x11" * 64).decode()
AUTH = base64.urlsafe_b64encode(b"\x22" * 16).decode()
DAY_MS = 86_400_000
HOUR_MS = 3_600_000


def batch(shop: Shop, *households: str, device: str = "d1", from_seq: int = 1) -> list[Scan]:
    """One scan for each household, of one phone."""
    one = Scan(device, f"phone {device}", 0, ScanHow.BATCH, shop.clock(), reason=WHY)
    return [
        replace(one, seq=from_seq + at, household_id=household)
        for at, household in enumerate(households)
    ]


async def send(shop: Shop, scans: list[Scan]) -> list[ScanOutcome]:
    """As a phone sends them."""
    handover = shop.commerce.leaders.handover
    return [await handover.hand_over("e1", one, "u1") for one in scans]


async def test_several_households_get_theirs_at_once_and_duplicates_are_named(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url) as shop:
        tea = await ready_order(shop, "anna", "tea", "home")
        pear = await ready_order(shop, "otto", "pear", "home")
        brought = await ready_order(shop, "emma", "tea", "home")
        of_bo, of_cai = await ready_order(shop, "bo"), await ready_order(shop, "cai")
        late = await shop.commerce.orders.place(shop.tap("dora"))
        assert isinstance(late, OrderView)
        async with shop.commerce.record.write() as connection:
            this = update(orders).where(orders.c.id == brought)
            await connection.execute(this.values(fulfilment="delivery"))
        code = await code_of(shop, "cai", of_cai)
        await shop.commerce.fulfilment.hand_over("s1", code, "u1")

        with pytest.raises(InvalidField):
            await send(shop, [replace(batch(shop, "home")[0], reason="so")])
        scans = batch(shop, "home", "bo", "cai", "dora")
        outcomes = await send(shop, scans)
        assert [outcome.result for outcome in outcomes] == [
            ScanResult.HANDED_OVER,
            ScanResult.HANDED_OVER,
            ScanResult.DUPLICATE,
            ScanResult.NOT_READY,
        ]
        assert set(outcomes[0].order_ids) == {tea, pear}  # not what is to be brought to the door
        assert outcomes[1].order_ids == (of_bo,)
        counter = outcomes[2].first
        assert counter and (counter.device, counter.staff_name) == ("", "Clerk")
        assert await send(shop, scans) == outcomes
        other = await send(shop, batch(shop, "bo", device="d2"))
        assert other[0].result is ScanResult.DUPLICATE
        assert other[0].first and other[0].first.device_name == "phone d1"

        states = {id: (await shop.commerce.orders.get(id)).state for id in (tea, pear, brought)}
        assert states == {
            tea: OrderState.HANDED_OVER,
            pear: OrderState.HANDED_OVER,
            brought: OrderState.READY,
        }
        assert (await shop.commerce.orders.get(late.id)).state is OrderState.NEW
        async with shop.commerce.record.read() as connection:
            entries = await connection.execute(
                select(audit_entries.c.subject, audit_entries.c.after).where(
                    audit_entries.c.action == "order.hand-over"
                )
            )
            reasons = {subject for subject, after in entries if WHY in (after or "")}
        assert reasons == {tea, pear, of_bo}
        await sound(shop)


async def test_the_same_digits_of_two_persons_open_only_the_household_that_was_named(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url) as shop:
        here = await settle_in(shop, "Anna", "home", "1234")
        there = await settle_in(shop, "Bo", "other", "1234")
        mine = await ready_order(shop, here, household="home")
        theirs = await ready_order(shop, there, household="other")

        def tail(seq: int, household: str, last_four: str) -> Scan:
            whom = {"household_id": household, "last_four": last_four, "reason": WHY}
            return Scan("d1", "phone", seq, ScanHow.TAIL, shop.clock(), **whom)

        outcomes = await send(
            shop,
            [
                tail(1, "home", "4321"),
                tail(2, "nobody", "1234"),
                tail(3, "home", "1234"),
                tail(4, "home", "1234"),
            ],
        )
        assert [outcome.result for outcome in outcomes] == [
            ScanResult.WRONG_TAIL,
            ScanResult.WRONG_TAIL,
            ScanResult.HANDED_OVER,
            ScanResult.DUPLICATE,
        ]
        assert outcomes[2].order_ids == (mine,)
        assert outcomes[3].first and outcomes[3].first.staff_name == "Clerk"
        assert (await shop.commerce.orders.get(theirs)).state is OrderState.READY
        await sound(shop)


@dataclass
class Answering:
    """A push service that answers by browser, 201 by default."""

    public_key: str = "key"
    answers: dict[str, PushOutcome] = field(default_factory=dict)

    async def send(self, to: Subscription, message: PushMessage) -> PushAnswer:
        """See the port."""
        return PushAnswer(self.answers.get(to.endpoint, PushOutcome.SENT))


async def test_a_leader_sees_whether_a_reminder_was_sent_failed_or_seen(
    database_url: str, valkey_url: str
) -> None:
    clock, service = TestClock(), Answering()
    async with running_shop(database_url, valkey_url, clock=clock, push=service) as shop:
        clock.ahead_ms += (4 * HOUR_MS - clock() % DAY_MS) % DAY_MS  # noon in Shanghai
        ready = {}
        for name, answer in (
            ("Anna", PushOutcome.SENT),
            ("Bo", PushOutcome.REFUSED),
            ("Cai", None),
        ):
            guest = ready[name] = (await shop.commerce.people.add_guest(name, "e1")).guest.id
            if answer is not None:
                endpoint = f"https://fcm.googleapis.com/{name}"
                service.answers[endpoint] = answer
                await shop.commerce.push.subscribe(guest, endpoint, POINT, AUTH, "zh")
            await ready_order(shop, guest)
        done = await shop.commerce.leaders.reminders.remind("e1", [], "u1")
        assert (done.households, done.too_soon) == (3, 0)

        async def fates() -> dict[str, tuple[NoticeChannel, NoticeState]]:
            day = await shop.commerce.leaders.home.day("e1")
            found = {one.household_id: (one.channel, one.state) for one in day.reminders}
            return {name: found[guest] for name, guest in ready.items()}

        async def answered() -> bool:
            found = await fates()
            return NoticeState.WAITING not in (found["Anna"][1], found["Bo"][1])

        await wait_until(answered, what="an answer to both messages")
        assert await fates() == {
            "Anna": (NoticeChannel.PUSH, NoticeState.SENT),
            "Bo": (NoticeChannel.PUSH, NoticeState.FAILED),
            "Cai": (NoticeChannel.PAGE, NoticeState.WAITING),
        }
        for name in ("Bo", "Cai"):
            shown = await shop.commerce.notices.mine(ready[name])
            await shop.commerce.notices.seen(ready[name], [notice.id for notice in shown])
        found = await fates()
        assert found["Bo"] == found["Cai"] == (NoticeChannel.PAGE, NoticeState.SEEN)
        await sound(shop)
