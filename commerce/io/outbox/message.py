"""A row of the outbox on its way."""

from dataclasses import dataclass

from commerce.io.record.postings import Topic


@dataclass(frozen=True, slots=True)
class Message:
    """What a handler gets: `subject` names what to look up when it is delivered."""

    id: int
    topic: Topic
    subject: str
    units: int
    attempts: int
