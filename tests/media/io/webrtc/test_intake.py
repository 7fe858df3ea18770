"""What waits on the socket is read together, each packet with the time at which it arrived."""

import socket
from collections import Counter
from random import Random
from time import monotonic

from media.congestion.load import Load
from media.forwarding.lives import Lives
from media.io.webrtc.intake import READS_MAX, Intake
from media.io.webrtc.sessions import Sessions
from media.io.webrtc.udp import open_socket
from media.wire.address import Address
from tests.support.media_forwarding import Recorder

CLOCKS_DIFFER_S = 0.001
LATER_S = 0.005


class Noting(Intake):
    """Only notes what it takes, and when that arrived."""

    def __init__(self, sock: socket.socket) -> None:
        load = Load(now=0, busy_s=0)
        lives = Lives(Recorder(), load, lambda event: None, Counter(), Random(1))
        super().__init__(sock, Sessions(), lives, load)
        self.taken: list[tuple[bytes, float]] = []

    def _take(self, datagram: bytes, address: Address, now: float) -> None:
        self.taken.append((datagram, now))


def test_a_packet_has_the_time_of_its_arrival_however_late_it_is_read() -> None:
    with open_socket(0) as sock, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        intake, before = Noting(sock), monotonic()
        peer.sendto(b"one", ("127.0.0.1", sock.getsockname()[1]))
        sent = monotonic()
        while monotonic() < sent + LATER_S:
            pass
        assert not intake.readable()
        [(datagram, arrived)] = intake.taken
    assert datagram == b"one"
    assert before - CLOCKS_DIFFER_S <= arrived <= sent + CLOCKS_DIFFER_S


def test_what_is_more_than_one_call_takes_waits_for_the_next() -> None:
    with open_socket(0) as sock, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        intake = Noting(sock)
        for number in range(READS_MAX + 1):
            peer.sendto(b"%d" % number, ("127.0.0.1", sock.getsockname()[1]))
        assert intake.readable()
        assert not intake.readable()
        assert [datagram for datagram, _ in intake.taken] == [
            b"%d" % number for number in range(READS_MAX + 1)
        ]
        arrivals = [arrived for _, arrived in intake.taken]
    assert arrivals == sorted(arrivals)
