"""Push messages: the browsers of guests, and sending what is due by the channel that is left.

A browser that cannot be reached any more (404, 410) is forgotten. Every notice is on the page, too,
until it was seen there.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from commerce.io.record.schema import orders, stores
from commerce.io.record.schema_lives import scheduled_lives
from commerce.io.record.schema_notices import notices, push_subscriptions
from commerce.io.shop.context import ShopContext
from commerce.io.shop.notice_preferences import channels_of, preferences_of
from commerce.io.shop.sms_numbers import KeptNumber, SmsNumbers, use_number
from commerce.io.shop.wechat_grants import give_back, use_grant
from commerce.notices.notices import (
    DEFAULT_PREFERENCES,
    NoticeChannel,
    NoticeKind,
    NoticeState,
    channel_of,
)
from commerce.notices.push import (
    SUBSCRIPTIONS_MAX,
    TRIES_MAX,
    Push,
    PushAnswer,
    PushOutcome,
    Subscription,
    message_of,
    next_try_ms,
    subscription,
)
from commerce.notices.sms import ABOUT_CHARS_MAX
from commerce.notices.wechat import Grant, WechatMessages

BATCH = 50
WECHAT_TRIES_MAX = 2 * TRIES_MAX  # of a message, those to browsers among them; then SMS is left
LEASE_MS = 60_000
"""A worker that took a message and did not finish it lost it after this long."""


@dataclass(frozen=True, slots=True)
class Due:
    """A message that this worker sends now: to which browsers, after how many tries."""

    notice_id: int
    kind: NoticeKind
    subject: str
    guest_id: str
    tries: int
    to: tuple[Subscription, ...]
    grant: Grant | None = None  # where no browser is left
    number: KeptNumber | None = None  # where no grant is left either
    channel: NoticeChannel = NoticeChannel.PUSH


class PushMessages:
    """Subscribes browsers and sends what is due."""

    def __init__(
        self,
        shop: ShopContext,
        push: Push | None,
        services: Collection[str],
        wechat: WechatMessages | None,
        numbers: SmsNumbers,
    ) -> None:
        """Without `push`, browsers cannot subscribe; `services` are more origins of services.

        `wechat` sends to guests without a browser who have granted a message there; the last way
        are `numbers`.
        """
        self._shop = shop
        self._push = push
        self._wechat = wechat
        self._numbers = numbers
        self._services = services

    @property
    def _can_send(self) -> bool:
        ways = (self._push, self._wechat, self._numbers.sms)
        return any(way is not None for way in ways)

    @property
    def _templates(self) -> Collection[NoticeKind]:
        return self._numbers.sms.kinds if self._numbers.sms else ()

    @property
    def public_key(self) -> str:
        """The key that browsers subscribe with; empty: there is no push."""
        return self._push.public_key if self._push else ""

    async def subscribe(
        self, guest_id: str, endpoint: str, p256dh: str, auth: str, language: str
    ) -> None:
        """Send a guest's notices to a browser from now on, and to no guest before; idempotent.

        Raises:
            InvalidField: The endpoint or a key cannot be.
        """
        browser = subscription(endpoint, p256dh, auth, language, self._services)
        at_ms = self._shop.clock()

        def write(connection: Connection) -> None:
            connection.execute(delete(push_subscriptions).where(_is(browser.id)))
            row = {
                "id": browser.id,
                "guest_id": guest_id,
                "endpoint": browser.endpoint,
                "p256dh": browser.p256dh,
                "auth": browser.auth,
                "language": browser.language,
                "made_at_ms": at_ms,
            }
            connection.execute(insert(push_subscriptions), row)
            mine = select(push_subscriptions.c.id).where(push_subscriptions.c.guest_id == guest_id)
            newest = (push_subscriptions.c.made_at_ms.desc(), push_subscriptions.c.id)
            older = list(connection.scalars(mine.order_by(*newest).offset(SUBSCRIPTIONS_MAX)))
            connection.execute(delete(push_subscriptions).where(push_subscriptions.c.id.in_(older)))

        await self._shop.record.transact(write)

    async def unsubscribe(self, guest_id: str, endpoint: str) -> None:
        """Send nothing to a guest's browser any more; idempotent."""
        browser = Subscription(endpoint, "", "", "")
        which = _is(browser.id) & (push_subscriptions.c.guest_id == guest_id)
        await self._shop.record.transact(
            lambda connection: connection.execute(delete(push_subscriptions).where(which))
        )

    def is_due(self, connection: Connection, at_ms: int) -> bool:
        """See `Chore`."""
        return self._can_send and bool(_waiting(connection, at_ms))

    async def step(self) -> int:
        """Send what is due; return how many messages were tried. Several workers may do it."""
        if not self._can_send:
            return 0
        at_ms = self._shop.clock()
        waiting = await self._shop.record.query(lambda connection: _waiting(connection, at_ms))
        if not waiting:
            return 0
        due = await self._shop.record.transact(
            lambda connection: _take(connection, waiting, self._templates, at_ms)
        )
        answers = await asyncio.gather(*(self._send(one) for one in due))
        if due:
            pairs = list(zip(due, answers, strict=True))
            await self._shop.record.transact(
                lambda connection: _book(connection, pairs, self._templates, self._shop.clock())
            )
        return len(due)

    async def _send(self, due: Due) -> list[PushAnswer]:
        about, url = await self._shop.record.query(lambda connection: _about(connection, due))
        if about is None:
            return []
        if due.grant is not None and self._wechat is not None:
            language = due.grant.language
            said = _said(about, language)
            text = message_of(due.kind, language, said, url, due.subject)
            return [await self._wechat.send(due.grant, text)]
        if due.number is not None and self._numbers.sms is not None:
            phone = self._numbers.open(due.number)
            if phone is None:
                return []
            named = _said(about, "zh")[:ABOUT_CHARS_MAX]
            return [await self._numbers.sms.send_notice(phone, due.kind, named)]
        if self._push is None:
            return []
        texts = [
            message_of(due.kind, to.language, _said(about, to.language), url, due.subject)
            for to in due.to
        ]
        calls = (self._push.send(to, text) for to, text in zip(due.to, texts, strict=True))
        return list(await asyncio.gather(*calls))


_IS_WAITING = (
    notices.c.channel == NoticeChannel.PUSH.value,
    notices.c.state == NoticeState.WAITING.value,
)


def _waiting(connection: Connection, at_ms: int) -> Sequence[Row[Any]]:
    """The messages that are due."""
    return connection.execute(
        select(notices)
        .where(*_IS_WAITING, notices.c.due_at_ms <= at_ms)
        .order_by(notices.c.due_at_ms)
        .limit(BATCH)
    ).all()


def _take(
    connection: Connection, rows: Sequence[Row[Any]], templates: Collection[NoticeKind], at_ms: int
) -> list[Due]:
    """Take messages, so that no other worker sends them for a while."""
    taken = []
    for row in rows:
        mine = connection.execute(
            update(notices)
            .where(notices.c.id == row.id, notices.c.tries == row.tries, *_IS_WAITING)
            .values(tries=row.tries + 1, due_at_ms=at_ms + LEASE_MS)
        )
        if mine.rowcount and (due := _addressed(connection, row, templates, at_ms)):
            taken.append(due)
    return taken


def _addressed(
    connection: Connection, row: Row[Any], templates: Collection[NoticeKind], at_ms: int
) -> Due | None:
    """Return a message with where it is sent to; browsers that took no try of it are left out.

    One that the guest has muted since by all that is left is deleted: None.
    """
    mine = push_subscriptions.c.guest_id == row.guest_id
    to = tuple(
        Subscription(one.endpoint, one.p256dh, one.auth, one.language)
        for one in connection.execute(select(push_subscriptions).where(mine))
        if row.tries < TRIES_MAX
    )
    due = Due(row.id, NoticeKind(row.kind), row.subject, row.guest_id, row.tries + 1, to)
    has = _left(connection, due, has_browser=bool(to))
    match _channel(connection, due, has, templates):
        case NoticeChannel.PUSH:
            return due
        case NoticeChannel.WECHAT:
            grant = use_grant(connection, row.guest_id)
            return replace(due, to=(), grant=grant, channel=NoticeChannel.WECHAT)
        case NoticeChannel.SMS:
            # One that may have been sent is not sent again: a worker that dies now leaves it
            # failed.
            _end(connection, row.id, NoticeState.FAILED, at_ms, NoticeChannel.SMS)
            number = use_number(connection, row.guest_id, at_ms)
            return replace(due, to=(), number=number, channel=NoticeChannel.SMS)
    if channel_of(due.kind, has, templates, DEFAULT_PREFERENCES):
        connection.execute(delete(notices).where(notices.c.id == row.id))
        return None
    return replace(due, to=())


def _left(
    connection: Connection, due: Due, *, has_browser: bool = False, by_wechat: bool = True
) -> set[NoticeChannel]:
    """The channels that are left to a message; WeChat is not, once it has taken no try of it."""
    has = channels_of(connection, [due.guest_id], with_sms=True).get(due.guest_id, set())
    if not has_browser:
        has.discard(NoticeChannel.PUSH)
    if not by_wechat or due.tries > WECHAT_TRIES_MAX:
        has.discard(NoticeChannel.WECHAT)
    return has


def _channel(
    connection: Connection,
    due: Due,
    has: Collection[NoticeChannel],
    templates: Collection[NoticeKind],
) -> NoticeChannel | None:
    """The first channel of those left that the guest wants a message by, as it is now."""
    wanted = preferences_of(connection, [due.guest_id]).get(due.guest_id, DEFAULT_PREFERENCES)
    return channel_of(due.kind, has, templates, wanted)


def _book(
    connection: Connection,
    pairs: Sequence[tuple[Due, list[PushAnswer]]],
    templates: Collection[NoticeKind],
    at_ms: int,
) -> None:
    """Write what came of the messages; forget the browsers that are gone."""
    for due, answers in pairs:
        outcomes = {answer.outcome for answer in answers}
        if due.grant is not None and outcomes & {PushOutcome.LATER, PushOutcome.REFUSED}:
            give_back(connection, due.guest_id, due.grant, at_ms)
        gone = [
            to.id
            for to, answer in zip(due.to, answers, strict=False)
            if answer.outcome is PushOutcome.GONE
        ]
        connection.execute(delete(push_subscriptions).where(push_subscriptions.c.id.in_(gone)))
        if PushOutcome.SENT in outcomes:
            _end(connection, due.notice_id, NoticeState.SENT, at_ms, due.channel)
            continue
        left = _left(connection, due, has_browser=True)
        if PushOutcome.GONE in outcomes and _channel(connection, due, left, templates):
            _again(connection, due, due.tries, at_ms)  # another browser or channel, at once
            continue
        wait_s = max((answer.retry_after_s for answer in answers), default=0)
        tries = (due.tries - 1) % TRIES_MAX + 1  # by this channel
        again_ms = next_try_ms(tries, wait_s, now_ms=at_ms)
        if PushOutcome.LATER in outcomes and again_ms is not None:
            _again(connection, due, due.tries, again_ms)
        elif due.to and _channel(connection, due, _left(connection, due), templates):
            _again(connection, due, max(due.tries, TRIES_MAX), at_ms)  # no browser takes it
        elif due.grant and _channel(
            connection, due, _left(connection, due, by_wechat=False), templates
        ):
            _again(connection, due, max(due.tries, WECHAT_TRIES_MAX), at_ms)  # nor does WeChat
        else:
            _end(connection, due.notice_id, NoticeState.FAILED, at_ms, due.channel)


def _again(connection: Connection, due: Due, tries: int, at_ms: int) -> None:
    """Let a message wait for its next try, which begins with the first channel that is left."""
    which = (notices.c.id == due.notice_id, notices.c.state != NoticeState.SEEN.value)
    again = {
        "channel": NoticeChannel.PUSH.value,
        "state": NoticeState.WAITING.value,
        "due_at_ms": at_ms,
        "done_at_ms": None,
        "tries": tries,
    }
    connection.execute(update(notices).where(*which).values(again))


def _end(
    connection: Connection, notice_id: int, state: NoticeState, at_ms: int, channel: NoticeChannel
) -> None:
    over = {"state": state.value, "done_at_ms": at_ms, "channel": channel.value}
    which = (notices.c.id == notice_id, notices.c.state != NoticeState.SEEN.value)
    connection.execute(update(notices).where(*which).values(over))


def _about(connection: Connection, due: Due) -> tuple[tuple[str, str] | None, str]:
    """What a message names, in Chinese and English, and the path that it leads to."""
    if due.kind is NoticeKind.LIVE:
        which = scheduled_lives.c.id == due.subject
        live = connection.execute(select(scheduled_lives).where(which)).first()
        return ((live.title, live.title), f"/r/{live.room_id}") if live else (None, "/")
    named = select(stores.c.name_zh, stores.c.name_en).join(
        orders, orders.c.store_id == stores.c.id
    )
    household = func.coalesce(orders.c.household_id, orders.c.guest_id)
    of = household if due.kind is NoticeKind.REMINDER else orders.c.id
    newest = named.where(of == due.subject).order_by(orders.c.created_at_ms.desc()).limit(1)
    store = connection.execute(newest).first()
    return ((store.name_zh, store.name_en), "/me") if store else (None, "/")


def _said(words: tuple[str, str], language: str) -> str:
    return words[0] if language == "zh" else words[1]


def _is(subscription_id: str) -> ColumnElement[bool]:
    return push_subscriptions.c.id == subscription_id
