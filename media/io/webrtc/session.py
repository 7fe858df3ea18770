"""One WHIP or WHEP session as a transport: its ICE credentials, its DTLS handshake, its keys.

What its peer is to a live, a `Host` or a `Viewer`, is found by the session's id.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import pylibsrtp

from media.forwarding.leg import Leg
from media.forwarding.rtt import Rtt
from media.io.webrtc.dtls import DtlsIdentity, Handshake
from media.io.webrtc.srtp import Gcm, Inbound, outbound
from media.wire import stun
from media.wire.address import Address
from media.wire.sdp import Offer

UFRAG_BYTES = 6
PASSWORD_BYTES = 16
SESSION_ID_BYTES = 24
ADDRESSES_MAX = 8

# A single round trip may be short by luck, and a single check may be lost.
PINGS_AT_ONCE, PINGS_MAX = 3, 6


class Direction(StrEnum):
    """Which way media goes."""

    PUBLISH = "publish"
    PLAY = "play"


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """What a WHIP or WHEP response needs."""

    id: str
    answer: str
    etag: str
    held_s: float = 0.0  # what the host's link loses may hold up the live for so long


class IceCredentials(NamedTuple):
    """Of an ICE session: our user name, which is also its ETag, and our password."""

    ufrag: str
    password: str

    @classmethod
    def draw(cls) -> "IceCredentials":
        """Return new ones."""
        return cls(secrets.token_hex(UFRAG_BYTES), secrets.token_hex(PASSWORD_BYTES))


class Session:
    """State of one peer's transport; `Intake` and the plane drive it."""

    def __init__(
        self,
        direction: Direction,
        room_id: str,
        offer: Offer,
        credentials: IceCredentials,
        identity: DtlsIdentity,
        send: Callable[[bytes, Address], None],
        *,
        now: float,
    ) -> None:
        self.id = secrets.token_urlsafe(SESSION_ID_BYTES)
        self.direction = direction
        self.room_id = room_id
        self.first_section = offer.sections[0]
        self.their_ufrag = offer.ufrag
        self.their_password = offer.password.encode()
        # Ours: ufrag → password, oldest first.
        self.credentials = {credentials.ufrag: credentials.password.encode()}
        self.created = now
        self.received_at = now
        self.feedback_due_at = 0.0  # transport-wide feedback before that is not read
        self.rtcp_received = 0  # datagrams in this second
        self.address: Address | None = None
        self.addresses: list[Address] = []
        self.nominated = False  # the peer has named its pair
        self.up = False
        self.closed = False
        self.on_closed: Callable[[Session], None] = lambda session: None
        self.sources: set[bytes] = set()  # SSRCs that the peer sends as
        self.rtt = Rtt()
        self.flight_sent_at = 0.0  # when our newest flight of the handshake left
        self.pings_sent = 0
        self._pings: dict[bytes, float] = {}  # without an answer: ids, and when they left
        self.inbound: Inbound | None = None  # unprotects what the peer sends
        self._outbound: pylibsrtp.Session | None = None
        self._gcm: Gcm | None = None
        self.send_to = send
        self.handshake = Handshake(
            identity,
            client=offer.they_are_server,
            fingerprints=offer.fingerprints,
            send=self.send,
        )

    # ICE

    @property
    def ufrag(self) -> str:
        """Our newest ICE user name, which is also the ETag of the ICE session."""
        return next(reversed(self.credentials))

    @property
    def password(self) -> str:
        """What belongs to `ufrag`."""
        return self.credentials[self.ufrag].decode()

    def new_credentials(self) -> None:
        """Begin an ICE session; the one before goes on until the peer uses the new one."""
        ufrag, password = IceCredentials.draw()
        self.credentials[ufrag] = password.encode()

    def ping(self, address: Address, *, now: float) -> None:
        """Measure the round trip to a viewer that is not connected yet."""
        if self.up or self.direction is not Direction.PLAY or self.pings_sent >= PINGS_MAX:
            return
        name = f"{self.their_ufrag}:{self.ufrag}"
        for _ in range(PINGS_AT_ONCE):
            self.pings_sent += 1
            transaction_id = secrets.token_bytes(stun.TRANSACTION_ID_BYTES)
            self._pings[transaction_id] = now
            request = stun.binding_request(transaction_id, name, self.their_password)
            self.send_to(request, address)

    def on_pong(self, answer: stun.Binding, *, now: float) -> bool:
        """Take the answer to a ping; False: it is none."""
        if not answer.authentic(self.their_password):
            return False
        sent_at = self._pings.pop(answer.transaction_id, None)
        if sent_at is None:
            return False
        self._on_round_trip(now - sent_at)
        return True

    def _on_round_trip(self, rtt_s: float) -> None:
        self.rtt.on_answer(rtt_s)
        if not self.up:
            self.rtt.on_handshake(rtt_s)

    # DTLS and SRTP

    def measure_handshake(self, *, now: float) -> None:
        """The last flight of the handshake arrived: a round trip, which losses make longer."""
        self._on_round_trip(now - self.flight_sent_at)
        for sent_at in self._pings.values():  # what is not answered yet takes longer than that
            self.rtt.on_handshake(now - sent_at)

    def take_keys(self) -> None:
        """The handshake is over: make the ciphers of both directions."""
        keys = self.handshake.keys
        assert keys is not None
        self.inbound, self._outbound = Inbound(keys), outbound(keys)
        self._gcm = Gcm(keys) if keys.is_gcm else None
        self.up = True

    @property
    def uses_gcm(self) -> bool:
        """Whether what it is sent is encrypted with AES-GCM."""
        return self._gcm is not None

    def connect_leg(self, leg: Leg, ssrc: int) -> None:
        """Point a leg at the peer, with its keys."""
        assert self.address is not None
        leg.address = self.address
        if self._gcm is not None:
            leg.encrypt_into, leg.nonce = self._gcm.encrypt_into, self._gcm.nonce_base(ssrc)
        else:
            leg.protect = self._outbound.protect if self._outbound else None

    # Datagrams

    def send(self, datagram: bytes) -> None:
        """Send to the peer's chosen address, once there is one."""
        if self.address is not None:
            self.send_to(datagram, self.address)

    def send_rtcp(self, packet: bytes) -> None:
        """Protect and send a compound packet, once there are keys."""
        if self._outbound is not None:
            self.send(self._outbound.protect_rtcp(packet))

    def close(self) -> None:
        """End the DTLS connection (close_notify) and leave the plane; idempotent."""
        if self.closed:
            return
        self.closed = True
        self.handshake.close()
        self.on_closed(self)
