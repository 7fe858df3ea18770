"""One frame to many viewers: the loop that everything else is built around.

Per viewer and run: encrypt each packet into its place in one buffer, and hand the buffer to the
kernel in one call, which cuts it into datagrams (UDP_SEGMENT). Header bytes are the same for all
viewers of one payload type that never changed layers, so they are written once. Work is cut into
slices, so that the event loop stays responsive while a key frame goes to thousands.
"""

import asyncio
import errno
import socket
import struct
from collections import deque
from collections.abc import Sequence
from time import monotonic
from typing import NamedTuple

import pylibsrtp

from media.forwarding.leg import Leg
from media.stream.frames import HEADER_BYTES, STAMPED_HEADER_BYTES, TAG_BYTES, Frame, Item, Run

UDP_SEGMENT = 103
SLICE_VIEWERS = 60
SLICE_S = 0.004
# Runs that wait for slices. Beyond this the worker cannot keep up and newest frames are dropped,
# so that the delay stays bounded; viewers then request a key frame.
WAITING_MAX = 4_000
CM_TAG_BYTES = 10
# Every route takes datagrams of so many bytes (IPv6's least MTU), and cuts runs into them if any.
SEGMENT_SURE_BYTES = 1_232
_BUFFER_BYTES = 1 << 16  # the most that one call takes
_HEADER = struct.Struct("!BBHII")
_STAMPED_HEADER = struct.Struct("!BBHIIHHI")
_ONE_BYTE_PROFILE = 0xBEDE  # RFC 8285 section 4.2
_NO_GSO = (errno.EINVAL, errno.EIO, errno.ENOPROTOOPT, errno.EOPNOTSUPP)


class _Place(NamedTuple):
    """A packet of a run, and where it goes in the buffer."""

    number: int
    payload: bytes
    header: memoryview
    body: memoryview  # payload and tag


class Fanout:
    """Sends frames to legs, in order, in slices."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._buffer = memoryview(bytearray(_BUFFER_BYTES))
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
                self._waiting.append((run, frame.shift, ssrc, legs))
                continue
            for at in range(0, len(legs), SLICE_VIEWERS):
                part = legs[at : at + SLICE_VIEWERS]
                self._waiting.append((run, frame.shift, ssrc, part))
        if not self._scheduled:
            self._drain()

    def _drain(self) -> None:
        end = monotonic() + SLICE_S
        waiting = self._waiting
        try:
            while waiting:
                self.send_run(*waiting.popleft())
                if monotonic() > end:
                    break
        finally:
            # Whatever happened to one run, the others' viewers get theirs.
            self._scheduled = bool(waiting)
            if waiting:
                asyncio.get_running_loop().call_soon(self._drain)

    def send_run(
        self, run: Run, ticks: int, ssrc: int, legs: Sequence[Leg], *, cut: bool = True
    ) -> None:
        """Send one run to `legs` at once, its timestamps moved by `ticks`.

        With `cut` the kernel cuts it into datagrams (UDP_SEGMENT), if it can.
        """
        places, datagrams = self._lay_out(run)
        cut = cut and self.gso and len(places) > 1 and self._cut_at(run.segment)
        if cut:
            datagrams = [self._buffer[: sum(len(datagram) for datagram in datagrams)]]
        sendto = self._sock.sendto
        headers_of = None  # the profile whose headers are in the buffer
        uncut: Sequence[Leg] = ()
        for at, leg in enumerate(legs):
            if leg.profile != headers_of:
                headers_of = leg.profile
                _write_headers(run, places, leg, ticks, ssrc)
            encrypt_into, nonce, base, address = leg.encrypt_into, leg.nonce, leg.base, leg.address
            try:
                if encrypt_into is None:
                    self._send_by_libsrtp(places, leg, run.segment if cut else 0)
                    continue
                for number, payload, header, body in places:
                    encrypt_into((nonce ^ number - base).to_bytes(12, "big"), payload, header, body)
                for datagram in datagrams:
                    sendto(datagram, address)
            except BlockingIOError:
                self.blocked += 1
            except OSError as error:
                if cut and error.errno in _NO_GSO:
                    # The route refuses it, the rest goes one by one: from now on, if it is not
                    # for the length.
                    too_long = error.errno == errno.EINVAL and run.segment > SEGMENT_SURE_BYTES
                    self.gso, uncut = too_long, legs[at:]
                    break
                self.send_errors += 1
            except (pylibsrtp.Error, ValueError):
                self.send_errors += 1  # this viewer's cipher refuses it
        if cut:
            self._cut_at(0)
        sent = len(legs) - len(uncut)
        self.packets += len(places) * sent
        self.octets += sum(len(place.payload) for place in places) * sent
        if uncut:
            self.send_run(run, ticks, ssrc, uncut, cut=False)

    def _cut_at(self, size: int) -> bool:
        """Have what is sent cut into datagrams of `size` bytes, 0: not at all; whether it will."""
        try:
            self._sock.setsockopt(socket.SOL_UDP, UDP_SEGMENT, size)
        except OSError:  # Linux before 4.18
            self.gso = False
        return self.gso

    def _lay_out(self, run: Run) -> tuple[list[_Place], list[memoryview]]:
        """Give each packet its place in the buffer; return the datagrams, too."""
        places, datagrams, start = [], [], 0
        header_bytes = STAMPED_HEADER_BYTES if run.stamped else HEADER_BYTES
        for number, item in enumerate(run.items, run.sequence):
            end = start + header_bytes + len(item.payload) + TAG_BYTES
            header = self._buffer[start : start + header_bytes]
            body = self._buffer[start + header_bytes : end]
            places.append(_Place(number, item.payload, header, body))
            datagrams.append(self._buffer[start:end])
            start = end
        return places, datagrams

    def _send_by_libsrtp(self, places: Sequence[_Place], leg: Leg, segment: int) -> None:
        """A viewer that has no GCM: the same headers, a shorter tag."""
        protect = leg.protect
        if protect is None:
            return
        out = [protect(bytes(place.header) + place.payload) for place in places]
        if segment:
            size = struct.pack("=H", segment - TAG_BYTES + CM_TAG_BYTES)
            self._sock.sendmsg(out, [(socket.SOL_UDP, UDP_SEGMENT, size)], 0, leg.address)
            return
        for datagram in out:
            self._sock.sendto(datagram, leg.address)

    def send_retransmit(self, number: int, item: Item, ticks: int, ssrc: int, leg: Leg) -> None:
        """Send one packet to one viewer at once, byte for byte as before."""
        self.send_run(Run(number, (item,), TAG_BYTES, item.stamp >= 0), ticks, ssrc, (leg,))


def _write_headers(run: Run, places: Sequence[_Place], leg: Leg, ticks: int, ssrc: int) -> None:
    payload_type, stamp_id, number_id, shift, own_ticks = leg.profile
    ticks += own_ticks
    stamp_head, number_head = stamp_id << 28 | 2 << 24, number_id << 28 | 1 << 24
    for item, place in zip(run.items, places, strict=True):
        second, sequence = item.marker | payload_type, place.number + shift & 0xFFFF
        timestamp = item.timestamp + ticks & 0xFFFFFFFF
        if item.stamp < 0:
            _HEADER.pack_into(place.header, 0, item.first, second, sequence, timestamp, ssrc)
            continue
        extension = number_head | sequence << 8 if number_id else stamp_head | item.stamp
        _STAMPED_HEADER.pack_into(
            place.header, 0, item.first, second, sequence, timestamp, ssrc,
            _ONE_BYTE_PROFILE, 1, extension,
        )  # fmt: skip
