"""Writes packets of the hop into one buffer, and hands a run to the kernel in one call.

A run's packets have one length (UDP_SEGMENT), see media/stream/frames.py.
"""

import errno
import socket
import struct
from collections import Counter

from media.forwarding.leg import EncryptInto
from media.stream.frames import TAG_BYTES, Run
from media.wire import hop
from media.wire.address import Address

UDP_SEGMENT = 103
_BUFFER_BYTES = 1 << 16
_SIZE = struct.Struct("=H")
_NO_GSO = (errno.EINVAL, errno.EIO, errno.ENOPROTOOPT, errno.EOPNOTSUPP)


class RunSender:
    """Sends on the socket of the hop; what does not leave is lost, and requested again."""

    def __init__(self, sock: socket.socket, counted: Counter[str]) -> None:
        self.gso = True
        self._sock = sock
        self._counted = counted
        self._buffer = memoryview(bytearray(_BUFFER_BYTES))

    def send(self, datagram: bytes | memoryview, address: Address) -> None:
        """Send one datagram."""
        try:
            self._sock.sendto(datagram, address)
        except OSError:  # the buffer is full, or there is no route
            self._counted["hop_unsent"] += 1

    def send_run(
        self, association: int, counter: int, layer: int, run: Run, encrypt_into: EncryptInto,
        address: Address,
    ) -> None:  # fmt: skip
        """Send packets of a layer, of which `counter` is the first one's."""
        buffer, start, ends = self._buffer, 0, []
        for at, item in enumerate(run.items):
            body = start + hop.MEDIA_HEADER_BYTES
            end = body + len(item.payload) + TAG_BYTES
            header = buffer[start:body]
            flags = layer | item.marker | (hop.PADDED if item.first & 0x20 else 0)
            hop.write_media_header(
                header, association, counter + at, flags, run.sequence + at, item.timestamp
            )
            nonce = (counter + at).to_bytes(12, "big")
            encrypt_into(nonce, item.payload, header, buffer[body:end])
            ends.append(end)
            start = end
        if len(ends) > 1 and self.gso and self._sent_at_once(buffer[:start], ends[0], address):
            return
        start = 0
        for end in ends:
            self.send(buffer[start:end], address)
            start = end

    def _sent_at_once(self, run: memoryview, size: int, address: Address) -> bool:
        segment = [(socket.SOL_UDP, UDP_SEGMENT, _SIZE.pack(size))]
        try:
            self._sock.sendmsg([run], segment, 0, address)
        except OSError as error:
            if error.errno not in _NO_GSO:
                self._counted["hop_unsent"] += 1
                return True
            self.gso = False  # the route refuses it
            return False
        return True
