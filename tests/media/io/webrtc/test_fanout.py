"""Runs go to all viewers, whatever fails for one viewer's cipher or one route."""

import asyncio
import errno
import socket
from collections.abc import Iterator

import pylibsrtp
import pytest
from aiortc.rtcdtlstransport import SRTP_AEAD_AES_128_GCM, SRTP_AES128_CM_SHA1_80

from media.forwarding.downlink import Downlink
from media.forwarding.leg import Leg
from media.forwarding.track import Track
from media.io.webrtc.dtls import Keys
from media.io.webrtc.fanout import SLICE_VIEWERS, Fanout
from media.io.webrtc.srtp import Gcm, Inbound, outbound
from media.stream.frames import Frame, SourcePacket, cut
from media.stream.layer import Layer
from media.wire import rtp
from media.wire.codec import Codec
from media.wire.rtp import PAYLOAD_BYTES_MAX, Packet
from tests.support.waiting import wait_until

GCM = Keys(SRTP_AEAD_AES_128_GCM, ours=bytes(range(28)), theirs=bytes(range(28)))
CM = Keys(SRTP_AES128_CM_SHA1_80, ours=bytes(range(30)), theirs=bytes(range(30)))
SSRC = 77


class Receiver:
    """A viewer's socket, its leg, and what it could decrypt.

    It takes from `server` alone: its port may have been another test's, whose peer still sends.
    """

    def __init__(self, keys: Keys, server: socket.socket) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.sock.connect(server.getsockname())
        self.sock.setblocking(False)
        self._inbound = Inbound(keys)
        self.leg = Leg(96, 3)
        self.leg.address = self.sock.getsockname()
        if keys.is_gcm:
            gcm = Gcm(keys)
            self.leg.encrypt_into, self.leg.nonce = gcm.encrypt_into, gcm.nonce_base(SSRC)
        else:
            self.leg.protect = outbound(keys).protect
        self.payloads: list[bytes] = []

    def got(self) -> list[bytes]:
        """All payloads so far."""
        try:
            while True:
                clear = self._inbound.unprotect(self.sock.recv(2_048))
                self.payloads.append(rtp.parse(clear).payload)
        except BlockingIOError:
            return self.payloads


class Refusing:
    """In place of a libsrtp session: one that protects nothing any more."""

    def protect(self, packet: bytes) -> bytes:
        raise pylibsrtp.Error("index too old")


@pytest.fixture
def receivers(fanout: Fanout) -> Iterator[list[Receiver]]:
    made = [Receiver(keys, fanout._sock) for keys in (GCM, CM, GCM)]
    yield made
    for each in made:
        each.sock.close()


@pytest.fixture
def fanout() -> Iterator[Fanout]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        yield Fanout(sock)


def frame(first: int, sizes: list[int]) -> tuple[Frame, list[bytes]]:
    payloads = [bytes([65 + at]) * size for at, size in enumerate(sizes)]
    parts = [
        SourcePacket(first + at, 9_000, at == len(payloads) - 1, payload)
        for at, payload in enumerate(payloads)
    ]
    return Frame(9_000, False, tuple(cut(parts, 5)), len(parts)), payloads


async def all_get(receivers: list[Receiver], payloads: list[bytes]) -> None:
    await wait_until(lambda: all(each.got() == payloads for each in receivers), what="all packets")


@pytest.mark.parametrize("size", [100, 1_200, 1_388, PAYLOAD_BYTES_MAX])
async def test_every_viewer_gets_the_longest_packets_with_either_cipher(
    fanout: Fanout, receivers: list[Receiver], size: int
) -> None:
    sent, payloads = frame(10, [size, size, size - 50])
    fanout.send_frame(sent, SSRC, [each.leg for each in receivers])
    await all_get(receivers, payloads)
    assert fanout.send_errors == 0


async def test_a_failing_cipher_affects_no_other_viewer(
    fanout: Fanout, receivers: list[Receiver]
) -> None:
    broken = Leg(96, 3)
    broken.address, broken.protect = ("127.0.0.1", 9), Refusing().protect
    first, *others = (each.leg for each in receivers)
    legs = [broken, first, *[broken] * (2 * SLICE_VIEWERS), *others]
    sent, payloads = frame(10, [1_000, 1_000, 900])
    fanout.send_frame(sent, SSRC, legs)
    await all_get(receivers, payloads)
    assert fanout.send_errors == 2 * SLICE_VIEWERS + 1
    # The socket does not go on cutting what is sent next, alone.
    fanout._sock.sendto(bytes(3_000), ("127.0.0.1", 9))


async def test_an_exception_in_one_slice_does_not_stop_the_next(
    fanout: Fanout, receivers: list[Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it is: the next runs are sent all the same."""
    real, calls = fanout.send_run, 0

    def breaks_once(*arguments: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise MemoryError
        real(*arguments)  # type: ignore[arg-type]  # the same

    monkeypatch.setattr(fanout, "send_run", breaks_once)
    leg = receivers[0].leg
    sent, payloads = frame(10, [500])
    with pytest.raises(MemoryError):
        fanout.send_frame(sent, SSRC, [leg] * (SLICE_VIEWERS + 1))
    await wait_until(lambda: receivers[0].got() == payloads, what="the second slice")
    await asyncio.sleep(0)
    following, payloads_following = frame(11, [400])
    fanout.send_frame(following, SSRC, [leg])
    await wait_until(lambda: receivers[0].got() == payloads + payloads_following, what="the next")


@pytest.mark.parametrize(("size", "gso"), [(1_400, True), (1_100, False)])
async def test_long_packets_of_one_host_do_not_disable_segmentation(
    fanout: Fanout, receivers: list[Receiver], size: int, gso: bool
) -> None:
    """A route with a small MTU refuses to cut into longer datagrams than it takes."""
    real = fanout._sock

    class Route:
        def __getattr__(self, name: str) -> object:
            return getattr(real, name)

        def sendto(self, datagram: bytes, address: object) -> int:
            if len(datagram) > 1_500:
                raise OSError(errno.EINVAL, "Invalid argument")
            return real.sendto(datagram, address)  # type: ignore[call-overload,no-any-return]

    fanout._sock = Route()  # type: ignore[assignment]  # the same but for one call
    sent, payloads = frame(10, [size, size, size])
    fanout.send_frame(sent, SSRC, [receivers[0].leg, receivers[2].leg])
    await all_get([receivers[0], receivers[2]], payloads)
    assert fanout.gso is gso


@pytest.mark.parametrize("number", [0xFFFF - 4_095, 0xFFF0, 0xFFFF, 0x10000])
async def test_a_viewer_that_lost_everything_up_to_a_rollover_decrypts_what_follows(
    fanout: Fanout, receivers: list[Receiver], number: int
) -> None:
    receiver = receivers[0]
    layer = Layer("audio", Codec("opus", 111, 48_000), number)
    downlink = Downlink(Track("audio", layer.codec, SSRC, [layer]), receiver.leg, None)
    leg = downlink.join(layer)
    missed = 0x10000 - number + 3
    for at in range(missed + 5):
        layer.receive(Packet(111, False, at, at * 960, 1, b"audio %d" % at), now=at / 50)
        for each in layer.poll(now=at / 50):
            fanout.send_frame(each, SSRC, [leg])
        if at < missed:
            assert receiver.sock.recv(2_048)
    expected = [b"audio %d" % at for at in range(missed, missed + 5)]
    await wait_until(lambda: receiver.got() == expected, what="the audio")
