"""One channel in one worker: merges what log and bus deliver into ticks without gaps.

Drive it: `adopt` a reading of the log, then call `receive_events`, `receive_batch` and
`receive_counters` as things arrive. When `needs_reading` is true, call `begin_reading`, read the
log and `adopt` again. Call `flush` when a tick is due; `state`, `position` and `recover` are as of
the last flush, so that a newcomer's first frame and the ticks after it have neither gap nor
duplicate.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from rooms.events import Event
from rooms.log import LOG_EVENTS_MAX, Batch, Position, Reading
from rooms.messages import ChatLine, Counters, Tick
from rooms.purchases import PurchaseSampler
from rooms.rates import TokenBucket
from rooms.rules import ChannelRules, apply, apply_lossy
from rooms.state import State, WithChat, kept_lines, lines_since, with_lines

CHAT_LINES_PER_S = 20.0
"""Guests' lines a second that reach everybody; staff's are never dropped."""
CHAT_LINES_BURST = 20.0
JOINS_PER_TICK_MAX = 5
EARLY_EVENTS_MAX = LOG_EVENTS_MAX
"""Events that arrived before their predecessors and wait for them to be read from the log."""
CHAT_WAITING_MAX = 500

_NOWHERE = Position("", 0)


@dataclass(frozen=True, slots=True)
class Flushed:
    """A tick for everybody, and guests' lines that only their senders get."""

    tick: Tick
    dropped: tuple[ChatLine, ...] = ()


class ChannelReplica:
    """The state of one channel as viewers have it, and what the next tick brings them."""

    __slots__ = (
        "_bucket",
        "_chat",
        "_counters",
        "_early",
        "_events",
        "_joins",
        "_purchases",
        "_recent",
        "_reset",
        "_rules",
        "_tip_at_request",
        "channel",
        "needs_reading",
        "position",
        "state",
        "urgent",
    )

    def __init__(self, channel: str, rules: ChannelRules) -> None:
        self._rules = rules
        self.channel = channel
        self.position = _NOWHERE
        self.state: State = rules.empty_state(channel)
        self.needs_reading = True
        self.urgent = False
        self._tip_at_request = _NOWHERE
        self._recent: deque[Event] = deque(maxlen=LOG_EVENTS_MAX)
        self._events: list[Event] = []
        self._early: list[tuple[str, tuple[Event, ...]]] = []
        self._chat: list[ChatLine] = []
        self._joins: list[str] = []
        self._counters: Counters | None = None
        self._purchases = PurchaseSampler()
        self._bucket = TokenBucket(CHAT_LINES_BURST, CHAT_LINES_PER_S)
        self._reset = False

    @property
    def is_open(self) -> bool:
        """Whether it has been read from the log at least once."""
        return self.position.epoch != ""

    @property
    def is_due(self) -> bool:
        """Whether there is anything to flush."""
        return self.has_news or bool(self._joins or self._counters or self._purchases.waiting)

    @property
    def has_news(self) -> bool:
        """Whether something waits that is read at once: events or chat, not names and counts."""
        return bool(self._events or self._chat or self._reset)

    @property
    def needs_snapshot(self) -> bool:
        """Whether the next flush is a snapshot for everybody, since their state is void."""
        return self._reset

    @property
    def tip(self) -> Position:
        """The last numbered event received without a gap, flushed or not."""
        return Position(self.position.epoch, self.position.offset + len(self._events))

    # Input

    def receive_events(self, epoch: str, events: tuple[Event, ...]) -> None:
        """Take numbered events from the bus; a gap or another epoch makes `needs_reading` true."""
        tip = self.tip
        if epoch == tip.epoch:
            events = tuple(event for event in events if event.o > tip.offset)
            if not events:
                return
            if events[0].o == tip.offset + 1:
                self._take(events)
                return
        self.needs_reading = True
        if sum(len(waiting) for _, waiting in self._early) < EARLY_EVENTS_MAX:
            self._early.append((epoch, events))

    def receive_batch(self, batch: Batch, *, now: float) -> None:
        """Take the lossy lane from the bus; beyond a limit the oldest lines are dropped."""
        known = {line.id for line in self._chat}
        if isinstance(self.state, WithChat):
            known.update(line.id for line in self.state.chat)
        # A batch whose publishing seemed to fail may come twice.
        self._chat.extend(line for line in batch.chat if line.id not in known)
        del self._chat[:-CHAT_WAITING_MAX]
        self._joins = [*self._joins, *batch.joins][:JOINS_PER_TICK_MAX]
        if batch.purchase is not None:
            counters = self.state.counters if isinstance(self.state, WithChat) else Counters()
            self._purchases.receive(batch.purchase, batch.order_ids, counters.viewers, now=now)

    def receive_counters(self, counters: Counters) -> None:
        """Take the newest counts."""
        known = self.state.counters if isinstance(self.state, WithChat) else None
        self._counters = counters if known is not None and counters != known else None

    def receive_position(self, position: Position, tip_at_request: Position) -> None:
        """Compare with the end of the log, requested when the tip was `tip_at_request`."""
        lost = position.epoch != self.tip.epoch or position.offset < tip_at_request.offset
        if lost or position.offset > self.tip.offset:
            self.needs_reading = True

    def begin_reading(self) -> None:
        """Note the tip before the log is read, to distinguish an old answer from a lost log."""
        self._tip_at_request = self.tip
        self.needs_reading = False
        # The answer is at least as new as all that the bus carried until now.
        self._early.clear()

    def adopt(self, reading: Reading, chat: tuple[ChatLine, ...] = ()) -> None:
        """Take a reading of the log: the missed events, or the whole state if some are gone.

        Args:
            reading: The answer to the request that followed `begin_reading`.
            chat: Recent lines, taken when the room is opened.
        """
        tip = self.tip
        end = reading.position
        missed = tuple(event for event in reading.events if event.o > tip.offset)
        # Events may have been received after the request; only an end before the tip at the
        # request means that the log lost some.
        whole = end.offset - tip.offset <= len(missed) and end.offset >= self._tip_at_request.offset
        if end.epoch == tip.epoch and whole:
            if missed:
                self._take(missed)
        else:
            self._start_over(reading, chat)
        self.needs_reading = False
        early, self._early = self._early, []
        for epoch, events in early:
            self.receive_events(epoch, events)

    # Output

    def flush(self, now: float, *, sheds_chat: bool = False) -> Flushed | None:
        """Return the next tick and apply it, or None when all must have a snapshot.

        `sheds_chat` drops guests' lines, joins and purchases, while the worker is busy.
        """
        if self._reset:
            self._reset = False
            self.urgent = bool(self._events)
            return None
        events = tuple(self._events)
        state = apply(self._rules, self.state, events)
        if self._chat and isinstance(state, WithChat) and state.removals is not None:
            # A removal may come before its line, on another way.
            self._chat = list(kept_lines(state, tuple(self._chat)))
        chat, dropped = self._sample(now, sheds_chat)
        # Counts that came before what has just begun are not of it.
        counters = self._counters if _since_ms(state) == _since_ms(self.state) else None
        purchase = self._purchases.take()
        offset = self.position.offset + len(events)
        tick = Tick(
            epoch=self.position.epoch,
            offset=offset,
            events=events,
            chat=chat,
            counters=counters,
            joins=() if sheds_chat else tuple(self._joins),
            purchase=None if sheds_chat else purchase,
        )
        self._events.clear()
        self._chat.clear()
        self._joins.clear()
        self._counters = None
        self.urgent = False
        self.state = apply_lossy(state, counters, chat)
        self.position = Position(self.position.epoch, offset)
        self._recent.extend(events)
        return Flushed(tick, dropped)

    def recover(self, since: Position) -> Tick | None:
        """Return all events since `since`, or None when some are no longer here."""
        missed = self.position.offset - since.offset
        if since.epoch != self.position.epoch or not 0 <= missed <= len(self._recent):
            return None
        events = tuple(self._recent)[len(self._recent) - missed :] if missed else ()
        counters = self.state.counters if isinstance(self.state, WithChat) else None
        return Tick(
            epoch=self.position.epoch,
            offset=self.position.offset,
            events=events,
            counters=counters,
        )

    def is_behind(self, since: Position) -> bool:
        """Whether a viewer has received, elsewhere, events that were not flushed here yet."""
        return since.epoch != self.position.epoch or since.offset > self.position.offset

    # Internals

    def _take(self, events: Iterable[Event]) -> None:
        for event in events:
            self._events.append(event)
            self.urgent = self.urgent or event.is_urgent

    def _start_over(self, reading: Reading, chat: tuple[ChatLine, ...]) -> None:
        state = reading.state
        old = self.state
        if isinstance(state, WithChat) and isinstance(old, WithChat):
            is_same = state.since_ms == old.since_ms
            state = msgspec.structs.replace(
                state,
                counters=old.counters if is_same else Counters(old.counters.viewers),
                chat=kept_lines(state, lines_since(state.since_ms, with_lines(chat, old.chat))),
            )
        self._reset = self.is_open
        self.urgent = self._reset
        self.state = state
        self.position = reading.position
        self._events.clear()
        self._recent.clear()
        self._recent.extend(reading.events)

    def _sample(
        self, now: float, sheds_chat: bool
    ) -> tuple[tuple[ChatLine, ...], tuple[ChatLine, ...]]:
        """Split waiting lines into those for all and those dropped, evenly over time."""
        guests = [line.id for line in self._chat if line.sender.role == "guest"]
        allowed = 0 if sheds_chat else self._bucket.take_up_to(len(guests), now)
        if allowed == len(guests):
            return tuple(self._chat), ()
        chosen = {guests[at * len(guests) // allowed] for at in range(allowed)}
        kept_lines: list[ChatLine] = []
        dropped: list[ChatLine] = []
        for line in self._chat:
            kept = line.sender.role != "guest" or line.id in chosen
            (kept_lines if kept else dropped).append(line)
        return tuple(kept_lines), tuple(dropped)


def _since_ms(state: State) -> int | None:
    return state.since_ms if isinstance(state, WithChat) else None
