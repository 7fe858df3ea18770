"""Peers of the media plane whose every datagram is the test's own: ICE and DTLS by the book."""

import asyncio
import contextlib
import re
import secrets
import socket

import pylibsrtp

from loadtest.clients.dtls import ClientContext, DtlsClient
from loadtest.clients.ice import Remote, answers, binding_request, parse_answer
from media.wire.demux import Kind, kind_of

ANSWER_S = 60.0
NACK_INTERVAL_S = 0.1
DATAGRAM_BYTES_MAX = 2_048
CONTEXT = ClientContext.create()


class Peer:
    """A host or a viewer; `datagram`s go out as they are."""

    def __init__(self, answer: str) -> None:
        self.remote: Remote = parse_answer(answer)
        self.newest = 0  # sequence number that came
        self.ssrcs = [int(ssrc) for ssrc in re.findall(r"^a=ssrc:(\d+)", answer, re.MULTILINE)]
        self.dtls = DtlsClient(CONTEXT, self.remote.fingerprint)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.connect(self.remote.addresses[0])

    def close(self) -> None:
        """Close the socket without close_notify."""
        self._socket.close()

    def send(self, datagram: bytes) -> None:
        """Send `datagram`."""
        self._socket.send(datagram)

    def send_media(self, packet: bytes) -> None:
        """Send an RTP packet under our key; nothing, if even libsrtp sees that it is none."""
        assert self.dtls.outgoing
        with contextlib.suppress(pylibsrtp.Error):
            self.send(self.dtls.outgoing.protect(packet))

    def send_control(self, packet: bytes) -> None:
        """Send an RTCP packet under our key; likewise."""
        assert self.dtls.outgoing
        with contextlib.suppress(pylibsrtp.Error):
            self.send(self.dtls.outgoing.protect_rtcp(packet))

    async def ask(self) -> None:
        """Have a check answered: then all that was sent before it has been taken.

        Raises:
            TimeoutError: No answer comes.
        """
        async with asyncio.timeout(ANSWER_S):
            while True:
                request = binding_request(self.remote, "peer", secrets.randbits(64))
                self.send(bytes(request))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(NACK_INTERVAL_S):
                        while not answers(
                            request.transaction_id, await self.receive(), self.remote
                        ):
                            pass
                        return

    async def shake_hands(self) -> None:
        """Get the keys."""
        await self.ask()
        self.dtls.start()
        async with asyncio.timeout(ANSWER_S):
            while not self.dtls.done:
                for datagram in self.dtls.datagrams():
                    self.send(datagram)
                datagram = await self.receive()
                if 20 <= datagram[0] <= 63:
                    self.dtls.receive(datagram)
        for datagram in self.dtls.datagrams():
            self.send(datagram)
        await self.ask()

    async def receive(self) -> bytes:
        """The next datagram of the plane."""
        datagram = await asyncio.get_running_loop().sock_recv(self._socket, DATAGRAM_BYTES_MAX)
        if kind_of(datagram) is Kind.RTP:
            self.newest = int.from_bytes(datagram[2:4], "big")
        return datagram
