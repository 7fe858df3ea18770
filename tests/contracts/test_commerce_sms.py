"""Notices by SMS in both kinds of record: whom they reach, when, how often, and what is kept."""

import pytest
from sqlalchemy import select

from commerce.io.messages.logged_sms import LoggedSms
from commerce.io.record.schema_notices import notices
from commerce.io.record.schema_people import sms_numbers
from commerce.notices.notices import NoticeChannel, NoticeKind, Preferences
from commerce.notices.push import TRIES_MAX, PushAnswer, PushMessage, PushOutcome, Subscription
from commerce.notices.sms import DAY_MS, SMS_PER_DAY_MAX
from commerce.notices.wechat import Grant
from tests.support.commerce_shop import Shop, open_shop
from tests.support.notices import ALWAYS, MINUTE_MS, grant, notify, ordered, prove, subscribe
from tests.support.records import each_record

database_url = each_record

PHONE = "+8613800001234"


class Busy:
    """A push service that takes nothing."""

    public_key = "key"

    async def send(self, to: Subscription, message: PushMessage) -> PushAnswer:
        """Ask for another try."""
        return PushAnswer(PushOutcome.LATER)


async def by_sms(shop: Shop, guest_id: str) -> list[str]:
    """How far the notices of a guest came that were left to SMS, oldest first."""
    async with shop.commerce.record.read() as connection:
        mine = (notices.c.guest_id == guest_id, notices.c.channel == NoticeChannel.SMS.value)
        states = select(notices.c.state).where(*mine).order_by(notices.c.id)
        return list(await connection.scalars(states))


async def test_sms_comes_last_to_those_who_agreed_and_a_few_times_a_day(
    database_url: str, valkey_url: str
) -> None:
    sms, later = LoggedSms(), PushAnswer(PushOutcome.LATER)
    async with open_shop(database_url, valkey_url, push=Busy(), sms=sms) as shop:
        commerce, push = shop.commerce, shop.commerce.push
        shop.clock.ahead_ms = DAY_MS - (shop.clock() + 8 * 60 * MINUTE_MS) % DAY_MS  # midnight
        anna, bo = [(await commerce.people.add_guest(name, "e1")).guest.id for name in "ab"]
        order_id = await ordered(shop, anna)
        await prove(shop, anna, PHONE, keep=True)
        await prove(shop, bo, "+8613900005678", keep=False)
        for guest_id in (anna, bo):
            await shop.commerce.notice_preferences.set(guest_id, ALWAYS)

        await notify(shop, NoticeKind.READY, order_id, anna, bo)
        assert [await push.step(), await push.step()] == [1, 0]
        [(phone, kind, store)] = sms.sent
        assert (phone, kind, bool(store)) == (PHONE, NoticeKind.READY, True)

        await shop.commerce.notice_preferences.set(
            anna, Preferences(frozenset({NoticeKind.READY}), 9, 9)
        )
        await notify(shop, NoticeKind.READY, order_id, anna)
        assert await push.step() == 0
        await shop.commerce.notice_preferences.set(
            anna, Preferences(quiet_from_hour=0, quiet_until_hour=2)
        )
        await notify(shop, NoticeKind.READY, order_id, anna)
        assert await push.step() == 0
        shop.clock.ahead_ms += 120 * MINUTE_MS
        sms.answers = [later]
        assert await push.step() == 1
        shop.clock.ahead_ms += MINUTE_MS
        assert [await push.step(), await push.step()] == [1, 0]
        assert await by_sms(shop, anna) == ["sent", "sent"]
        assert len(sms.sent) == SMS_PER_DAY_MAX
        await notify(shop, NoticeKind.READY, order_id, anna)
        assert [await push.step(), len(sms.sent)] == [1, SMS_PER_DAY_MAX]

        shop.clock.ahead_ms += DAY_MS
        await shop.commerce.notice_preferences.set(anna, ALWAYS)
        await subscribe(shop, anna)
        await notify(shop, NoticeKind.READY, order_id, anna)
        for _ in range(TRIES_MAX):
            assert [await push.step(), len(sms.sent)] == [1, SMS_PER_DAY_MAX]
            shop.clock.ahead_ms += 15 * MINUTE_MS
        assert [await push.step(), len(sms.sent)] == [1, SMS_PER_DAY_MAX + 1]
        assert await by_sms(shop, anna) == ["sent", "sent", "failed", "sent"]

        assert [await commerce.sms_numbers.is_kept(one) for one in (anna, bo)] == [True, False]
        async with commerce.record.read() as connection:
            kept = (await connection.execute(select(sms_numbers))).one()
        assert PHONE[-8:] not in str(kept)
        await commerce.sms_numbers.forget(anna)
        assert not await commerce.sms_numbers.is_kept(anna)
        await prove(shop, bo, "+8613900005678", keep=True)
        await commerce.privacy.erase(bo)
        async with commerce.record.read() as connection:
            assert (await connection.execute(select(sms_numbers))).all() == []


class Wechat:
    """WeChat that answers what the test sets; every grant is for its template."""

    def __init__(self, answer: PushAnswer) -> None:
        self.answer = answer
        self.tries = 0

    def ask_url(self, scene: int, nonce: str) -> str:
        """See the port."""
        return f"{scene} {nonce}"

    def is_ours(self, template_id: str) -> bool:
        """See the port."""
        return True

    async def send(self, to: Grant, message: PushMessage) -> PushAnswer:
        """Answer as set."""
        self.tries += 1
        return self.answer


@pytest.mark.parametrize(
    ("outcome", "tries"),
    [(PushOutcome.REFUSED, 1), (PushOutcome.LATER, TRIES_MAX), (PushOutcome.GONE, 1)],
)
@pytest.mark.parametrize("with_browser", [False, True])
async def test_what_wechat_does_not_take_comes_by_sms(
    sqlite_url: str, valkey_url: str, outcome: PushOutcome, tries: int, with_browser: bool
) -> None:
    sms, wechat = LoggedSms(), Wechat(PushAnswer(outcome))
    async with open_shop(sqlite_url, valkey_url, push=Busy(), wechat=wechat, sms=sms) as shop:
        commerce, push = shop.commerce, shop.commerce.push
        anna = (await commerce.people.add_guest("Anna", "e1")).guest.id
        order_id = await ordered(shop, anna)
        await prove(shop, anna, PHONE, keep=True)
        await shop.commerce.notice_preferences.set(anna, ALWAYS)
        await grant(shop, anna)
        if with_browser:
            await subscribe(shop, anna)
        await notify(shop, NoticeKind.READY, order_id, anna)
        for _ in range(TRIES_MAX * with_browser + tries):
            assert [await push.step(), sms.sent] == [1, []]
            shop.clock.ahead_ms += 15 * MINUTE_MS
        assert [await push.step(), len(sms.sent), wechat.tries] == [1, 1, tries]
        assert await by_sms(shop, anna) == ["sent"]
        assert await push.step() == 0
        # Only what WeChat says is gone is used up.
        kept = 0 if outcome is PushOutcome.GONE else 1
        assert await commerce.wechat_grants.granted(anna) == kept
