"""What a room does together beside buying: its poll, its questions, its notice."""

import msgspec

from rooms.events import Event
from server.bridge.channels.feature import Feature


class Poll(msgspec.Struct, frozen=True):
    """A poll with the votes of each option; open until `closes_at_ms`."""

    id: str
    question: str
    options: tuple[str, ...]
    votes: tuple[int, ...]
    closes_at_ms: int


class Question(msgspec.Struct, frozen=True):
    """A neighbour's question to the host."""

    id: str
    text: str
    nickname: str
    votes: int
    asked_at_ms: int
    answered_at_ms: int | None = None


class PollChanged(Event, frozen=True, kw_only=True, tag="poll"):
    """A poll opened, was voted in or ended; null: there is none."""

    poll: Poll | None


class QuestionsChanged(Event, frozen=True, kw_only=True, tag="questions"):
    """The questions as they are listed now, the next one to answer first."""

    questions: tuple[Question, ...]


class NoticeChanged(Event, frozen=True, kw_only=True, tag="notice"):
    """The text that the host pinned to the room; null: there is none."""

    text: str | None


POLL = Feature("poll", {PollChanged: lambda _, event: event.poll})
QUESTIONS = Feature("questions", {QuestionsChanged: lambda _, event: event.questions})
NOTICE = Feature("notice", {NoticeChanged: lambda _, event: event.text})
