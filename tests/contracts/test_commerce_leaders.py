"""Leaders hand over, on both records: one success of many, duplicates named, each scan once."""

import asyncio
import dataclasses
from collections import Counter

import pytest
from sqlalchemy import select, update

from commerce.after_sales.claims import WINDOW_MS
from commerce.after_sales.refunds import WHOLE, PartRefund
from commerce.catalogue.values import SeedStaff, Staff
from commerce.errors import NotReadyYet
from commerce.io.record.refund_postings import request_part_refunds
from commerce.io.record.schema import orders
from commerce.io.record.schema_staff import audit_entries
from commerce.leaders.commission import CommissionRate
from commerce.leaders.scans import Scan, ScanHow, ScanResult
from commerce.money.accounts import day_of
from commerce.notices.notices import NoticeKind, NoticeState
from commerce.orders.states import OrderState
from tests.support.commerce_checks import sound
from tests.support.commerce_shop import TestClock, running_shop, shop_plan
from tests.support.ready_orders import code_of, ready_order, scan, settle_in
from tests.support.waiting import wait_until

RACERS = 20
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


async def test_twenty_racing_handovers_give_one_success_and_nineteen_named_duplicates(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url) as shop:
        handover = shop.commerce.leaders.handover
        first = await ready_order(shop, "anna", "tea", "home")
        second = await ready_order(shop, "otto", "tea", "home")
        other = await ready_order(shop, "zoe")
        codes = [await code_of(shop, "anna", first), await code_of(shop, "otto", second)]
        outcomes = await asyncio.gather(
            *(handover.hand_over("e1", scan(f"d{n}", codes[n % 2]), "u1") for n in range(RACERS))
        )
        counted = Counter(outcome.result for outcome in outcomes)
        assert counted == {ScanResult.HANDED_OVER: 1, ScanResult.DUPLICATE: RACERS - 1}
        [winner] = [n for n in range(RACERS) if outcomes[n].result is ScanResult.HANDED_OVER]
        assert set(outcomes[winner].order_ids) == {first, second}
        for outcome in outcomes:
            if outcome.first:
                assert (outcome.first.device, outcome.first.staff_name) == (f"d{winner}", "Clerk")
                assert outcome.first.at_ms == 1_000
        again = await handover.hand_over("e1", scan(f"d{winner}", codes[0]), "u1")
        assert again == outcomes[winner]
        assert (await shop.commerce.orders.get(other)).state is OrderState.READY
        await sound(shop)


async def test_codes_of_other_estates_and_of_the_counter_are_told_apart(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url) as shop:
        handover = shop.commerce.leaders.handover
        order = await ready_order(shop, "anna")
        code = await code_of(shop, "anna", order)
        offline = await handover.offline_codes("e1")
        assert [open.order_id for open in offline.codes] == [order]
        elsewhere = await handover.hand_over("e2", scan("d1", code), "u1")
        assert elsewhere.result is ScanResult.UNKNOWN
        await shop.commerce.fulfilment.hand_over("s1", code, "u1")
        late = await handover.hand_over("e1", scan("d1", code, seq=2), "u1")
        assert late.result is ScanResult.DUPLICATE
        assert late.first and (late.first.device, late.first.staff_name) == ("", "Clerk")
        assert (await handover.offline_codes("e1")).codes == []
        await sound(shop)


async def test_phone_digits_hand_over_with_a_reason_that_is_audited(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url) as shop:
        guest = await settle_in(shop, "Anna", "home", "1234")
        order = await ready_order(shop, guest, household="home")

        def tail(seq: int, last_four: str) -> Scan:
            whom = {"household_id": "home", "last_four": last_four, "reason": "phone is flat"}
            return Scan("d1", "phone", seq, ScanHow.TAIL, 1_000, **whom)

        handover = shop.commerce.leaders.handover
        wrong = await handover.hand_over("e1", tail(1, "9999"), "u1")
        right = await handover.hand_over("e1", tail(2, "1234"), "u1")
        assert (wrong.result, right.result) == (ScanResult.WRONG_TAIL, ScanResult.HANDED_OVER)
        async with shop.commerce.record.read() as connection:
            entries = select(audit_entries.c.after).where(audit_entries.c.subject == order)
            afters = list(await connection.scalars(entries))
        assert any("phone is flat" in (after or "") for after in afters)
        await sound(shop)


async def test_reminder_comes_once_waits_for_the_morning_and_shows_when_it_was_seen(
    database_url: str, valkey_url: str
) -> None:
    clock = TestClock()
    async with running_shop(database_url, valkey_url, clock=clock) as shop:
        clock.ahead_ms += (18 * HOUR_MS - clock() % DAY_MS) % DAY_MS  # 02:00 in Shanghai
        guest = (await shop.commerce.people.add_guest("Anna", "e1")).guest.id
        await ready_order(shop, guest)
        await ready_order(shop, "unknown to the record")
        at_door = (await shop.commerce.people.add_guest("Bo", "e1")).guest.id
        brought = await ready_order(shop, at_door)
        async with shop.commerce.record.write() as connection:
            this = update(orders).where(orders.c.id == brought)
            await connection.execute(this.values(fulfilment="delivery"))
        reminders, notices = shop.commerce.leaders.reminders, shop.commerce.notices
        both = await asyncio.gather(*(reminders.remind("e1", [], "u1") for _ in range(2)))
        assert sum(one.households for one in both) in (1, 2)  # both may have looked before
        assert (await reminders.remind("e1", [guest], "u1")).too_soon == 1
        assert (await reminders.remind("e1", [at_door], "u1")).households == 0
        assert await notices.mine(guest) == []
        clock.ahead_ms += 7 * HOUR_MS
        mine = {notice.kind: notice for notice in await notices.mine(guest)}
        assert set(mine) == {NoticeKind.READY, NoticeKind.REMINDER}
        notice = mine[NoticeKind.REMINDER]
        [state] = (await shop.commerce.leaders.home.day("e1")).reminders
        assert (state.household_id, state.state) == (guest, NoticeState.WAITING)
        await notices.seen("somebody else", [notice.id])
        await notices.seen(guest, [notice.id])
        await notices.seen(guest, [mine[NoticeKind.READY].id])
        assert await notices.mine(guest) == []
        [state] = (await shop.commerce.leaders.home.day("e1")).reminders
        assert state.state is NoticeState.SEEN


async def test_commission_is_accrued_at_the_handover_and_goes_back_with_a_refund(
    database_url: str, valkey_url: str
) -> None:
    clock = TestClock()
    plan = shop_plan()
    anna = SeedStaff(Staff("l1", "anna", "Anna", ("leader",), estate_ids=("e1",)), "open sesame")
    plan = dataclasses.replace(plan, staff=(*plan.staff, anna))
    async with running_shop(database_url, valkey_url, plan=plan, clock=clock) as shop:
        commission = shop.commerce.leaders.commission
        await commission.set_rate("b", "u1", CommissionRate("e1", "", "", 800))
        order_id = await ready_order(shop, "otto")
        code = await code_of(shop, "otto", order_id)
        await shop.commerce.leaders.handover.hand_over("e1", scan("d1", code), "l1")
        seen = await commission.statement("l1")
        assert (seen.accrued_fen, seen.pending_fen, seen.available_fen) == (79, 79, 0)
        order = await shop.commerce.orders.get(order_id)
        refund = PartRefund(order_id, 0, WHOLE, "claim", "c1", 500)
        async with shop.commerce.record.write() as connection:
            await connection.run_sync(request_part_refunds, [order], [refund], clock())

        async def clawed() -> bool:
            return (await commission.statement("l1")).clawed_fen == 40

        await wait_until(clawed)
        day = day_of(clock())
        clock.ahead_ms += WINDOW_MS
        late = await commission.statement("l1")
        assert (late.accrued_fen, late.clawed_fen, late.available_fen) == (79, 40, 39)
        assert [entry.amount_fen for entry in late.entries] == [-40, 79]
        sheet = await commission.payout_file("l1", 0, clock() + 1)
        assert sheet == await commission.payout_file("l1", 0, clock() + 1)
        assert sheet.decode("utf-8-sig").splitlines()[-1] == "total,,,,,0.39"
        [one] = (await commission.efficiency("b")).leaders
        assert (one.leader_id, one.households, one.orders) == ("l1", 1, 1)
        books = shop.commerce.books
        await books.close("b", day, "boss")
        settled, again = [await books.settle("b", day) for _ in range(2)]
        assert settled == again
        owed = {one.party: one.payable_fen for one in settled}
        assert owed == {"leader:l1": 39, "store:s1": 990 - 500 - 39}
        await sound(shop)


async def test_delivered_order_is_ticked_off_at_the_door_and_a_collected_one_is_not(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url) as shop:
        brought = await ready_order(shop, "anna")
        collected = await ready_order(shop, "otto")
        async with shop.commerce.record.write() as connection:
            this = update(orders).where(orders.c.id == brought)
            await connection.execute(this.values(fulfilment="delivery"))

        def at_door(order_id: str, seq: int) -> Scan:
            return Scan("d1", "phone", seq, ScanHow.CODE, 1_000, order_id=order_id)

        handover = shop.commerce.leaders.handover
        done = await handover.hand_over("e1", at_door(brought, 1), "u1")
        assert (done.result, done.order_ids) == (ScanResult.HANDED_OVER, (brought,))
        other = await handover.hand_over("e1", at_door(collected, 2), "u1")
        again = await handover.hand_over("e1", at_door(brought, 3), "u1")
        assert (other.result, again.result) == (ScanResult.UNKNOWN, ScanResult.DUPLICATE)
        assert (await shop.commerce.orders.get(brought)).state is OrderState.DELIVERED
        await sound(shop)


async def test_walk_takes_deliveries_out_and_those_of_nobody_at_home_are_returned(
    database_url: str, valkey_url: str
) -> None:
    async with running_shop(database_url, valkey_url) as shop:
        walk, handover = shop.commerce.leaders.walk, shop.commerce.leaders.handover
        guest = (await shop.commerce.people.add_guest("Anna", "e1")).guest.id
        brought = await ready_order(shop, guest, household="home")
        absent = await ready_order(shop, "otto")
        collected = await ready_order(shop, "zoe")
        code = await code_of(shop, "otto", absent)
        async with shop.commerce.record.write() as connection:
            this = update(orders).where(orders.c.id.in_([brought, absent]))
            await connection.execute(this.values(fulfilment="delivery"))
        assert set(await walk.go_out("e1", [], "u1")) == {brought, absent}
        assert await walk.go_out("e1", [brought], "u1") == (brought,)
        assert await walk.go_out("e1", [collected], "u1") == ()
        kinds = {notice.kind for notice in await shop.commerce.notices.mine(guest)}
        assert NoticeKind.OUT in kinds
        await wait_until(lambda: shop.seen(brought).state is OrderState.OUT)
        at_door = Scan("d1", "phone", 1, ScanHow.CODE, 1_000, order_id=brought)
        assert (await handover.hand_over("e1", at_door, "u1")).result is ScanResult.HANDED_OVER
        assert await walk.come_back("e1", [absent, brought], "u1") == (absent,)
        assert await code_of(shop, "otto", absent) == code
        assert await walk.go_out("e1", [absent], "u1") == (absent,)
        await shop.commerce.fulfilment.move(absent, OrderState.RETURNED, "clerk")
        states = [(await shop.commerce.orders.get(id)).state for id in (brought, absent)]
        assert states == [OrderState.DELIVERED, OrderState.RETURNED]
        await wait_until(lambda: shop.seen(absent).refunded_fen == 990)
        with pytest.raises(NotReadyYet):
            await shop.commerce.fulfilment.hand_over("s1", code, "clerk")
        await sound(shop)
