"""The sessions of a worker, and how they are found: by id, by ICE user name, by address."""

from collections.abc import Iterator

from media.io.webrtc.session import ADDRESSES_MAX, Session
from media.wire.address import Address

SESSIONS_MAX = 5_000
HANDSHAKES_MAX = 500
CLOSED_KEPT = 1_000
TAKEN_OVER_KEPT = 1_000


class Sessions:
    """Iterating gives those of now; ending some of them meanwhile is fine."""

    def __init__(self) -> None:
        self.handshaking: dict[str, Session] = {}
        self._by_id: dict[str, Session] = {}
        self._by_ufrag: dict[str, Session] = {}
        self._by_address: dict[Address, Session] = {}
        self._closed: dict[str, None] = {}  # ids of sessions, the last to end last
        self._taken_over: dict[str, None] = {}  # ids of hosts' sessions, the same

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._by_id.values()))

    @property
    def full(self) -> bool:
        """Whether no session can be added."""
        return len(self) >= SESSIONS_MAX or len(self.handshaking) >= HANDSHAKES_MAX

    def get(self, session_id: str) -> Session | None:
        """Return the session of an id."""
        return self._by_id.get(session_id)

    def uses_gcm(self, session_id: str) -> bool:
        """Whether the session of an id is there and its packets are encrypted with AES-GCM."""
        session = self.get(session_id)
        return session is not None and session.uses_gcm

    def named(self, ufrag: str) -> Session | None:
        """Return the session that one of our ICE user names was given to."""
        return self._by_ufrag.get(ufrag)

    def at(self, address: Address) -> Session | None:
        """Return the session whose peer proved to be at an address."""
        return self._by_address.get(address)

    def add(self, session: Session) -> None:
        """A session begins with its handshake, and is forgotten when it closes."""
        session.on_closed = self._remove
        self._by_id[session.id] = session
        self._by_ufrag[session.ufrag] = session
        self.handshaking[session.id] = session

    def _remove(self, session: Session) -> None:
        del self._by_id[session.id]
        self.handshaking.pop(session.id, None)
        for ufrag in session.credentials:
            self._by_ufrag.pop(ufrag, None)
        for address in session.addresses:
            if self._by_address.get(address) is session:
                del self._by_address[address]

    def restart_ice(self, session: Session) -> None:
        """Give a session credentials beside those it uses; an unused restart's are forgotten."""
        for ufrag in list(session.credentials)[1:]:
            self._forget(session, ufrag)
        session.new_credentials()
        self._by_ufrag[session.ufrag] = session

    def checked(self, session: Session, ufrag: str, address: Address) -> None:
        """A check with one of the session's user names came from an address, and was genuine."""
        if len(session.credentials) > 1 and ufrag == session.ufrag:
            # The peer uses what the restart gave it: the ICE session before is over.
            for old in list(session.credentials)[:-1]:
                self._forget(session, old)
        if self._by_address.get(address) is not session:
            self._learn(session, address)

    def _forget(self, session: Session, ufrag: str) -> None:
        del session.credentials[ufrag]
        self._by_ufrag.pop(ufrag, None)

    def _learn(self, session: Session, address: Address) -> None:
        self._by_address[address] = session
        session.addresses.append(address)
        if len(session.addresses) > ADDRESSES_MAX:
            old = next(known for known in session.addresses if known != session.address)
            session.addresses.remove(old)
            if self._by_address.get(old) is session:
                del self._by_address[old]

    def note_closed(self, session: Session) -> None:
        """The peer closed its DTLS connection; a DELETE that follows is no error."""
        self._closed[session.id] = None
        if len(self._closed) > CLOSED_KEPT:
            del self._closed[next(iter(self._closed))]

    def note_taken_over(self, session_id: str) -> None:
        """Another host publishes in the place of a session's."""
        self._taken_over[session_id] = None
        if len(self._taken_over) > TAKEN_OVER_KEPT:
            del self._taken_over[next(iter(self._taken_over))]

    def was_taken_over(self, session_id: str) -> bool:
        """Whether a session is over because of another host."""
        return session_id in self._taken_over

    def take_closed(self, session_id: str) -> bool:
        """Whether the peer did so; True once, since a second DELETE is an error."""
        return self._closed.pop(session_id, 0) is None
