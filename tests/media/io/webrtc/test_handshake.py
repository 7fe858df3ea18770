"""The handshake follows the peer's pair, and a lost flight is resent at once."""

import secrets
import socket
from collections.abc import AsyncIterator

import pytest
from aioice import stun
from OpenSSL import SSL

from loadtest.clients.dtls import ClientContext, DtlsClient
from loadtest.clients.ice import Remote, offer, parse_answer
from media.forwarding.forwarder import HIGH_RTT_S
from media.io.webrtc.dtls import DtlsIdentity, Handshake
from media.io.webrtc.plane import MediaPlane, PlaneConfig
from media.io.webrtc.session import PINGS_MAX, Direction, IceCredentials, Session
from media.wire.sdp import parse_offer
from media.wire.stun import (
    TRANSACTION_ID_BYTES,
    is_bad_request_answer,
    parse,
    reachability_request,
)
from tests.support.address_families import is_at
from tests.support.sdp_offers import OFFER
from tests.support.waiting import wait_until

ROOM = "demo"
HANDSHAKE = 22


@pytest.fixture
async def plane() -> AsyncIterator[MediaPlane]:
    plane = await MediaPlane.open(PlaneConfig(addresses=("127.0.0.1",)))
    yield plane
    await plane.close()


class Pair:
    """One of the peer's addresses."""

    def __init__(self, remote: Remote, ufrag: str) -> None:
        self._remote, self._ufrag = remote, ufrag
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        self.sock.connect(remote.addresses[0])
        self.received: list[bytes] = []

    def check(self, *, nominate: bool = False) -> None:
        attributes = {
            "USERNAME": f"{self._remote.ufrag}:{self._ufrag}",
            "PRIORITY": 1,
            "ICE-CONTROLLING": 1,
        } | ({"USE-CANDIDATE": None} if nominate else {})
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, attributes=attributes)
        request.add_message_integrity(self._remote.password.encode())
        self.sock.send(bytes(request))

    def handshakes(self) -> int:
        """How many handshake datagrams came here so far."""
        try:
            while True:
                self.received.append(self.sock.recv(2_000))
        except BlockingIOError:
            return sum(datagram[0] == HANDSHAKE for datagram in self.received)

    def refused(self, transaction_id: bytes) -> bool:
        """Whether a request without credentials was answered here."""
        self.handshakes()
        return any(is_bad_request_answer(datagram, transaction_id) for datagram in self.received)

    def answers(self) -> int:
        """How many checks were answered here so far."""
        self.handshakes()
        return sum(datagram[:2] == b"\x01\x01" for datagram in self.received)


async def test_the_handshake_is_answered_on_the_pair_it_arrives_on(
    plane: MediaPlane,
) -> None:
    await plane.publish(ROOM, OFFER, takeover=True)
    plane._lives.by_room[ROOM].on_air = True
    context = ClientContext.create()
    ufrag, password = secrets.token_hex(4), secrets.token_hex(16)
    info = await plane.play(ROOM, offer(ufrag, password, context.fingerprint))
    remote = parse_answer(info.answer)
    first, second = Pair(remote, ufrag), Pair(remote, ufrag)
    first.check()
    await wait_until(lambda: first.answers() == 1, what="the first check's answer")
    second.check()
    await wait_until(lambda: second.answers() == 1, what="the second check's answer")
    client = DtlsClient(context, remote.fingerprint)
    client.start()
    hello = client.datagrams()
    for datagram in hello:
        second.sock.send(datagram)
    await wait_until(lambda: second.handshakes() > 0, what="the server's hello")
    assert first.handshakes() == 0
    flight = second.handshakes()
    # As if it were lost: browsers resend after 50 ms, and must not wait for OpenSSL's second. What
    # comes after is answered after.
    for datagram in hello:
        second.sock.send(datagram)
    last = secrets.token_bytes(TRANSACTION_ID_BYTES)
    second.sock.send(reachability_request(last))
    await wait_until(lambda: second.refused(last), what="the answer to what came after")
    assert second.handshakes() >= 2 * flight
    for datagram in [one for one in second.received if one[0] == HANDSHAKE]:
        client.receive(datagram)
    finished = client.datagrams()
    for datagram in finished:
        second.sock.send(datagram)
    session = plane.session(info.id, ROOM, Direction.PLAY)
    await wait_until(lambda: session.up, what="the keys")
    # As if the end of the handshake were lost: what was sent since could not be read.
    joined = plane.viewer(info.id, ROOM).downlinks["video"]
    begun = joined.joining
    session.rtt.handshake_s = HIGH_RTT_S
    for datagram in finished:
        second.sock.send(datagram)
    await wait_until(lambda: joined.joining is not begun, what="another key frame")
    # Once a pair is nominated, only another nomination moves it.
    second.check(nominate=True)
    await wait_until(lambda: session.nominated, what="the nomination")
    first.sock.send(hello[0])
    first.check()
    await wait_until(lambda: first.answers() == 2, what="the first pair's answer")
    assert is_at(session.address, second.sock)
    for pair in (first, second):
        pair.sock.close()


def test_application_data_over_dtls_is_dropped() -> None:
    to_server: list[bytes] = []
    to_client: list[bytes] = []
    ours, theirs = DtlsIdentity(), DtlsIdentity()
    server = Handshake(
        ours, client=False, fingerprints=[("sha-256", theirs.fingerprint)], send=to_client.append
    )
    client = Handshake(
        theirs, client=True, fingerprints=[("sha-256", ours.fingerprint)], send=to_server.append
    )
    client.start()
    while to_server or to_client:
        for datagram in [to_server.pop(0) for _ in list(to_server)]:
            server.receive(datagram)
        for datagram in [to_client.pop(0) for _ in list(to_client)]:
            client.receive(datagram)
    assert server.keys
    for _ in range(100):
        client._connection.send(b"x")
    client._flush()
    for records in to_server:
        assert not server.receive(records)
    with pytest.raises(SSL.WantReadError):
        server._connection.recv(2_048)
    client.close()
    assert not server.receive(to_server[-1])
    assert server.closed


def answered(session: Session, request: bytes, *, now: float, password: str = "") -> bool:
    """Whether the answer to a ping is taken."""
    asked = stun.parse_message(request)
    answer = stun.Message(
        stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=asked.transaction_id
    )
    answer.add_message_integrity((password or session.their_password.decode()).encode())
    return session.on_pong(parse(bytes(answer)), now=now)


def pinging(sent: list[bytes]) -> Session:
    """A viewer's session; what it sends goes into `sent`."""
    return Session(
        Direction.PLAY,
        ROOM,
        parse_offer(OFFER.replace("sendonly", "recvonly"), "play"),
        IceCredentials.draw(),
        DtlsIdentity(),
        lambda datagram, _: sent.append(datagram),
        now=0,
    )


def test_the_handshake_rtt_is_the_longest_of_several() -> None:
    sent: list[bytes] = []
    session = pinging(sent)
    for _ in range(PINGS_MAX):
        session.ping(("127.0.0.1", 1), now=1.0)
    assert len(sent) == PINGS_MAX
    assert not answered(session, sent[0], now=1.1, password="somebody else's")
    assert answered(session, sent[0], now=1.002)
    assert not answered(session, sent[0], now=1.002), "each is answered once"
    assert answered(session, sent[1], now=1.06)
    session.flight_sent_at = 1.0
    for request in sent[2:]:
        assert answered(session, request, now=1.01)
    session.measure_handshake(now=1.005)
    assert session.rtt.handshake_s == pytest.approx(0.06)
    assert session.rtt.min_s == pytest.approx(0.002)


def test_a_ping_unanswered_at_the_end_of_the_handshake_counts_as_rtt() -> None:
    session = pinging([])
    session.ping(("127.0.0.1", 1), now=1.0)
    session.flight_sent_at = 1.04
    session.measure_handshake(now=1.045)
    assert session.rtt.handshake_s == pytest.approx(0.045)
