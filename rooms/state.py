"""The state of a channel: what its rules make of events, with chat and counters beside that."""

import msgspec

from rooms.messages import ChatLine, Counters

CHAT_LINES_MAX = 50


class State(msgspec.Struct, frozen=True):
    """Base of what the events of a channel add up to; one without events is made of defaults."""


class WithChat:
    """Mixed into a `State` whose channel has chat and counters; the state lists both as members.

    The order of a state's members on the wire is thus its own.
    """

    __slots__ = ()

    counters: Counters
    chat: tuple[ChatLine, ...]

    @property
    def since_ms(self) -> int | None:
        """When what is counted and said now began; likes and lines from before it are gone."""
        return None

    @property
    def removals(self) -> object:
        """What `keeps` goes by, another object once other lines are removed; None: none are."""
        return None

    def keeps(self, line: ChatLine) -> bool:
        """Whether a line is still shown, instead of removed."""
        return True


class Snapshot(msgspec.Struct, frozen=True, tag_field="t", tag="snapshot"):
    """Replaces the whole state of a channel."""

    epoch: str
    offset: int
    state: State


def with_lines(chat: tuple[ChatLine, ...], lines: tuple[ChatLine, ...]) -> tuple[ChatLine, ...]:
    """Return the chat with `lines` behind it, each id once, the newest `CHAT_LINES_MAX` of all."""
    known = {line.id for line in chat}
    return (*chat, *(line for line in lines if line.id not in known))[-CHAT_LINES_MAX:]


def kept_lines(state: WithChat, chat: tuple[ChatLine, ...]) -> tuple[ChatLine, ...]:
    """Return the lines that are not removed."""
    return tuple(line for line in chat if state.keeps(line))


def lines_since(since_ms: int | None, chat: tuple[ChatLine, ...]) -> tuple[ChatLine, ...]:
    """Return the lines that were said since then; all of them while nothing has begun."""
    return tuple(line for line in chat if line.at_ms >= (since_ms or 0))
