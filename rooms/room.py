"""One channel in one process: takes what log and bus say, gives out merged ticks without gaps.

Drive it: `adopt` a reading of the log, then call `heard_events`, `heard_batch`, `heard_counters` as
things arrive. When `needs_reading` is true, read the log and `adopt` again, with `reading_begins`
called before the request goes out. Call `flush` when a tick is due; `state`, `position` and
`recover` speak as of the last flush, so that what a newcomer is given and the ticks that follow fit
together without gap or repetition.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from rooms.events import ChannelEvent, is_urgent
from rooms.log import LOG_EVENTS_MAX, Batch, Position, Reading
from rooms.messages import ChatLine, Counters, Tick
from rooms.rates import TokenBucket
from rooms.state import RoomState, State, apply_tick, empty_state, with_lines

CHAT_LINES_PER_S = 20.0
"""Guests' lines a second that reach everybody; staff's are never left out."""
CHAT_LINES_BURST = 20.0
JOINS_PER_TICK_MAX = 5
AHEAD_EVENTS_MAX = LOG_EVENTS_MAX
"""Events that wait for those before them to be read from the log."""
CHAT_WAITING_MAX = 500

_NOWHERE = Position("", 0)


@dataclass(frozen=True, slots=True)
class Flushed:
    """A tick for everybody, and guests' lines that only their own senders get to see."""

    tick: Tick
    left_out: tuple[ChatLine, ...] = ()


class Room:
    """The state of one channel as viewers know it, and what they will hear next."""

    __slots__ = (
        "_ahead",
        "_asked_at",
        "_bucket",
        "_chat",
        "_counters",
        "_events",
        "_joins",
        "_recent",
        "_reset",
        "channel",
        "needs_reading",
        "position",
        "state",
        "urgent",
    )

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self.position = _NOWHERE
        self.state: State = empty_state(channel)
        self.needs_reading = True
        self.urgent = False
        self._asked_at = _NOWHERE
        self._recent: deque[ChannelEvent] = deque(maxlen=LOG_EVENTS_MAX)
        self._events: list[ChannelEvent] = []
        self._ahead: list[tuple[str, tuple[ChannelEvent, ...]]] = []
        self._chat: list[ChatLine] = []
        self._joins: list[str] = []
        self._counters: Counters | None = None
        self._bucket = TokenBucket(CHAT_LINES_BURST, CHAT_LINES_PER_S)
        self._reset = False

    @property
    def is_open(self) -> bool:
        """Whether it has been read from the log at least once."""
        return self.position.epoch != ""

    @property
    def is_due(self) -> bool:
        """Whether there is anything to flush."""
        return bool(self._events or self._chat or self._joins or self._counters or self._reset)

    @property
    def needs_snapshot(self) -> bool:
        """Whether the next flush is a snapshot for everybody, since what they know is void."""
        return self._reset

    @property
    def tip(self) -> Position:
        """The last numbered event heard without a gap, flushed or not."""
        return Position(self.position.epoch, self.position.offset + len(self._events))

    # What arrives

    def heard_events(self, epoch: str, events: tuple[ChannelEvent, ...]) -> None:
        """Take numbered events from the bus; what does not fit makes `needs_reading` true."""
        tip = self.tip
        if epoch == tip.epoch:
            events = tuple(event for event in events if event.o > tip.offset)
            if not events:
                return
            if events[0].o == tip.offset + 1:
                self._take(events)
                return
        self.needs_reading = True
        if sum(len(waiting) for _, waiting in self._ahead) < AHEAD_EVENTS_MAX:
            self._ahead.append((epoch, events))

    def heard_batch(self, batch: Batch) -> None:
        """Take chat and joins from the bus; beyond a limit the oldest lines are lost."""
        known = {line.id for line in self._chat}
        if isinstance(self.state, RoomState):
            known.update(line.id for line in self.state.chat)
        # A batch whose handing round seemed to fail may come twice.
        self._chat.extend(line for line in batch.chat if line.id not in known)
        del self._chat[:-CHAT_WAITING_MAX]
        self._joins = [*self._joins, *batch.joins][:JOINS_PER_TICK_MAX]

    def heard_counters(self, counters: Counters) -> None:
        """Take the newest counts."""
        known = self.state.counters if isinstance(self.state, RoomState) else None
        self._counters = counters if known is not None and counters != known else None

    def heard_position(self, position: Position, asked_at: Position) -> None:
        """Compare with the end of the log, asked for when the tip was `asked_at`."""
        lost = position.epoch != self.tip.epoch or position.offset < asked_at.offset
        if lost or position.offset > self.tip.offset:
            self.needs_reading = True

    def reading_begins(self) -> None:
        """Say that the log is about to be asked; needed to tell an old answer from a lost log."""
        self._asked_at = self.tip
        self.needs_reading = False
        # Whatever the bus carried until now, the answer is at least as new.
        self._ahead.clear()

    def adopt(self, reading: Reading, chat: tuple[ChatLine, ...] = ()) -> None:
        """Take what the log answered: the missed events, or all anew if they are not all there.

        Args:
            reading: The answer to the request that followed `reading_begins`.
            chat: Recent lines, taken when the room is opened.
        """
        tip = self.tip
        end = reading.position
        missed = tuple(event for event in reading.events if event.o > tip.offset)
        # The log may have been asked before what has been heard since; only an end before
        # what was known when asking means that it lost something.
        whole = end.offset - tip.offset <= len(missed) and end.offset >= self._asked_at.offset
        if end.epoch == tip.epoch and whole:
            if missed:
                self._take(missed)
        else:
            self._start_over(reading, chat)
        self.needs_reading = False
        ahead, self._ahead = self._ahead, []
        for epoch, events in ahead:
            self.heard_events(epoch, events)

    # What goes out

    def flush(self, now: float, *, spare: bool = False) -> Flushed | None:
        """Return the next tick and make it the past, or None when all must have a snapshot.

        `spare` leaves out what guests say and who comes: the lossy lane, for a while.
        """
        if self._reset:
            self._reset = False
            self.urgent = bool(self._events)
            return None
        chat, left_out = self._sample(now, spare)
        events = tuple(self._events)
        offset = self.position.offset + len(events)
        tick = Tick(
            epoch=self.position.epoch,
            offset=offset,
            events=events,
            chat=chat,
            counters=self._counters,
            joins=() if spare else tuple(self._joins),
        )
        self._events.clear()
        self._chat.clear()
        self._joins.clear()
        self._counters = None
        self.urgent = False
        self.state = apply_tick(self.state, tick)
        self.position = Position(self.position.epoch, offset)
        self._recent.extend(events)
        return Flushed(tick, left_out)

    def recover(self, since: Position) -> Tick | None:
        """Return all that was missed since `since`, or None when not all of it is at hand."""
        missed = self.position.offset - since.offset
        if since.epoch != self.position.epoch or not 0 <= missed <= len(self._recent):
            return None
        events = tuple(self._recent)[len(self._recent) - missed :] if missed else ()
        counters = self.state.counters if isinstance(self.state, RoomState) else None
        return Tick(
            epoch=self.position.epoch,
            offset=self.position.offset,
            events=events,
            counters=counters,
        )

    def is_behind(self, since: Position) -> bool:
        """Whether a viewer has seen, elsewhere, events that were not flushed here yet."""
        return since.epoch != self.position.epoch or since.offset > self.position.offset

    # Inside

    def _take(self, events: Iterable[ChannelEvent]) -> None:
        for event in events:
            self._events.append(event)
            self.urgent = self.urgent or is_urgent(event)

    def _start_over(self, reading: Reading, chat: tuple[ChatLine, ...]) -> None:
        state = reading.state
        if isinstance(state, RoomState):
            old = self.state if isinstance(self.state, RoomState) else RoomState()
            state = msgspec.structs.replace(
                state, counters=old.counters, chat=with_lines(chat, old.chat)
            )
        self._reset = self.is_open
        self.urgent = self._reset
        self.state = state
        self.position = reading.position
        self._events.clear()
        self._recent.clear()
        self._recent.extend(reading.events)

    def _sample(self, now: float, spare: bool) -> tuple[tuple[ChatLine, ...], tuple[ChatLine, ...]]:
        """Split waiting lines into those for all and those left out, evenly over time."""
        guests = [line.id for line in self._chat if line.sender.role == "guest"]
        allowed = 0 if spare else self._bucket.take_up_to(len(guests), now)
        if allowed == len(guests):
            return tuple(self._chat), ()
        chosen = {guests[at * len(guests) // allowed] for at in range(allowed)}
        told: list[ChatLine] = []
        left_out: list[ChatLine] = []
        for line in self._chat:
            kept = line.sender.role != "guest" or line.id in chosen
            (told if kept else left_out).append(line)
        return tuple(told), tuple(left_out)
