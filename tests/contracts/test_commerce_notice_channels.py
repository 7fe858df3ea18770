"""Messages come by the channels that their guest chose, and it is shown how far they came."""

import pytest
from sqlalchemy import select

from commerce.errors import InvalidField
from commerce.io.messages.logged_sms import LoggedSms
from commerce.io.record.schema_notices import notice_preferences
from commerce.notices.notices import (
    SMS_KINDS,
    NoticeChannel,
    NoticeKind,
    NoticeState,
    Preferences,
)
from commerce.notices.push import PushAnswer, PushMessage, PushOutcome, Subscription
from commerce.notices.wechat import Grant
from tests.support.commerce_shop import Shop, open_shop
from tests.support.notices import MINUTE_MS, grant, notify, ordered, prove, subscribe
from tests.support.records import each_record

database_url = each_record

PUSH, WECHAT, SMS = NoticeChannel.PUSH, NoticeChannel.WECHAT, NoticeChannel.SMS
READY, REFUND, OUT = NoticeKind.READY, NoticeKind.REFUND, NoticeKind.OUT
SENT = PushAnswer(PushOutcome.SENT)


class Browsers:
    """A push service that takes everything."""

    public_key = "key"

    async def send(self, to: Subscription, message: PushMessage) -> PushAnswer:
        """See the port."""
        return SENT


class Wechat:
    """WeChat that takes everything."""

    def ask_url(self, scene: int, nonce: str) -> str:
        """See the port."""
        return f"{scene} {nonce}"

    def is_ours(self, template_id: str) -> bool:
        """See the port."""
        return True

    async def send(self, to: Grant, message: PushMessage) -> PushAnswer:
        """See the port."""
        return SENT


def muting(**kinds: set[NoticeKind]) -> Preferences:
    """No quiet hours, and kinds that channels do not bring."""
    muted_by = {NoticeChannel(name): frozenset(muted) for name, muted in kinds.items()}
    return Preferences(quiet_from_hour=9, quiet_until_hour=9, muted_by=muted_by)


async def came(shop: Shop, guest_id: str) -> list[tuple[NoticeKind, NoticeChannel | None, str]]:
    """How far the messages to a guest came, the oldest first."""
    found = await shop.commerce.notices.deliveries(guest_id)
    return [(one.kind, one.channel, one.state.value) for one in reversed(found)]


async def test_each_kind_comes_by_the_first_channel_that_the_guest_wants_it_by(
    database_url: str, valkey_url: str
) -> None:
    sms = LoggedSms()
    async with open_shop(
        database_url, valkey_url, push=Browsers(), wechat=Wechat(), sms=sms
    ) as shop:
        commerce, wanted = shop.commerce, shop.commerce.notice_preferences
        anna, bo = [(await commerce.people.add_guest(name, "e1")).guest.id for name in "ab"]
        order_id = await ordered(shop, anna)
        assert await wanted.channels(anna) == {}
        await prove(shop, anna, "+8613800001234", keep=True)
        await grant(shop, anna)
        await subscribe(shop, anna)
        await subscribe(shop, bo)
        everything = frozenset(NoticeKind)
        channels = list((await wanted.channels(anna)).items())
        assert channels == [(PUSH, everything), (WECHAT, everything), (SMS, SMS_KINDS)]

        await wanted.set(bo, muting())
        await wanted.set(anna, muting(push={READY, REFUND, OUT}, wechat={READY, OUT}))
        for kind in (READY, REFUND, OUT):
            await notify(shop, kind, order_id, anna, bo)
        await commerce.push.step()
        assert await came(shop, anna) == [(READY, SMS, "sent"), (REFUND, WECHAT, "sent")]
        assert [kind for _, kind, _ in sms.sent] == [READY]
        assert await commerce.wechat_grants.granted(anna) == 0
        kinds = [notice.kind for notice in await commerce.notices.mine(anna)]
        assert kinds == [OUT, REFUND, READY], "the page has what no channel brings"
        # Another guest's choice is another one.
        assert await came(shop, bo) == [(kind, PUSH, "sent") for kind in (READY, REFUND, OUT)]

        # What a guest chose holds for a message that waits already.
        await wanted.set(anna, muting())
        await notify(shop, OUT, order_id, anna)
        assert (await came(shop, anna))[-1] == (OUT, None, "waiting")
        await wanted.set(anna, muting(push={OUT}))
        assert await commerce.push.step() == 0
        assert len(await came(shop, anna)) == 2
        assert await wanted.of(anna) == muting(push={OUT})


async def test_choices_are_checked_exported_and_erased(database_url: str, valkey_url: str) -> None:
    async with open_shop(database_url, valkey_url, push=Browsers()) as shop:
        commerce, wanted = shop.commerce, shop.commerce.notice_preferences
        anna = (await commerce.people.add_guest("Anna", "e1")).guest.id
        for wrong in (Preferences(quiet_from_hour=24), muting(page={READY})):
            with pytest.raises(InvalidField):
                await wanted.set(anna, wrong)
        await wanted.set(anna, muting(push={READY}, wechat=set()))
        assert await wanted.of(anna) == muting(push={READY})
        [shown] = (await commerce.privacy.export(anna))["notice_preferences"]
        assert shown["muted_by"] == {"push": ["ready"]}
        await commerce.privacy.erase(anna)
        async with commerce.record.read() as connection:
            assert (await connection.execute(select(notice_preferences))).all() == []


async def test_a_failed_message_is_shown_as_not_delivered(sqlite_url: str, valkey_url: str) -> None:
    class Refusing(Browsers):
        async def send(self, to: Subscription, message: PushMessage) -> PushAnswer:
            """See the port."""
            return PushAnswer(PushOutcome.REFUSED)

    async with open_shop(sqlite_url, valkey_url, push=Refusing()) as shop:
        anna = (await shop.commerce.people.add_guest("Anna", "e1")).guest.id
        await subscribe(shop, anna)
        order_id = await ordered(shop, anna)
        await notify(shop, OUT, order_id, anna)
        await shop.commerce.push.step()
        [delivery] = await shop.commerce.notices.deliveries(anna)
        assert (delivery.channel, delivery.state) == (PUSH, NoticeState.FAILED)
        assert delivery.made_at_ms <= delivery.at_ms <= shop.clock()
        shop.clock.ahead_ms += 4 * 24 * 60 * MINUTE_MS
        assert await shop.commerce.notices.deliveries(anna) == []
