"""What every event of a channel has; what an event carries belongs to the channel's rules.

An event is announced without an offset; the log sets `o`, its offset in the channel, and keeps it
as MessagePack. Field names are the wire's own (docs/protocol.md).
"""

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="k"):
    """Base of numbered events; subclasses set `tag`, the kind, and carry whole values."""

    o: int = 0
    at_ms: int = 0

    @property
    def is_urgent(self) -> bool:
        """Whether it goes out in the urgent lane: at once instead of with the next tick."""
        return True


class PrivateEvent(msgspec.Struct, frozen=True, kw_only=True, tag_field="k"):
    """Base of events that one user is shown; they have no number and are not kept."""
