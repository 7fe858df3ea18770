"""One WHIP or WHEP session: its ICE credentials, its DTLS handshake, its keys."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import pylibsrtp

from media.congestion.link import Link
from media.forwarding.downlink import Downlink
from media.forwarding.leg import Leg
from media.io.webrtc.dtls import Handshake, Identity
from media.io.webrtc.srtp import Gcm, inbound, outbound
from media.wire import stun
from media.wire.sdp import Offer

UFRAG_BYTES = 6
PASSWORD_BYTES = 16
SESSION_ID_BYTES = 24
ADDRESSES_MAX = 8

# One may be lucky, whatever the line is like, and one may be lost.
PINGS_AT_ONCE, PINGS_MAX = 3, 6
ROUND_TRIP_S = 0.1  # until it is measured
ROUND_TRIP_S_MAX = 5.0
ROUND_TRIP_GROWTH = 1.02  # with each report, so that a longer way is noticed
# Packets sent again, so that repairs cannot choke a line; the rate follows what is sent.
REPEATS_PER_S, REPEATS_BURST = 10.0, 60.0
# Everybody's picture suffers from key frames: one viewer whose decoder fails may not cost many.
KEY_FRAMES_PER_S, KEY_FRAMES_BURST = 0.3, 3.0
SHOWN_AGAIN_PER_S, SHOWN_AGAIN_BURST = 2.0, 5.0

Address = tuple[str, int]


class Role(StrEnum):
    """Which way media goes."""

    PUBLISH = "publish"
    PLAY = "play"


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """What a WHIP or WHEP response needs."""

    id: str
    answer: str
    etag: str
    held_s: float = 0.0  # what the host's line loses may hold up the live for so long


class Bucket:
    """How many of something one peer may have: so many at once, and so many a second."""

    def __init__(self, per_s: float, burst: float) -> None:
        self.per_s = per_s
        self._burst = self._tokens = burst
        self._at = 0.0

    def fill(self) -> None:
        """Something else begins: what it needs must not wait."""
        self._tokens = self._burst

    def take(self, *, now: float) -> bool:
        """Whether one more may go; going counts."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self.per_s)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Session:
    """State of one peer; the plane drives it."""

    def __init__(
        self,
        role: Role,
        room_id: str,
        offer: Offer,
        identity: Identity,
        send: Callable[[bytes, Address], None],
        *,
        now: float,
    ) -> None:
        self.id = secrets.token_urlsafe(SESSION_ID_BYTES)
        self.role = role
        self.room_id = room_id
        self.first_section = offer.sections[0]
        self.their_ufrag = offer.ufrag
        self.their_password = offer.password.encode()
        self.credentials: dict[str, bytes] = {}  # ours: ufrag → password, oldest first
        self.new_credentials()
        self.created = now
        self.last_heard = now
        self.last_media = 0.0
        self.arrivals_wanted_at = 0.0
        self.feedback_heard = 0  # datagrams of RTCP in this second
        self.address: Address | None = None
        self.addresses: list[Address] = []
        self.nominated = False  # the peer has named its pair
        self.up = False
        self.standby = False
        self.sources: set[bytes] = set()  # SSRCs that the peer sends as
        self.events_read = False  # somebody reads this player's events
        self.downlinks: dict[str, Downlink] = {}  # what a viewer gets, by kind
        self.link = Link(now=now)  # a viewer's
        self.inbound: pylibsrtp.Session | None = None
        self.outbound: pylibsrtp.Session | None = None
        self.gcm: Gcm | None = None
        self.spoken_at = 0.0  # when our newest flight of the handshake left
        self.pinged = 0
        self._pings: dict[bytes, float] = {}  # without an answer: ids, and when they left
        # The longest round trip of those before the first packet: one may have been lucky.
        self.handshake_rtt_s = 0.0
        self.rtt_s = ROUND_TRIP_S
        self.rtt_s_min = ROUND_TRIP_S  # of late; what jitter adds is no reason to wait for a repeat
        self.rtt_known = False
        self.lost: dict[str, float] = {}  # by kind: part of the packets, by the newest report
        self.nacks = 0
        self.resent = 0
        self.repeats = Bucket(REPEATS_PER_S, REPEATS_BURST)
        self.key_frames = Bucket(KEY_FRAMES_PER_S, KEY_FRAMES_BURST)  # asked of the host for it
        self.replays = Bucket(SHOWN_AGAIN_PER_S, SHOWN_AGAIN_BURST)
        self.send_to = send
        self.handshake = Handshake(
            identity,
            client=offer.they_are_server,
            fingerprints=offer.fingerprints,
            send=self.send,
        )

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
        self.credentials[secrets.token_hex(UFRAG_BYTES)] = secrets.token_hex(
            PASSWORD_BYTES
        ).encode()

    def send(self, datagram: bytes) -> None:
        """Send to the peer's chosen address, once there is one."""
        if self.address is not None:
            self.send_to(datagram, self.address)

    def on_report(self, kind: str, lost: float, rtt_s: float | None) -> None:
        """The peer says how our stream arrives."""
        self.lost[kind] = lost
        if rtt_s is not None:
            rtt_s = min(rtt_s, ROUND_TRIP_S_MAX)
            self.rtt_s = (self.rtt_s * 7 + rtt_s) / 8 if self.rtt_known else rtt_s
            self.rtt_s_min = min(rtt_s, self.rtt_s_min * ROUND_TRIP_GROWTH)
            self.rtt_known = True

    def ping(self, address: Address, *, now: float) -> None:
        """Ask a viewer that is not connected yet how long the way is."""
        if self.up or self.role is not Role.PLAY or self.pinged >= PINGS_MAX:
            return
        name = f"{self.their_ufrag}:{self.ufrag}"
        for _ in range(PINGS_AT_ONCE):
            self.pinged += 1
            transaction_id = secrets.token_bytes(stun.TRANSACTION_ID_BYTES)
            self._pings[transaction_id] = now
            request = stun.binding_request(transaction_id, name, self.their_password)
            self.send_to(request, address)

    def ponged(self, answer: stun.Binding, *, now: float) -> bool:
        """Take the answer to a ping; False: it is none."""
        if not answer.authentic(self.their_password):
            return False
        sent_at = self._pings.pop(answer.transaction_id, None)
        if sent_at is None:
            return False
        self._hear_first_round_trip(now - sent_at)
        return True

    def shook_hands(self, *, now: float) -> None:
        """The last flight of the handshake tells a round trip, which losses make longer."""
        self._hear_first_round_trip(now - self.spoken_at)
        # What is not back yet takes longer than that.
        self.handshake_rtt_s = max(
            [self.handshake_rtt_s, *(now - at for at in self._pings.values())]
        )

    def _hear_first_round_trip(self, rtt_s: float) -> None:
        self.rtt_s_min = min(self.rtt_s_min, rtt_s)
        if not self.up:
            self.handshake_rtt_s = max(self.handshake_rtt_s, rtt_s)

    def take_keys(self) -> None:
        """Media may flow: make the ciphers of both directions."""
        keys = self.handshake.keys
        assert keys is not None
        self.inbound, self.outbound = inbound(keys), outbound(keys)
        self.gcm = Gcm(keys) if keys.is_gcm else None
        self.up = True

    def move_to(self, address: Address) -> None:
        """The peer is to be reached at another address."""
        self.address = address
        for downlink in self.downlinks.values():
            downlink.leg.address = address
            if downlink.repair is not None:
                downlink.repair.address = address

    def connect_leg(self, leg: Leg, ssrc: int) -> None:
        """Point a leg at the peer, with its keys."""
        assert self.address is not None
        leg.address = self.address
        if self.gcm is not None:
            leg.encrypt_into, leg.nonce = self.gcm.encrypt_into, self.gcm.nonce_base(ssrc)
        else:
            leg.protect = self.outbound.protect if self.outbound else None
