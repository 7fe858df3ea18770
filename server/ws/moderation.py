"""The order of chats on this worker: policies by channel, read anew when a room's version grows.

A line is judged once, by the worker of its sender, before it is published. Slow mode counts a
sender's lines per worker.
"""

import contextlib
import time
from typing import Protocol, runtime_checkable

import structlog

from rooms.io.hub import RoomHub
from rooms.log import LogUnavailable
from rooms.messages import ChatLine
from rooms.moderation.admission import Admission
from rooms.moderation.policy import Policy, Writer
from server.bridge.channels.registry import RoomState

PRUNE_S = 30.0
LAST_LINES_MAX = 50_000

OPEN = Policy()

log = structlog.get_logger()


class ModerationSource(Protocol):
    """Where policies are kept; see `server.bridge.moderation`."""

    async def policy(self, channel: str) -> Policy:
        """Return what holds in a channel; may raise LogUnavailable."""
        ...

    async def hold(self, channel: str, line: ChatLine) -> None:
        """List a line for review."""
        ...

    async def remember(self, channel: str, writer: Writer) -> None:
        """Keep from which address and device somebody has written, for a while."""
        ...

    def is_member(self, subject: str) -> bool:
        """Whether a guest belongs to a confirmed household."""
        ...

    def key_of(self, kind: str, value: str) -> str:
        """Return the key by which sanctions name an address or a device."""
        ...


class NoModeration:
    """A source without rules."""

    async def policy(self, channel: str) -> Policy:
        """See `ModerationSource`."""
        return OPEN

    async def hold(self, channel: str, line: ChatLine) -> None:
        """See `ModerationSource`."""

    async def remember(self, channel: str, writer: Writer) -> None:
        """See `ModerationSource`."""

    def is_member(self, subject: str) -> bool:
        """See `ModerationSource`."""
        return False

    def key_of(self, kind: str, value: str) -> str:
        """See `ModerationSource`."""
        return value


@runtime_checkable
class Judged(Protocol):
    """A connection that is shown what holds against it."""

    def receive_policy(self, before: Policy, after: Policy) -> None:
        """The policy of its channel has changed."""
        ...


class ChatPolicies:
    """The policies of the channels that are open on this worker."""

    def __init__(self, hub: RoomHub, source: ModerationSource) -> None:
        self.source = source
        self._hub = hub
        self._policies: dict[str, Policy] = {}
        self._admissions: dict[str, Admission] = {}
        self._loading: set[str] = set()
        self._last_lines: dict[tuple[str, str], float] = {}
        self._prune_at = 0.0

    def knows(self, channel: str) -> bool:
        """Whether the policy of `channel` has been read."""
        return channel in self._policies

    def of(self, channel: str) -> Policy:
        """Return the policy of a channel that was loaded."""
        return self._policies.get(channel, OPEN)

    async def load(self, channel: str) -> None:
        """Read the policy of a channel unless it is known.

        Raises:
            LogUnavailable: It cannot be read now.
        """
        if channel not in self._policies:
            self._policies[channel] = await self.source.policy(channel)

    def admission(self, channel: str) -> Admission:
        """Return what bounds the lines of a channel on this worker."""
        admission = self._admissions.get(channel)
        if admission is None:
            admission = self._admissions[channel] = Admission()
        return admission

    async def hold(self, channel: str, line: ChatLine) -> None:
        """List a line for review; one that cannot be listed is lost, as its sender was shown."""
        try:
            await self.source.hold(channel, line)
        except Exception:
            log.exception("line not held")

    async def remember(self, channel: str, writer: Writer) -> None:
        """Keep from which address and device somebody has written."""
        with contextlib.suppress(LogUnavailable):
            await self.source.remember(channel, writer)

    def since_last_s(self, channel: str, subject: str, now: float) -> float:
        """Return how long ago somebody's last line in a channel was."""
        return now - self._last_lines.get((channel, subject), float("-inf"))

    def on_line(self, channel: str, subject: str, now: float) -> None:
        """A line was accepted."""
        if self.of(channel).slow_s and len(self._last_lines) < LAST_LINES_MAX:
            self._last_lines[channel, subject] = now

    def sweep(self, now: float) -> None:
        """Read anew what has changed. Called several times a second."""
        for channel, policy in list(self._policies.items()):
            local = self._hub.room(channel)
            if local is None:
                del self._policies[channel]
                self._admissions.pop(channel, None)
                continue
            state = local.room.state
            if (
                isinstance(state, RoomState)
                and state.chat_rules.version > policy.version
                and channel not in self._loading
            ):
                self._loading.add(channel)
                self._hub.spawn(self._reload(channel))
        if self._prune_at <= now:
            self._prune_at = now + PRUNE_S
            for admission in self._admissions.values():
                admission.prune(now)
            for key, at in list(self._last_lines.items()):
                if now - at > self.of(key[0]).slow_s:
                    del self._last_lines[key]

    async def _reload(self, channel: str) -> None:
        try:
            after = await self.source.policy(channel)
        except LogUnavailable:
            return  # the next sweep tries again
        finally:
            self._loading.discard(channel)
        before = self._policies.get(channel)
        local = self._hub.room(channel)
        if before is None or local is None:
            return
        self._policies[channel] = after
        roles = [(policy.moderators, policy.cohosts) for policy in (before, after)]
        if before.sanctions or after.sanctions or roles[0] != roles[1]:
            for subscriber in list(local.audience.subscribers()):
                if isinstance(subscriber, Judged):
                    subscriber.receive_policy(before, after)


def wall_ms() -> int:
    """Return UTC in milliseconds."""
    return time.time_ns() // 1_000_000
