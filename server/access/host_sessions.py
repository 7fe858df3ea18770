"""The WHIP sessions of this worker, each for as long as the token that opened it is not revoked.

A token that ends by itself does not end a live.
"""

import time
from collections.abc import Callable

from server.access.policy import Principal
from server.access.tokens import Access


class HostSessions:
    """By room: whoever publishes there next replaces the one before."""

    def __init__(self, access: Access, end: Callable[[str], None]) -> None:
        """`end` ends the session of an id; one that is over already is no error."""
        self._access = access
        self._end = end
        self._rooms: dict[str, tuple[str, Principal]] = {}
        access.on_revoked(self._revoked)

    def add(self, room_id: str, session_id: str, principal: Principal) -> None:
        """A session was opened with the token of `principal`, which may be revoked by now."""
        self._rooms[room_id] = (session_id, principal)
        if not self._access.holds(principal, time.time()):
            self._revoked(frozenset({principal.subject}))

    def _revoked(self, subjects: frozenset[str]) -> None:
        for room_id, (session_id, principal) in list(self._rooms.items()):
            if principal.subject in subjects and not self._access.holds(principal, time.time()):
                del self._rooms[room_id]
                self._end(session_id)
