"""The connections of this worker: limits, pings and deadlines of all WebSockets, in one sweep.

No timer and no task per viewer: deadlines of one kind have one length, so that the oldest is always
first; pings use a timing wheel with one slot per second. Times are monotonic seconds.
"""

import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Protocol, runtime_checkable

from websockets.frames import Opcode

from rooms.io.hub import PING_S, RoomHub
from rooms.rates import TokenBucket
from server.access.policy import Principal
from server.access.rehearsals import Rehearsals
from server.access.tokens import Access
from server.settings import Settings
from server.ws.moderation import ChatPolicies, ModerationSource, NoModeration
from server.ws.wire import CloseCode, frame

HELLO_S_MAX = 5.0
CLOSE_S_MAX = 2.0
"""How long a peer may take to answer our close."""
PONG_S_MAX = 10.0
"""How long a peer may take to answer a ping."""
DRAIN_S = 1.0
"""Over how long closes are spread when this worker goes down."""
CONNECTIONS_MAX = 20_000
CONNECTIONS_PER_ADDRESS_MAX = 2_000
"""Wide: a whole estate may sit behind one address (carrier-grade NAT)."""
CONNECTS_PER_ADDRESS = (200.0, 50.0)
"""Burst, and per second."""
CHAT_PER_USER = (5.0, 1.0)
PRUNE_S = 30.0
CHANNEL_KNOWN_S = 60.0
CHANNELS_KNOWN_MAX = 10_000

PING_FRAME = frame(b"linli", Opcode.PING)


@runtime_checkable
class Rehearser(Protocol):
    """A connection that is closed if its user may not be at a rehearsal."""

    def leave_rehearsal(self, room_id: str) -> None:
        """The room of its channel rehearses."""
        ...


ChannelExists = Callable[[str], Awaitable[bool]]


class Peer(Protocol):
    """What the registry needs of a connection."""

    slot: int
    received_at: float

    @property
    def principal(self) -> Principal:
        """Who the token of its `hello` named."""
        ...

    def write_control(self, data: bytes) -> None:
        """Write a control frame unless the connection is closing."""
        ...

    def close_with(self, code: CloseCode) -> None:
        """Begin to close."""
        ...

    def abort(self) -> None:
        """Cut the connection."""
        ...


class ConnectionRegistry:
    """State and limits that the connections of one worker share."""

    def __init__(
        self,
        hub: RoomHub,
        access: Access,
        settings: Settings,
        exists: ChannelExists,
        moderation: ModerationSource | None = None,
        rehearsals: Rehearsals | None = None,
    ) -> None:
        self.hub = hub
        self.policies = ChatPolicies(hub, moderation or NoModeration())
        self.access = access
        self.settings = settings
        self.counts = hub.counts
        self.limits = settings.rate_limits
        self.draining = False
        self.rehearsals = rehearsals or Rehearsals()
        # Gets channel, estate and text of each line of a viewer; set before the first one comes.
        self.on_line: Callable[[str, str, str], None] = lambda channel, estate_id, text: None
        self._exists = exists
        self._known: dict[str, float] = {}
        self._addresses: Counter[str] = Counter()
        self._connects: dict[str, TokenBucket] = {}
        self._chat: dict[str, TokenBucket] = {}
        self._wheel: list[dict[Peer, None]] = [{} for _ in range(PING_S)]
        self._next_slot = 0
        self._slot = 0
        self._slot_at = 0.0
        self._prune_at = 0.0
        self._greeting: dict[Peer, float] = {}
        self._closing: dict[Peer, float] = {}
        self._leaving: dict[Peer, float] = {}
        self._clients = 0
        hub.sweepers.append(self.sweep)
        access.on_revoked(self._close_revoked)

    # Connect and disconnect

    @property
    def is_full(self) -> bool:
        """Whether this worker accepts no more connections."""
        return self.counts.connections >= CONNECTIONS_MAX or self.draining

    def refuse(self, reason: str) -> None:
        """Count a connection that was refused."""
        self.counts.refused_total[reason] = self.counts.refused_total.get(reason, 0) + 1

    def malformed(self, kind: str) -> None:
        """Count a malformed message."""
        self.counts.malformed_total[kind] = self.counts.malformed_total.get(kind, 0) + 1

    def arrive(self, peer: Peer, address: str, now: float) -> CloseCode | None:
        """Register an accepted connection; return the code to close it with, if any."""
        self.counts.connections += 1
        self.counts.connected_total += 1
        self._addresses[address] += 1
        self._next_slot = (self._next_slot + 1) % PING_S
        peer.slot = self._next_slot
        self._wheel[peer.slot][peer] = None
        self._greeting[peer] = now + HELLO_S_MAX
        if not self.limits:
            return None
        bucket = self._connects.get(address)
        if bucket is None:
            bucket = self._connects[address] = TokenBucket(*CONNECTS_PER_ADDRESS)
        if self._addresses[address] > CONNECTIONS_PER_ADDRESS_MAX:
            return CloseCode.TOO_MANY_CONNECTIONS
        # A crowd that connects at once, after a restart say, is asked to reconnect.
        return CloseCode.UNAVAILABLE if bucket.take(now) > 0.0 else None

    def greeted(self, peer: Peer) -> None:
        """The connection has sent `hello`."""
        self._greeting.pop(peer, None)

    def closes(self, peer: Peer, code: CloseCode, now: float) -> None:
        """Our close frame was written; the peer has `CLOSE_S_MAX` to answer."""
        self.counts.closed_total[int(code)] = self.counts.closed_total.get(code, 0) + 1
        self._greeting.pop(peer, None)
        self._closing[peer] = now + CLOSE_S_MAX

    def depart(self, peer: Peer, address: str) -> None:
        """Forget a registered connection that is lost."""
        self.counts.connections -= 1
        self._addresses[address] -= 1
        if self._addresses[address] <= 0:
            del self._addresses[address]
        self._wheel[peer.slot].pop(peer, None)
        self._greeting.pop(peer, None)
        self._closing.pop(peer, None)
        self._leaving.pop(peer, None)

    def drain(self, peer: Peer, now: float) -> None:
        """Close `peer` soon: this worker goes down. Closes are spread over `DRAIN_S`."""
        self.draining = True
        if peer not in self._leaving:
            total = max(1, self.counts.connections)
            self._leaving[peer] = now + DRAIN_S * min(1.0, len(self._leaving) / total)

    def drain_all(self, spread_s: float) -> None:
        """Accept nobody, and close all connections, spread over so many seconds."""
        self.draining = True
        now = self.now()
        peers = [peer for peers in self._wheel for peer in peers]
        for place, peer in enumerate(peers):
            self._leaving[peer] = now + spread_s * place / len(peers)

    def next_client(self) -> str:
        """Return an id for a connection, unique among all workers."""
        self._clients += 1
        return f"{self.hub.worker_id}{self._clients:x}"

    @staticmethod
    def now() -> float:
        """Return the time that deadlines use."""
        return time.monotonic()

    # Limits

    def chat_wait_s(self, user_id: str, now: float) -> float:
        """Take a token of the user's chat rate; return 0.0, or the seconds to wait."""
        if not self.limits:
            return 0.0
        bucket = self._chat.get(user_id)
        if bucket is None:
            bucket = self._chat[user_id] = TokenBucket(*CHAT_PER_USER)
        return bucket.take(now)

    def knows(self, channel: str, now: float) -> bool:
        """Whether `channel` was lately found to exist."""
        return self._known.get(channel, 0.0) > now

    async def find(self, channel: str, now: float) -> bool:
        """Return whether `channel` exists, from memory if found lately."""
        if self.knows(channel, now):
            return True
        if not await self._exists(channel):
            return False
        if len(self._known) >= CHANNELS_KNOWN_MAX:
            self._known.clear()
        self._known[channel] = now + CHANNEL_KNOWN_S
        return True

    # The sweep

    def sweep(self, now: float) -> None:
        """Do what is due: pings, deadlines, pruning. Called several times a second."""
        self.policies.sweep(now)
        for room_id in self.rehearsals.rooms:
            self._clear(room_id)
        for peer in _due(self._greeting, now):
            peer.close_with(CloseCode.HELLO_LATE)
        for peer in _due(self._leaving, now):
            peer.close_with(CloseCode.DRAINING)
        for peer in _due(self._closing, now):
            peer.abort()
        while self._slot_at <= now:
            self._slot_at = max(self._slot_at + 1.0, now - PING_S)
            self._slot = (self._slot + 1) % PING_S
            self._ping(self._wheel[self._slot], now)
        if self._prune_at <= now:
            self._prune_at = now + PRUNE_S
            for buckets in (self._connects, self._chat):
                for key in [key for key, bucket in buckets.items() if bucket.is_full(now)]:
                    del buckets[key]

    def _clear(self, room_id: str) -> None:
        """Close the connections of those who may not be at a rehearsal."""
        local = self.hub.room(f"room:{room_id}")
        for subscriber in list(local.audience.subscribers()) if local else ():
            if isinstance(subscriber, Rehearser):
                subscriber.leave_rehearsal(room_id)

    def _close_revoked(self, subjects: frozenset[str]) -> None:
        for peer in [peer for peers in self._wheel for peer in peers]:
            principal = peer.principal
            if principal.subject in subjects and not self.access.holds(principal, time.time()):
                peer.close_with(CloseCode.UNAUTHORISED)

    def _ping(self, peers: dict[Peer, None], now: float) -> None:
        oldest = now - PING_S - PONG_S_MAX
        for peer in list(peers):
            if peer.received_at < oldest:
                peer.close_with(CloseCode.SILENT)
            elif not self.access.holds(peer.principal, time.time()):
                peer.close_with(CloseCode.UNAUTHORISED)
            else:
                peer.write_control(PING_FRAME)


def _due(deadlines: dict[Peer, float], now: float) -> list[Peer]:
    """Remove and return the peers whose deadline has passed; the oldest come first."""
    due: list[Peer] = []
    for peer, deadline in deadlines.items():
        if deadline > now:
            break
        due.append(peer)
    for peer in due:
        del deadlines[peer]
    return due
