"""The edges that this worker serves: who has subscribed to what, until it leaves or falls silent.

Of its own lives, and of those that it receives itself: the rest of the tree hangs there.
"""

import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from time import monotonic
from typing import Protocol

from media.cascade import tree
from media.cascade.subscription import EXPIRES_S, LiveFormats, Subscription
from media.cascade.tree import Capacity, Child
from media.errors import MalformedHop
from media.forwarding.live import Live
from media.forwarding.lives import Lives
from media.io.cascade.association import Association, open_hello, seal_welcome
from media.io.cascade.directory import Secret
from media.io.cascade.sender import RunSender
from media.wire import hop
from media.wire.address import Address

ASSOCIATIONS_MAX = 4_096
# Clocks of two nodes may differ by less; an older hello is a replay.
HELLO_WINDOW_S = 10.0
_FIRST_VERSION_MAX = 0x7FFF


class Secrets(Protocol):
    """This worker's secrets that are in use."""

    def secret(self, key_id: int) -> Secret | None:
        """Return the secret of an id."""


class PathHere(Protocol):
    """How lives of other workers get here."""

    def path(self, room_id: str) -> tuple[str, ...]:
        """Return the workers from the origin to this one, which is the last; (): it is cut off."""


class _Link:
    """One edge of one live."""

    def __init__(self, association: Association, hello: hop.Hello, salt: bytes, welcome: bytes):
        self.association = association
        self.edge = hello.worker
        self.room_id = hello.room_id
        self.salt = salt  # the edge's
        self.welcome = welcome
        self.subscription: Subscription | None = None
        self.join: hop.Join | None = None  # None: a worker from before the tree

    @property
    def serves(self) -> bool:
        """Whether the edge receives the live here."""
        return self.subscription is not None and not self.subscription.closed


class Origins:
    """Give it what arrives at the socket, and call `tick` every few milliseconds."""

    def __init__(
        self, worker: str, lives: Lives, secrets_in_use: Secrets, sender: RunSender,
        counted: Counter[str], fanout: int, capacity: Callable[[], Capacity],
    ) -> None:  # fmt: skip
        """Set `elsewhere` before anything arrives."""
        self.elsewhere: PathHere
        self._worker = worker
        self._fanout = fanout
        self._capacity = capacity
        self._lives = lives
        self._secrets = secrets_in_use
        self._sender = sender
        self._counted = counted
        self._links: dict[int, _Link] = {}  # by association
        self._by_room: defaultdict[str, dict[int, _Link]] = defaultdict(dict)
        self._formats: dict[str, tuple[Live, LiveFormats]] = {}  # by room

    @property
    def edges(self) -> int:
        """How many subscriptions there are."""
        return sum(link.serves for link in self._links.values())

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return not self._links

    def has(self, association: int) -> bool:
        """Whether an association is one of ours."""
        return association in self._links

    def below(self, room_id: str) -> int:
        """Return how many edges receive a live through this worker."""
        return sum(1 + child.below for child in self._children(room_id))

    def _children(self, room_id: str) -> list[Child]:
        """Return the edges here, each once: one may have a new association beside its old one."""
        children: dict[str, Child] = {}
        for link in self._by_room[room_id].values() if room_id in self._by_room else ():
            if link.serves:
                join = link.join or hop.Join(True, False, 0, 0)
                child = Child(link.edge, join.below, join.busy_percent, join.accepts)
                children[link.edge] = child
        return list(children.values())

    def _path(self, live: Live) -> tuple[str, ...]:
        return self.elsewhere.path(live.room_id) if live.edge else (self._worker,)

    def on_hello(self, datagram: bytes, address: Address) -> None:
        """An edge begins, or has not got our answer; raises `MalformedHop`."""
        header = hop.hello_header(datagram)
        link = self._links.get(header.association)
        if link is None:
            link = self._new_link(header, datagram, address)
        elif link.salt != header.salt:
            raise MalformedHop("the association is another one's")
        self._sender.send(link.welcome, address)

    def _new_link(self, header: hop.HelloHeader, datagram: bytes, address: Address) -> _Link:
        secret = self._secrets.secret(header.key_id)
        if secret is None or len(self._links) >= ASSOCIATIONS_MAX:
            raise MalformedHop("an unknown secret, or too many associations")
        hello = open_hello(secret.value, header, datagram)
        if abs(time.time() - hello.at_ms / 1e3) > HELLO_WINDOW_S:
            raise MalformedHop("too old")
        number, ours = header.association, secrets.token_bytes(hop.SALT_BYTES)
        salts = header.salt + ours
        association = Association(
            number, secret.value, salts, self._sender, address, origin=True
        )  # fmt: skip
        welcome = seal_welcome(secret.value, salts, hop.WelcomeHeader(number, ours))
        link = self._links[number] = _Link(association, hello, header.salt, welcome)
        self._by_room[link.room_id][number] = link
        return link

    def on_message(self, header: hop.ControlHeader, datagram: bytes, address: Address) -> None:
        """An edge of ours sends something; raises `MalformedHop`."""
        link, now = self._links[header.association], monotonic()
        message = link.association.open_message(header, datagram, address)
        if isinstance(message, hop.Join):
            self._on_join(link, message, now)
        elif link.serves and link.subscription is not None:
            link.subscription.receive(message, now=now)
        elif link.subscription is None and link.join is None and self._is_origin(link):
            link.subscription = self._subscribe(link, now)
            link.subscription.receive(message, now=now)
        elif not isinstance(message, hop.Bye) and (link.subscription or link.join is None):
            link.association.send_message(hop.Gone())

    def _on_join(self, link: _Link, join: hop.Join, now: float) -> None:
        """An edge asks for a live, or says how it is."""
        link.join = join
        live = self._lives.by_room.get(link.room_id)
        if live is None or (link.subscription is not None and not link.serves):
            link.association.send_message(hop.Gone())
            return
        if not link.serves:
            if join.of_origin and not self._is_origin(link):
                link.association.send_message(hop.Gone())
                return
            found = tree.place(
                link.edge, self._children(link.room_id), self._path(live), self._capacity(),
                fanout=self._fanout, avoids=join.avoids,
            )  # fmt: skip
            if isinstance(found, tree.Name):
                link.association.send_message(hop.Ask(found.worker))
                return
            link.subscription = self._subscribe(link, now)
            link.subscription.introduce(now=now)
        if path := self._path(live):
            link.association.send_message(hop.Path(path[: hop.PATH_MAX]))

    def _is_origin(self, link: _Link) -> bool:
        live = self._lives.by_room.get(link.room_id)
        return live is not None and not live.edge and (live.on_air or live.lost_at is not None)

    def _subscribe(self, link: _Link, now: float) -> Subscription:
        live = self._lives.by_room[link.room_id]
        known, formats = self._formats.get(link.room_id, (None, None))
        if known is not live or formats is None:
            formats = LiveFormats(live, _draw_version)
            self._formats[link.room_id] = live, formats
        formats.refresh()
        subscription = Subscription(live, formats, link.association, self._counted, now=now)
        live.add_sink(subscription)
        return subscription

    def tick(self, *, now: float) -> None:
        """Go on with what waits, and let edges go that are silent."""
        for _, formats in self._formats.values():
            formats.refresh()
        drains = self._capacity().drains
        for number, link in list(self._links.items()):
            subscription = link.subscription
            if subscription is not None and not subscription.expired(now=now):
                if drains and subscription.live.edge:
                    subscription.live.remove_sink(subscription)  # which says so to the edge
                else:
                    subscription.tick(now=now)
                continue
            if subscription is not None and subscription in subscription.live.sinks:
                subscription.closed = True  # nobody is there to whom an end could be sent
                subscription.live.remove_sink(subscription)
            if now - link.association.received_at > EXPIRES_S:
                self._forget(number, link)

    def _forget(self, number: int, link: _Link) -> None:
        del self._links[number]
        del self._by_room[link.room_id][number]
        if not self._by_room[link.room_id]:
            del self._by_room[link.room_id]
            self._formats.pop(link.room_id, None)


def _draw_version() -> int:
    return secrets.randbelow(_FIRST_VERSION_MAX) + 1
