"""Events of the media plane, in the past tense."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PublisherUp:
    """A host's first media of this session has arrived."""

    room_id: str
    returned: bool  # within the grace time: viewers were kept


@dataclass(frozen=True, slots=True)
class PublisherLost:
    """The host's media stopped; viewers are kept for the grace time."""

    room_id: str


@dataclass(frozen=True, slots=True)
class PublisherGone:
    """The grace time is over, or the live was ended; viewers were disconnected."""

    room_id: str


MediaEvent = PublisherUp | PublisherLost | PublisherGone
