"""What happened in a room during a live, as its recording keeps it: one line of JSON per message.

`{"at_ms": …, "m": …}` has a snapshot or a tick as viewers got it (docs/protocol.md), without who
joined; `{"at_ms": …, "explain": product or null}` is the host's explain button.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from commerce.activities.questions import Question
from commerce.catalogue.recordings import Moment, Moments
from media.recording.index import Index
from rooms.messages import Tick
from rooms.state import Snapshot

# The last segment is recorded when it is full, and a host may end the live with the last answer.
ANSWER_AFTER_END_MS_MAX = 10_000


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line."""

    at_ms: int
    m: msgspec.Raw = msgspec.Raw()
    explain: str | msgspec.UnsetType | None = msgspec.UNSET


class Shown(msgspec.Struct, frozen=True):
    """A message with its place in the replay, in seconds."""

    s: float
    m: msgspec.Raw


class Answer(msgspec.Struct, frozen=True):
    """An answered question with its place in the replay; None: the replay does not have it."""

    id: str
    text: str
    nickname: str
    votes: int
    answered_at_ms: int
    start_ms: int | None


class _Event(msgspec.Struct, frozen=True):
    k: str = ""
    media_time: int | None = None


class _Message(msgspec.Struct, frozen=True):
    events: tuple[_Event, ...] = ()


_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(Line)
_timed = msgspec.json.Decoder(_Message)


def line_of(at_ms: int, message: Snapshot | Tick) -> bytes | None:
    """Return the line of a message; None: it has nothing to show."""
    if isinstance(message, Tick):
        message = msgspec.structs.replace(message, joins=(), purchase=None)
        if not (message.events or message.chat or message.counters):
            return None
    return b'{"at_ms":%d,"m":%b}\n' % (at_ms, _encode(message))


def explain_line(at_ms: int, product_id: str | None) -> bytes:
    """Return the line of the explain button."""
    return _encode({"at_ms": at_ms, "explain": product_id}) + b"\n"


def moments_of(text: bytes, end_at_ms: int | None) -> list[Moment]:
    """Return when products were shown; without an end, only what is over."""
    moments = Moments()
    for line in _lines(text):
        if isinstance(line.explain, msgspec.UnsetType):
            _take(moments, line)
        else:
            moments.explained(line.explain, line.at_ms)
    if end_at_ms is not None:
        moments.ended(end_at_ms)
    return moments.done


@dataclass(frozen=True, slots=True)
class Removed:
    """Lines of chat that no replay shows: their ids, and until when all of which senders."""

    lines: frozenset[str] = frozenset()
    senders: Mapping[str, int] = field(default_factory=dict)

    def cleaned(self, message: msgspec.Raw) -> msgspec.Raw:
        """Return a snapshot or tick without them."""
        raw = bytes(message)
        if not any(id.encode() in raw for id in (*self.lines, *self.senders)):
            return message
        decoded: dict[str, Any] = msgspec.json.decode(raw)
        holder = decoded.get("state", decoded)
        if "chat" not in holder:
            return message
        holder["chat"] = [line for line in holder["chat"] if self._keeps(line)]
        return msgspec.Raw(_encode(decoded))

    def _keeps(self, line: dict[str, Any]) -> bool:
        until_ms = self.senders.get(line["from"]["id"], -1)
        return line["id"] not in self.lines and line["at_ms"] > until_ms


NOTHING = Removed()


def timeline(text: bytes, index: Index, removed: Removed = NOTHING) -> bytes:
    """Return what a replay shows, in order: `{"events": [{"s": seconds, "m": message}, …]}`."""
    places_s: list[float] = []
    messages: list[msgspec.Raw] = []
    for line in _lines(text):
        if not line.m:
            continue
        places_s.append(index.position_s(line.at_ms, _media_time(line)))
        messages.append(removed.cleaned(line.m))
    # A card or counter is there with its frame, which came before it was announced; what was
    # announced before it stays before it. What was there at the beginning is so from the first
    # frame.
    for number in reversed(range(len(places_s) - 1)):
        places_s[number] = min(places_s[number], places_s[number + 1])
    places_s = [0.0, *places_s[1:]] if places_s else []
    shown = [Shown(round(s, 3), m) for s, m in zip(places_s, messages, strict=True)]
    return _encode({"events": shown})


def answers_of(questions: Iterable[Question], index: Index) -> list[Answer]:
    """Return answered questions with their places, as the chat of that time is placed."""
    until_ms = index.end_at_ms + ANSWER_AFTER_END_MS_MAX
    return [
        Answer(
            each.id,
            each.text,
            each.nickname,
            each.votes,
            at_ms,
            round(index.position_s(at_ms) * 1_000) if at_ms <= until_ms else None,
        )
        for each in questions
        if (at_ms := each.answered_at_ms) is not None
    ]


def _media_time(line: Line) -> int | None:
    """Return the media time of a tick's newest card, else that of its newest event."""
    raw = bytes(line.m)
    if b'"media_time"' not in raw:
        return None
    message = _timed.decode(raw)
    cards = [event.media_time for event in message.events if event.k == "pin"]
    times = [event.media_time for event in message.events]
    return next((each for each in reversed([*times, *cards]) if each is not None), None)


def _take(moments: Moments, line: Line) -> None:
    for event in _events(line):
        match event["k"]:
            case "pin":
                card = event["card"]
                moments.pinned(card["product"]["id"], line.at_ms, card["media_time"])
            case "unpin":
                moments.unpinned(event["product_id"], line.at_ms)


def _events(line: Line) -> list[dict[str, Any]]:
    """Return the pins and unpins of a line; of a snapshot, its newest card."""
    raw = bytes(line.m)
    if not any(word in raw for word in (b'"pin"', b'"unpin"', b'"snapshot"')):
        return []
    message: dict[str, Any] = msgspec.json.decode(raw)
    if message["t"] == "snapshot":
        cards = message["state"].get("cards", [])
        return [{"k": "pin", "card": {**cards[0], "media_time": None}}] if cards else []
    return [event for event in message.get("events", ()) if event.get("k") in ("pin", "unpin")]


def _lines(text: bytes) -> Iterator[Line]:
    for line in text[: text.rfind(b"\n") + 1].splitlines():
        yield _decoder.decode(line)
