"""One frame to many viewers: the loop that everything else is built around.

Per viewer and run: encrypt each packet, hand all of them to the kernel in one `sendmsg` with
UDP_SEGMENT. Header bytes are the same for all viewers of one payload type, so they are made once.
Work is cut into slices, so that the event loop stays responsive while a key frame goes to
thousands.
"""

import asyncio
import errno
import socket
import struct
from collections import deque
from collections.abc import Sequence
from time import monotonic

import pylibsrtp

from media.burst import TAG_BYTES, Item, Run
from media.io.srtp import Encrypt
from media.track import Frame

UDP_SEGMENT = 103
SLICE_VIEWERS = 60
SLICE_S = 0.004
# Runs that wait for slices. Beyond this the process cannot keep up and newest frames are dropped,
# so
# that the delay stays bounded; viewers then ask for a key frame.
WAITING_MAX = 4_000
CM_TAG_BYTES = 10
_HEADER = struct.Struct("!BBHII")
_NO_GSO = (errno.EINVAL, errno.EIO, errno.ENOPROTOOPT, errno.EOPNOTSUPP)


class Leg:
    """One track on its way to one viewer."""

    __slots__ = (
        "address", "base", "encrypt", "nonce", "payload_type", "replayed", "resent", "session",
    )  # fmt: skip

    def __init__(self, payload_type: int) -> None:
        self.payload_type = payload_type
        self.address: tuple[str, int] = ("", 0)
        self.encrypt: Encrypt | None = None  # AES-GCM by hand, or else
        self.session: pylibsrtp.Session | None = None  # libsrtp
        self.nonce = 0
        # The receiver's rollover counter starts at 0 with the first packet it sees.
        self.base = 0
        self.replayed: dict[int, int] = {}  # sequence number → timestamp it was sent with
        self.resent: dict[int, float] = {}  # sequence number → when it was sent again


class Fanout:
    """Sends frames to legs, in order, in slices."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._waiting: deque[tuple[Run, int, int, Sequence[Leg]]] = deque()
        self._scheduled = False
        self.gso = True
        self.packets = 0
        self.octets = 0
        self.blocked = 0
        self.dropped_frames = 0
        self.send_errors = 0

    def send_frame(self, frame: Frame, ssrc: int, legs: Sequence[Leg]) -> None:
        """Send `frame` to all `legs`, now as far as the slice goes, the rest soon.

        `legs` is kept until then: hand in a list that does not change.
        """
        if not legs:
            return
        if len(self._waiting) > WAITING_MAX:
            self.dropped_frames += 1
            return
        for run in frame.runs:
            if len(legs) <= SLICE_VIEWERS:
                self._waiting.append((run, frame.timestamp, ssrc, legs))
                continue
            for at in range(0, len(legs), SLICE_VIEWERS):
                part = legs[at : at + SLICE_VIEWERS]
                self._waiting.append((run, frame.timestamp, ssrc, part))
        if not self._scheduled:
            self._drain()

    def _drain(self) -> None:
        end = monotonic() + SLICE_S
        waiting = self._waiting
        while waiting:
            self.send_run(*waiting.popleft())
            if monotonic() > end:
                break
        self._scheduled = bool(waiting)
        if waiting:
            asyncio.get_running_loop().call_soon(self._drain)

    def send_run(self, run: Run, timestamp: int, ssrc: int, legs: Sequence[Leg]) -> None:
        """Send one run to `legs` at once."""
        if len(run.items) == 1 or not self.gso:
            self._send_singly(run, timestamp, ssrc, legs)
        else:
            self._send_segments(run, timestamp, ssrc, legs)
        self.packets += len(run.items) * len(legs)
        self.octets += sum(len(item.payload) for item in run.items) * len(legs)

    def _send_segments(self, run: Run, timestamp: int, ssrc: int, legs: Sequence[Leg]) -> None:
        """The whole run in one call per leg."""
        headers: dict[int, list[tuple[bytes, bytes, int]]] = {}
        gcm_segment = [(socket.SOL_UDP, UDP_SEGMENT, struct.pack("=H", run.segment))]
        cm_size = run.segment - TAG_BYTES + CM_TAG_BYTES
        cm_segment = [(socket.SOL_UDP, UDP_SEGMENT, struct.pack("=H", cm_size))]
        sendmsg = self._sock.sendmsg
        for at, leg in enumerate(legs):
            packets = headers.get(leg.payload_type)
            if packets is None:
                packets = headers[leg.payload_type] = _with_headers(
                    run, timestamp, ssrc, leg.payload_type
                )
            out: list[bytes] = []
            encrypt = leg.encrypt
            if encrypt is not None:
                nonce, base = leg.nonce, leg.base
                for header, payload, number in packets:
                    out.append(header)
                    out.append(
                        encrypt((nonce ^ number - base).to_bytes(12, "big"), payload, header)
                    )
                ancillary = gcm_segment
            elif leg.session is not None:
                protect = leg.session.protect
                out = [protect(header + payload) for header, payload, _ in packets]
                ancillary = cm_segment
            else:
                continue
            try:
                sendmsg(out, ancillary, 0, leg.address)
            except BlockingIOError:
                self.blocked += 1
            except OSError as error:
                if error.errno in _NO_GSO:
                    # The kernel or the route refuses it: never again, and the rest one by one.
                    self.gso = False
                    self._send_singly(run, timestamp, ssrc, legs[at:])
                    return
                self.send_errors += 1

    def _send_singly(self, run: Run, timestamp: int, ssrc: int, legs: Sequence[Leg]) -> None:
        """Each packet in a call of its own; for one packet that is the cheapest."""
        headers: dict[int, list[tuple[bytes, bytes, int]]] = {}
        sendto = self._sock.sendto
        for leg in legs:
            packets = headers.get(leg.payload_type)
            if packets is None:
                packets = headers[leg.payload_type] = _with_headers(
                    run, timestamp, ssrc, leg.payload_type
                )
            encrypt, nonce, base, session = leg.encrypt, leg.nonce, leg.base, leg.session
            try:
                for header, payload, number in packets:
                    if encrypt is not None:
                        once = (nonce ^ number - base).to_bytes(12, "big")
                        sendto(header + encrypt(once, payload, header), leg.address)
                    elif session is not None:
                        sendto(session.protect(header + payload), leg.address)
            except BlockingIOError:
                self.blocked += 1
            except OSError:
                self.send_errors += 1

    def resend(self, number: int, item: Item, timestamp: int, ssrc: int, leg: Leg) -> None:
        """Send one packet again, byte for byte."""
        self.send_run(Run(number, (item,), TAG_BYTES), timestamp, ssrc, (leg,))


def _with_headers(
    run: Run, timestamp: int, ssrc: int, payload_type: int
) -> list[tuple[bytes, bytes, int]]:
    """Return (header, payload, sequence number) of each packet."""
    return [
        (
            _HEADER.pack(item.first, item.marker | payload_type, number & 0xFFFF, timestamp, ssrc),
            item.payload,
            number,
        )
        for number, item in enumerate(run.items, run.sequence)
    ]
