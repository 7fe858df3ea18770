"""Schedules PLIs to a host (RFC 4585 section 6.3.1). Pure: `now` is monotonic seconds."""

REQUEST_INTERVAL_S = 0.5
# A host that answers none of so many (OBS) has to be joined from the cached GOP.
IGNORED_AFTER_REQUESTS = 3


class KeyFrameRequests:
    """PLIs of one layer, REQUEST_INTERVAL_S apart, until its key frame arrives."""

    def __init__(self) -> None:
        self.pending = False
        self.sent = 0
        self._sent_at = -1e9
        self._unanswered = 0

    def request(self) -> None:
        """A viewer needs a key frame."""
        self.pending = True

    def on_key_frame(self) -> None:
        """A key frame arrived."""
        self.pending = False
        self._unanswered = 0

    @property
    def ignored(self) -> bool:
        """Whether the host seems to ignore PLIs."""
        return self._unanswered >= IGNORED_AFTER_REQUESTS

    def due(self, *, now: float) -> bool:
        """Whether to send a PLI now; True counts as sent."""
        if not self.pending or now - self._sent_at < REQUEST_INTERVAL_S:
            return False
        self._sent_at = now
        self.sent += 1
        self._unanswered += 1
        return True
