"""The edges of this worker's lives: who has subscribed to what, until it leaves or falls silent."""

import secrets
import time
from collections import Counter
from time import monotonic
from typing import Protocol

from media.cascade.subscription import EXPIRES_S, LiveFormats, Subscription
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


class _Link:
    """One edge of one live."""

    def __init__(self, association: Association, hello: hop.Hello, salt: bytes, welcome: bytes):
        self.association = association
        self.edge = hello.worker
        self.room_id = hello.room_id
        self.salt = salt  # the edge's
        self.welcome = welcome
        self.subscription: Subscription | None = None


class Origins:
    """Give it what arrives at the socket, and call `tick` every few milliseconds."""

    def __init__(
        self, lives: Lives, secrets_in_use: Secrets, sender: RunSender, counted: Counter[str]
    ) -> None:
        self._lives = lives
        self._secrets = secrets_in_use
        self._sender = sender
        self._counted = counted
        self._links: dict[int, _Link] = {}  # by association
        self._formats: dict[str, tuple[Live, LiveFormats]] = {}  # by room

    @property
    def edges(self) -> int:
        """How many subscriptions there are."""
        return sum(
            link.subscription is not None and not link.subscription.closed
            for link in self._links.values()
        )

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return not self._links

    def has(self, association: int) -> bool:
        """Whether an association is one of ours."""
        return association in self._links

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
        return link

    def on_message(self, header: hop.ControlHeader, datagram: bytes, address: Address) -> None:
        """An edge of ours sends something; raises `MalformedHop`."""
        link, now = self._links[header.association], monotonic()
        message = link.association.open_message(header, datagram, address)
        if link.subscription is None:
            link.subscription = self._subscribe(link, now)
        if link.subscription is not None and not link.subscription.closed:
            link.subscription.receive(message, now=now)
        elif not isinstance(message, hop.Bye):
            link.association.send_message(hop.Gone())

    def _subscribe(self, link: _Link, now: float) -> Subscription | None:
        live = self._lives.by_room.get(link.room_id)
        if live is None or live.edge or not (live.on_air or live.lost_at is not None):
            return None
        known, formats = self._formats.get(link.room_id, (None, None))
        if known is not live or formats is None:
            formats = LiveFormats(live, secrets.randbelow(_FIRST_VERSION_MAX) + 1)
            self._formats[link.room_id] = live, formats
        subscription = Subscription(live, formats, link.association, self._counted, now=now)
        live.add_sink(subscription)
        return subscription

    def tick(self, *, now: float) -> None:
        """Go on with what waits, and let edges go that are silent."""
        for _, formats in self._formats.values():
            formats.refresh()
        for number, link in list(self._links.items()):
            subscription = link.subscription
            if subscription is not None and not subscription.expired(now=now):
                subscription.tick(now=now)
                continue
            if subscription is not None and subscription in subscription.live.sinks:
                subscription.closed = True  # nobody is there to whom an end could be sent
                subscription.live.remove_sink(subscription)
            if now - link.association.received_at > EXPIRES_S:
                del self._links[number]
        if len(self._formats) > len({link.room_id for link in self._links.values()}):
            watched = {link.room_id for link in self._links.values()}
            self._formats = {room: each for room, each in self._formats.items() if room in watched}
