"""Which counters of authentic packets have been seen (RFC 4303 section 3.4.3). Pure."""

WINDOW = 4_096  # packets; a replayed GOP may be overtaken by what is newer


class ReplayWindow:
    """The counters of one direction of an association."""

    def __init__(self) -> None:
        self._newest = -1
        self._seen = 0  # bit n: newest − n was received

    def is_new(self, counter: int) -> bool:
        """Whether a packet may be taken; ask before it is opened."""
        behind = self._newest - counter
        return behind < 0 or (behind < WINDOW and not self._seen >> behind & 1)

    def note(self, counter: int) -> None:
        """A packet was opened and is authentic."""
        ahead = counter - self._newest
        if ahead <= 0:
            self._seen |= 1 << -ahead
            return
        self._seen = (self._seen << ahead | 1) & _ALL if ahead < WINDOW else 1
        self._newest = counter


_ALL = (1 << WINDOW) - 1
