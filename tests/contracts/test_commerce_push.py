"""Push messages in both kinds of record: who gets them, once, and what the page still shows."""

import base64
from dataclasses import dataclass, field

import pytest
from sqlalchemy import event

from commerce.errors import UnknownLink
from commerce.io.shop.notices import post_notices
from commerce.notices.notices import Notice, NoticeKind, Preferences
from commerce.notices.push import PushAnswer, PushMessage, PushOutcome, Subscription
from commerce.notices.wechat import ASK_TTL_MS, SCENES, Grant
from tests.support.commerce_shop import Shop, open_shop, shop_plan

POINT = base64.urlsafe_b64encode(b"\x04" + b"\x11" * 64).decode()
AUTH = base64.urlsafe_b64encode(b"\x22" * 16).decode()
MINUTE_MS = 60_000
SENT = PushAnswer(PushOutcome.SENT)


@dataclass
class Answering:
    """A push service that answers what the test sets, 201 by default."""

    public_key: str = "key"
    answers: dict[str, list[PushAnswer]] = field(default_factory=dict)
    sent: list[tuple[str, str]] = field(default_factory=list)

    async def send(self, to: Subscription, message: PushMessage) -> PushAnswer:
        """Remember the message."""
        self.sent.append((to.endpoint.rpartition("/")[2], message.body))
        queue = self.answers.get(to.endpoint.rpartition("/")[2])
        return queue.pop(0) if queue else SENT


async def statements(shop: Shop, guests: list[str], subject: str) -> int:
    """How many statements it takes to give guests notice."""
    count, at_ms = 0, shop.clock()

    def executed(*_: object) -> None:
        nonlocal count
        count += 1

    new = [Notice(guest, NoticeKind.LIVE, subject, "schedule", at_ms, at_ms) for guest in guests]
    async with shop.commerce.record.write() as connection:
        event.listen(shop.engine.sync_engine, "before_cursor_execute", executed)
        assert await connection.run_sync(post_notices, new) == new
        event.remove(shop.engine.sync_engine, "before_cursor_execute", executed)
    return count


async def test_those_who_want_it_are_reminded_of_a_live_once(
    database_url: str, valkey_url: str
) -> None:
    service = Answering()
    async with open_shop(
        database_url, valkey_url, plan=shop_plan(5, target=9), push=service
    ) as shop:
        push, schedule = shop.commerce.push, shop.commerce.schedule
        reminders = shop.commerce.live_reminders
        guests = [(await shop.commerce.people.add_guest(name, "e1")).guest.id for name in "abc"]
        live = await schedule.add(
            "demo", "周五海鲜", "", [], shop.clock() + 20 * MINUTE_MS, actor="u1"
        )
        for guest_id in guests:
            await reminders.want("demo", live.id, guest_id)
            await reminders.want("demo", live.id, guest_id)
            for browser in ("one", "two"):
                endpoint = f"https://fcm.googleapis.com/{guest_id}-{browser}"
                await push.subscribe(guest_id, endpoint, POINT, AUTH, "zh")
        anna, bo, cai = guests
        await push.unsubscribe(anna, f"https://fcm.googleapis.com/{anna}-two")
        muted = Preferences(frozenset({NoticeKind.LIVE}))
        await shop.commerce.notice_preferences.set(cai, muted)
        assert await shop.commerce.notice_preferences.of(cai) == muted
        await reminders.step()
        assert await push.step() == 0
        shop.clock.ahead_ms += 15 * MINUTE_MS + 1
        await reminders.step()
        await reminders.step()
        later = PushAnswer(PushOutcome.LATER, 30)
        gone = PushAnswer(PushOutcome.GONE)
        service.answers = {f"{anna}-one": [later], f"{bo}-one": [gone]}
        assert await push.step() == 2
        assert sorted(service.sent) == sorted(
            (name, "周五海鲜") for name in (f"{anna}-one", f"{bo}-one", f"{bo}-two")
        )
        assert await push.step() == 0
        shop.clock.ahead_ms += 30_000
        service.sent.clear()
        assert await push.step() == 1
        assert service.sent == [(f"{anna}-one", "周五海鲜")]
        shop.clock.ahead_ms += 20 * MINUTE_MS
        assert await push.step() == 0
        for guest_id in guests:
            [notice] = await shop.commerce.notices.mine(guest_id)
            assert (notice.kind, notice.subject) == (NoticeKind.LIVE, live.id)
        assert await statements(shop, guests[:1], "one") == await statements(shop, guests, "many")
        await shop.commerce.privacy.erase(bo)


@dataclass
class AnsweringWechat:
    """WeChat that answers what the test sets."""

    answers: dict[str, list[PushAnswer]] = field(default_factory=dict)
    sent: list[tuple[str, int, str]] = field(default_factory=list)

    def ask_url(self, scene: int, nonce: str) -> str:
        """See the port."""
        return f"{scene} {nonce}"

    def is_ours(self, template_id: str) -> bool:
        """See the port."""
        return template_id == "T"

    async def send(self, to: Grant, message: PushMessage) -> PushAnswer:
        """Remember the message."""
        self.sent.append((to.openid, to.scene, message.body))
        queue = self.answers.get(to.openid)
        return queue.pop(0) if queue else SENT


async def test_each_message_in_wechat_uses_one_grant_where_there_is_no_browser(
    database_url: str, valkey_url: str
) -> None:
    wechat, service = AnsweringWechat(), Answering()
    plan = shop_plan(5, target=9)
    async with open_shop(database_url, valkey_url, plan=plan, push=service, wechat=wechat) as shop:
        push, grants, schedule = (
            shop.commerce.push,
            shop.commerce.wechat_grants,
            shop.commerce.schedule,
        )
        anna, bo = [(await shop.commerce.people.add_guest(name, "e1")).guest.id for name in "ab"]

        async def grant(guest_id: str, openid: str) -> None:
            url = await grants.ask(guest_id, "zh")
            assert url is not None
            scene, nonce = url.split()
            await grants.take(nonce, scene, "T", openid)
            with pytest.raises(UnknownLink):
                await grants.take(nonce, scene, "T", openid)

        async def live(title: str) -> None:
            at_ms = shop.clock() + 4 * MINUTE_MS
            made = await schedule.add("demo", title, "", [], at_ms, actor="u1")
            for guest_id in (anna, bo):
                await shop.commerce.live_reminders.want("demo", made.id, guest_id)
            await shop.commerce.live_reminders.step()

        for _ in SCENES:
            await grant(anna, "o-anna")
        assert await grants.ask(anna, "zh") is None
        late = await grants.ask(bo, "zh")
        assert late is not None
        shop.clock.ahead_ms += ASK_TTL_MS + 1
        for nonce, template in ((late.split()[1], "T"), ("0" * 32, "T"), (late.split()[1], "U")):
            with pytest.raises(UnknownLink):
                await grants.take(nonce, "0", template, "o-bo")
        assert (await grants.granted(anna), await grants.granted(bo)) == (len(SCENES), 0)

        await grant(bo, "o-bo")
        await push.subscribe(bo, f"https://fcm.googleapis.com/{bo}", POINT, AUTH, "zh")
        wechat.answers = {"o-anna": [PushAnswer(PushOutcome.GONE), PushAnswer(PushOutcome.LATER)]}
        service.answers = {bo: [PushAnswer(PushOutcome.GONE)]}
        await live("周五海鲜")
        assert await push.step() == 2  # Anna's grant is gone; so is Bo's browser
        assert await push.step() == 2  # Anna's next grant waits; Bo's message comes in WeChat
        assert await grants.granted(anna) == len(SCENES) - 1
        assert await push.step() == 0
        shop.clock.ahead_ms += 60_000
        assert await push.step() == 1
        assert [(openid, body) for openid, _, body in wechat.sent].count(("o-bo", "周五海鲜")) == 1
        assert len(wechat.sent) == 4
        assert (await grants.granted(anna), await grants.granted(bo)) == (len(SCENES) - 2, 0)

        wechat.sent.clear()
        shop.clock.ahead_ms += 10 * MINUTE_MS
        await live("周六水果")
        assert await push.step() == 1
        assert {openid for openid, _, _ in wechat.sent} == {"o-anna"}
        await shop.commerce.privacy.erase(anna)
        assert await grants.granted(anna) == 0
