"""A row of the outbox on its way."""

from dataclasses import dataclass

from commerce.io.record.postings import Topic


@dataclass(frozen=True, slots=True)
class Message:
    """What a handler gets: `subject` names what to look up when it is delivered.

    A handler that returns it with a due time has it delivered then; without, it has failed and is
    tried again. `id` is used again for a later row on SQLite, but not with the same
    `enqueued_at_ms`.
    """

    id: int
    topic: Topic
    subject: str
    units: int
    attempts: int
    enqueued_at_ms: int
    due_at_ms: int | None = None
