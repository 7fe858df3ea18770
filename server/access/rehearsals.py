"""Which rooms rehearse, and who may be there: the staff of their brand."""

from collections.abc import Callable

from server.access.policy import Action, Principal, allowed
from server.problem import Problem


class Rehearsals:
    """Asked by all that shows a room or its live.

    Args:
        rooms: Returns the rooms that rehearse now.
        brand_of: Returns the brand of a room.
    """

    def __init__(
        self,
        rooms: Callable[[], frozenset[str]] = frozenset,
        brand_of: Callable[[str], str] = lambda room_id: "",
    ) -> None:
        self._rooms = rooms
        self._brand_of = brand_of

    @property
    def rooms(self) -> frozenset[str]:
        """The rooms that rehearse now."""
        return self._rooms()

    def admits(self, principal: Principal, room_id: str) -> bool:
        """Whether `principal` may see the room and its live."""
        if room_id not in self._rooms():
            return True
        brand_id = self._brand_of(room_id)
        return allowed(principal, Action.REHEARSE, room_id=room_id, brand_id=brand_id)

    def require(self, principal: Principal, room_id: str) -> None:
        """Raise unless `principal` may see the room and its live.

        Raises:
            Problem: 403 `rehearsal`.
        """
        if not self.admits(principal, room_id):
            raise Problem(
                403, "rehearsal", "The room rehearses.", "Only the staff of its brand is let in."
            )
