"""Room messages as viewers need them, each decoded once for all who get the same bytes."""

import re
from dataclasses import dataclass
from typing import Any

import msgpack  # type: ignore[import-untyped]  # it has no stubs

CACHE_MAX = 512


@dataclass(frozen=True, slots=True)
class Seen:
    """One message. `marks` are the due times of this run's chat lines in it, in ns."""

    kind: str
    epoch: str = ""
    offset: int = 0
    numbers: tuple[int, ...] = ()
    marks: tuple[int, ...] = ()
    pinned: tuple[str, ...] = ()
    unpinned: tuple[str, ...] = ()
    message: dict[str, Any] | None = None


UNDECODABLE = Seen("undecodable")


class Decoder:
    """Remembers the newest broadcasts; `tag` is the run's own in chat lines.

    `offset_ns` is what this machine's clock lacks to the coordinator's, which marks are in.
    """

    def __init__(self, tag: str, offset_ns: int = 0) -> None:
        self._tag = tag
        self._offset_ns = offset_ns
        self._mark = re.compile(rf"~{re.escape(tag)}:(\d{{1,19}})~")
        self._cache: dict[bytes, Seen] = {}

    def marked(self, text: str, due_ns: int) -> str:
        """Return a chat line that carries when it was due."""
        return f"{text} ~{self._tag}:{due_ns + self._offset_ns}~"

    def decode(self, payload: bytes) -> tuple[Seen, bool]:
        """Return the message, and whether it is new to this process."""
        if (known := self._cache.get(payload)) is not None:
            return known, False
        try:
            seen = self._read(msgpack.unpackb(payload))
        except Exception:  # whatever msgpack and a foreign server's shapes can raise
            seen = UNDECODABLE
        if seen.message is None:
            if len(self._cache) >= CACHE_MAX:
                del self._cache[next(iter(self._cache))]
            self._cache[payload] = seen
        return seen, True

    def _read(self, message: dict[str, Any]) -> Seen:
        kind = message["t"]
        if kind == "tick":
            events = message.get("events", ())
            return Seen(
                kind,
                message["epoch"],
                message["offset"],
                tuple(event["o"] for event in events),
                tuple(self._marks(message.get("chat", ()))),
                tuple(event["card"]["product"]["id"] for event in events if event["k"] == "pin"),
                tuple(event["product_id"] for event in events if event["k"] == "unpin"),
            )
        if kind == "snapshot":
            cards = message["state"].get("cards", ())
            pinned = tuple(card["product"]["id"] for card in cards)
            return Seen(kind, message["epoch"], message["offset"], pinned=pinned)
        return Seen(str(kind), message=message)

    def _marks(self, lines: Any) -> list[int]:
        found = (self._mark.search(line["text"]) for line in lines)
        return [int(mark[1]) - self._offset_ns for mark in found if mark]
