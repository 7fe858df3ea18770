"""The session of one connection in its channel: hello, then messages, within their limits."""

import time
from collections.abc import Callable
from typing import Protocol

import structlog

from rooms.io.audience import Subscriber, nothing
from rooms.io.hub import PING_S
from rooms.io.local_room import LocalRoom
from rooms.log import LogUnavailable, Position
from rooms.messages import ChatLine, Sender, You
from rooms.moderation.admission import standing_of
from rooms.moderation.policy import Policy, Ruling, SanctionKind, Writer
from rooms.rates import TokenBucket, clean_text
from server.access.policy import ANONYMOUS, Action, Principal, allowed
from server.bridge.channels.moderation import Restriction, YourStanding
from server.bridge.channels.registry import is_staff
from server.problem import Problem
from server.ws.chat import chat_role, may_not_chat, ruling_error, text_error
from server.ws.moderation import wall_ms
from server.ws.registry import ConnectionRegistry, Peer
from server.ws.wire import (
    CODECS,
    Ack,
    Chat,
    ClientMessage,
    CloseCode,
    ErrorCode,
    ErrorMessage,
    Hello,
    Identity,
    Like,
    Ping,
    Pong,
    ServerMessage,
    Welcome,
    WireError,
)

CHANNEL_CONNECTIONS_MAX = 20_000
MESSAGES = (40.0, 10.0)
"""Burst, and per second, per connection."""
LIKES = (200.0, 20.0)
BAD_MESSAGES = (10.0, 10 / 60)
FAST_MESSAGES = (20.0, 20 / 60)
BUSY_LINES = (3.0, 3 / 60)
"""Lines that a connection may send to a room which has no place for them; beyond, it is closed."""
WAITING_MESSAGES_MAX = 16
"""Messages that may follow `hello` before its answer."""

log = structlog.get_logger()


class SessionTransport(Peer, Protocol):
    """What a session needs of its connection."""

    @property
    def address(self) -> str:
        """The address of the client, as a key of limits."""
        ...

    @property
    def device(self) -> str:
        """What the browser's device cookie says, or nothing."""
        ...

    @property
    def write(self) -> Callable[[bytes], object]:
        """Write framed bytes as they are."""
        ...

    def write_buffer_bytes(self) -> int:
        """Return how many bytes wait to be sent."""
        ...


class RoomSession(Subscriber):
    """One viewer in one channel.

    Drive it: `begin` after the handshake, `receive` for each message, `pause` with the transport,
    `leave` when nothing may be written any more (idempotent and final).
    """

    __slots__ = (
        "_bad",
        "_busy_lines",
        "_fast",
        "_has_hello",
        "_has_left",
        "_likes",
        "_lines",
        "_local",
        "_messages",
        "_principal",
        "_registry",
        "_transport",
        "_waiting",
        "_writer",
    )

    def __init__(self, registry: ConnectionRegistry, transport: SessionTransport) -> None:
        super().__init__()
        self._registry = registry
        self._transport = transport
        self._has_hello = False
        self._has_left = False
        self._principal = ANONYMOUS
        self._local: LocalRoom | None = None
        self._waiting: list[ClientMessage] = []
        self._lines = 0
        self._messages: TokenBucket | None = None
        self._likes: TokenBucket | None = None
        self._bad: TokenBucket | None = None
        self._fast: TokenBucket | None = None
        self._writer: Writer | None = None
        self._busy_lines: TokenBucket | None = None

    @property
    def principal(self) -> Principal:
        """Who the token of `hello` named."""
        return self._principal

    # From the connection

    def begin(self, codec: int) -> None:
        """The handshake has chosen `codec`."""
        self.codec = codec
        self.write = self._transport.write

    def pause(self, is_paused: bool) -> None:
        """The write buffer is full, or has drained."""
        self.paused = is_paused
        if self.audience is not None:
            self.audience.changed(self)

    def receive(self, payload: bytes) -> None:
        """Act on one message."""
        if self._has_hello and not self._may_send():
            return
        try:
            message = CODECS[self.codec].decode(payload)
        except WireError as error:
            self._reject(error)
            return
        if not self._has_hello:
            self._hello(message)
        elif self._local is None:
            if len(self._waiting) < WAITING_MESSAGES_MAX:
                self._waiting.append(message)
        else:
            self._act(message)

    def receive_ping(self) -> None:
        """Count a WebSocket ping as a message."""
        if self._has_hello:
            self._may_send()

    def refuse(self, code: CloseCode) -> None:
        """Count a viewer that may not join, and close."""
        self._registry.refuse(code.reason)
        self._transport.close_with(code)

    def leave(self) -> None:
        """Write nothing any more, and unsubscribe."""
        self._has_left = True
        self.write = nothing
        local, self._local = self._local, None
        if local is not None:
            self._registry.hub.unsubscribe(local, self)

    # Subscriber

    def waiting_bytes(self) -> int:
        """See `Subscriber`."""
        return self._transport.write_buffer_bytes()

    def close_slow(self) -> None:
        """See `Subscriber`."""
        self._transport.close_with(CloseCode.SLOW)

    # Limits

    @property
    def _now(self) -> float:
        return self._transport.received_at

    def _may_send(self) -> bool:
        if not self._registry.limits:
            return True
        if self._messages is None:
            self._messages = TokenBucket(*MESSAGES)
        wait_s = self._messages.take(self._now)
        if wait_s > 0.0:
            self._too_fast(wait_s)
        return wait_s == 0.0

    def _reject(self, error: WireError) -> None:
        self._registry.malformed(error.kind)
        if self._bad is None:
            self._bad = TokenBucket(*BAD_MESSAGES)
        if not self._has_hello or self._bad.take(self._now) > 0.0:
            self._transport.close_with(CloseCode.BAD_MESSAGE)
        else:
            self._send(ErrorMessage(code=error.code, detail=error.detail))

    def _busy(self, wait_s: float, cid: str) -> None:
        if self._busy_lines is None:
            self._busy_lines = TokenBucket(*BUSY_LINES)
        if self._busy_lines.take(self._now) > 0.0:
            self._transport.close_with(CloseCode.TOO_MANY_MESSAGES)
            return
        detail, wait_ms = "Too many write at once.", int(wait_s * 1000) + 1
        code = ErrorCode.ROOM_BUSY
        self._send(ErrorMessage(code=code, detail=detail, cid=cid, retry_after_ms=wait_ms))

    def _too_fast(self, wait_s: float, cid: str | None = None) -> None:
        if self._fast is None:
            self._fast = TokenBucket(*FAST_MESSAGES)
        if self._fast.take(self._now) > 0.0:
            self._transport.close_with(CloseCode.TOO_MANY_MESSAGES)
            return
        self._send(
            ErrorMessage(
                code=ErrorCode.TOO_FAST,
                detail="Rate limit exceeded.",
                cid=cid,
                retry_after_ms=int(wait_s * 1000) + 1,
            )
        )

    # Messages

    def _act(self, message: ClientMessage) -> None:
        match message:
            case Ping():
                self._send(Pong(message.id, _at_ms()))
            case Like():
                self._like(message.n)
            case Chat():
                self._chat(message)
            case Hello():
                detail = "hello was sent already."
                self._send(ErrorMessage(code=ErrorCode.HELLO_AGAIN, detail=detail))

    def _like(self, n: int) -> None:
        local = self._local
        assert local is not None
        if self._registry.limits:
            if self._likes is None:
                self._likes = TokenBucket(*LIKES)
            n = self._likes.take_up_to(n, self._now)
        if not is_staff(local.channel):
            local.likes += n

    def _chat(self, message: Chat) -> None:
        local, principal, registry = self._local, self._principal, self._registry
        assert local is not None
        error = may_not_chat(local.channel, principal)
        if error is not None:
            self._refuse_line(message, *error)
            return
        wait_s = registry.chat_wait_s(principal.subject, self._now)
        if wait_s > 0.0:
            self._too_fast(wait_s, message.cid)
            return
        # Before any other work on the line: a flood costs no more than this.
        wait_s = self._admission_wait_s(local)
        if wait_s > 0.0:
            self._busy(wait_s, message.cid)
            return
        text = clean_text(message.text)
        error = text_error(text)
        if error is not None:
            self._refuse_line(message, *error)
            return
        policies, now_ms = registry.policies, wall_ms()
        policy, writer = policies.of(local.channel), self._as_writer(local)
        since_last_s = policies.since_last_s(local.channel, writer.subject, self._now)
        ruling = policy.rule(writer, text, since_last_s, now_ms)
        if ruling is Ruling.SLOW:
            self._too_fast(policy.slow_s - since_last_s, message.cid)
            return
        line = self._line(local, text)
        if ruling is not None:
            if ruling is Ruling.HELD:
                policies.on_line(local.channel, writer.subject, self._now)
                registry.hub.spawn(policies.hold(local.channel, line))
            self._refuse_line(message, *ruling_error(ruling, policy.sanction(writer, now_ms)))
            return
        if self._lines == 1:
            registry.hub.spawn(policies.remember(local.channel, writer))
        policies.on_line(local.channel, writer.subject, self._now)
        registry.hub.publish_line(local, line)
        if line.sender.role == "guest":
            registry.on_line(local.channel, principal.estate_id, text)
        self._send(Ack(message.cid))

    def _admission_wait_s(self, local: LocalRoom) -> float:
        registry, writer = self._registry, self._as_writer(local)
        policies = registry.policies
        if not registry.limits or policies.of(local.channel).exempts(writer):
            return 0.0
        age_s = time.time() - self._principal.born_at_s
        standing = standing_of(age_s, policies.source.is_member(writer.subject))
        return policies.admission(local.channel).take(standing, writer.address, self._now)

    def _line(self, local: LocalRoom, text: str) -> ChatLine:
        principal = self._principal
        self._lines += 1
        policy = self._registry.policies.of(local.channel)
        sender = Sender(
            principal.subject,
            principal.nickname or principal.subject,
            chat_role(local.channel, principal, policy),
        )
        return ChatLine(f"{self.client}-{self._lines:x}", sender, text, _at_ms())

    def _refuse_line(self, message: Chat, code: ErrorCode, detail: str) -> None:
        self._send(ErrorMessage(code=code, detail=detail, cid=message.cid))

    def leave_rehearsal(self, room_id: str) -> None:
        """The room rehearses: only the staff of its brand stays."""
        if not self._has_left and not self._registry.rehearsals.admits(self._principal, room_id):
            self.refuse(CloseCode.REHEARSAL)

    # Moderation

    def receive_policy(self, before: Policy, after: Policy) -> None:
        """The policy of the channel has changed: show what holds against this user now."""
        local = self._local
        if local is None or self._has_left:
            return
        writer, now_ms = self._as_writer(local), wall_ms()
        appointed = {_appointment(policy, writer) for policy in (before, after)}
        if after.sanction(writer, now_ms) != before.sanction(writer, now_ms) or len(appointed) > 1:
            self._show_standing(after, writer)

    def _show_standing(self, policy: Policy, writer: Writer) -> None:
        """Show what holds; who is banned leaves."""
        held, shown = policy.sanction(writer, wall_ms()), None
        if held is not None:
            shown = Restriction(held.id, held.kind.value, held.reason, held.until_ms)
        moderator, cohost = _appointment(policy, writer)
        standing = YourStanding(sanction=shown, moderator=moderator, cohost=cohost)
        self.write(CODECS[self.codec].frame(You(standing)))
        if held is not None and held.kind is SanctionKind.BAN:
            self.refuse(CloseCode.BANNED)

    def _greet_with_standing(self, local: LocalRoom) -> None:
        """Show a newcomer what holds, if anything does."""
        policy = self._registry.policies.of(local.channel)
        if policy.sanctions or policy.moderators or policy.cohosts:
            writer = self._as_writer(local)
            if policy.sanction(writer, wall_ms()) or any(_appointment(policy, writer)):
                self._show_standing(policy, writer)

    def _as_writer(self, local: LocalRoom) -> Writer:
        if self._writer is None:
            source, principal = self._registry.policies.source, self._principal
            room_id = local.channel.partition(":")[2]
            self._writer = Writer(
                principal.subject,
                source.key_of("address", self._transport.address),
                source.key_of("device", self._transport.device),
                source.is_member(principal.subject),
                allowed(principal, Action.MODERATE, room_id=room_id),
            )
        return self._writer

    def _send(self, message: ServerMessage) -> None:
        self.write(CODECS[self.codec].frame(message))

    # Hello

    def _hello(self, message: ClientMessage) -> None:
        registry = self._registry
        if not isinstance(message, Hello):
            registry.malformed("order")
            self._transport.close_with(CloseCode.BAD_MESSAGE)
            return
        self._has_hello = True
        registry.greeted(self._transport)
        code = self._identify(message)
        if code is not None:
            self.refuse(code)
            return
        since = None
        if message.epoch is not None and message.offset is not None:
            since = Position(message.epoch, message.offset)
        local = registry.hub.room(message.channel)
        if (
            local is not None
            and registry.knows(message.channel, self._now)
            and registry.policies.knows(message.channel)
            and not (since and local.room.is_behind(since))
        ):
            self._join(local, since)
        else:
            registry.hub.spawn(self._join_later(message.channel, since))

    def _identify(self, message: Hello) -> CloseCode | None:
        if message.token is not None:
            try:
                self._principal = self._registry.access.verify(message.token)
            except Problem:
                return CloseCode.UNAUTHORISED
        kind, _, name = message.channel.partition(":")
        if is_staff(message.channel):
            principal = self._principal
            if kind == "store" and allowed(principal, Action.FULFIL, store_id=name):
                return None
            if kind == "estate" and allowed(principal, Action.LEAD, estate_id=name):
                return None
            if kind == "hq" and allowed(principal, Action.MANAGE_BRAND, brand_id=name):
                return None
            return CloseCode.UNAUTHORISED if principal.anonymous else CloseCode.FORBIDDEN
        if not allowed(self._principal, Action.WATCH, room_id=name):
            return CloseCode.FORBIDDEN
        admits = self._registry.rehearsals.admits(self._principal, name)
        return None if admits else CloseCode.REHEARSAL

    async def _join_later(self, channel: str, since: Position | None) -> None:
        try:
            if not await self._registry.find(channel, self._registry.now()):
                self.refuse(CloseCode.NO_SUCH_CHANNEL)
                return
            local = await self._registry.hub.open_room(channel, since)
            await self._registry.policies.load(channel)
        except LogUnavailable:
            self.refuse(CloseCode.UNAVAILABLE)
        except Exception:
            log.exception("join failed")
            self.refuse(CloseCode.FAILED)
        else:
            self._join(local, since)

    def _join(self, local: LocalRoom, since: Position | None) -> None:
        if self._has_left:
            return
        if len(local.audience) >= CHANNEL_CONNECTIONS_MAX:
            self.refuse(CloseCode.TOO_MANY_CONNECTIONS)
            return
        principal, hub = self._principal, self._registry.hub
        policy = self._registry.policies.of(local.channel)
        if policy.sanctions:
            held = policy.sanction(self._as_writer(local), wall_ms())
            if held is not None and held.kind is SanctionKind.BAN:
                self._show_standing(policy, self._as_writer(local))
                return
        self._local = local
        self.client = self._registry.next_client()
        self.user_id = principal.subject
        room_id = local.channel.partition(":")[2]
        rehearses = room_id in self._registry.rehearsals.rooms
        shows = allowed(principal, Action.PIN, room_id=room_id, cohosts=policy.cohosts)
        self.is_viewer = not (rehearses or shows)
        subscription = hub.subscribe(local, self, since)
        self.write(
            CODECS[self.codec].frame(self._welcome(subscription.recovered)) + subscription.frame
        )
        self._greet_with_standing(local)
        if principal.nickname and since is None and not is_staff(local.channel):
            hub.publish_join(local, principal.nickname)
        waiting, self._waiting = self._waiting, []
        for message in waiting:
            if not self._has_left:
                self._act(message)

    def _welcome(self, recovered: bool) -> Welcome:
        principal = self._principal
        you = None
        if not principal.anonymous:
            roles = tuple(sorted(principal.roles))
            you = Identity(principal.subject, principal.nickname, roles)
        return Welcome(
            client=self.client, at_ms=_at_ms(), ping_s=PING_S, recovered=recovered, you=you
        )


def _appointment(policy: Policy, writer: Writer) -> tuple[bool, bool]:
    """Whether the host has made somebody a moderator, and a co-host."""
    return writer.subject in policy.moderators, writer.subject in policy.cohosts


def _at_ms() -> int:
    return time.time_ns() // 1_000_000
