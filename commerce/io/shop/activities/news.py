"""Which part of a room's activities changed: the subjects of their outbox topic."""

from enum import StrEnum

from sqlalchemy import Connection

from commerce.flash.sale import PART
from commerce.io.record.postings import Topic, enqueue


class Part(StrEnum):
    """What rooms are shown anew, as a whole."""

    POLL = "poll"
    QUESTIONS = "questions"
    NOTICE = "notice"
    FLASH = PART
    COUPONS = "coupons"
    SCHEDULE = "schedule"
    DRAW = "draw"
    MODERATION = "moderation"
    SHELF = "shelf"
    NEXT_ROOM = "next_room"


def changed(connection: Connection, room_id: str, part: Part, at_ms: int) -> None:
    """Have the room shown this part as it is after the transaction."""
    enqueue(connection, Topic.ACTIVITY, [f"{room_id}|{part}"], at_ms)
