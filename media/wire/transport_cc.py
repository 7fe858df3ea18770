"""Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01).

The receiver reports the arrival time of each packet, and the sender adapts to the link: we write
feedback for hosts and read that of viewers. Pure: `now` is monotonic seconds.
"""

from typing import NamedTuple

from media.errors import Malformed
from media.wire.rtp import unwrap

URI = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
FEEDBACK_INTERVAL_S = 0.1
PACKETS_MAX = 500  # in a message that we write; it must fit into one datagram
UNREPORTED_PACKETS_MAX = 2_000  # received since the last message, however they are numbered
STATUS_COUNT_MAX = 2_000  # in a message that we read: a run of lost packets takes few bytes
RTPFB, FORMAT = 205, 15  # packet type and FMT
_TICK_S = 0.000_25
_REFERENCE_TICKS = 256  # 64 ms
_HEADER = bytes([0x80 | FORMAT, RTPFB])
_SMALL, _LARGE = 1, 2


class TransportFeedback(NamedTuple):
    """Of `packets` from base sequence number `first` (16 bits) on, `received` were received.

    The last of them has number `first + last` and arrived at `at`, in seconds of the receiver's
    clock, whose origin is unknown.
    """

    first: int
    packets: int
    received: int
    last: int
    at: float


def is_feedback(packet: bytes) -> bool:
    """Whether an RTCP packet, encrypted or not, is or begins with transport-wide feedback."""
    return packet[1] == RTPFB and packet[0] & 0x1F == FORMAT


def parse(payload: bytes) -> TransportFeedback | None:
    """Parse an RTCP packet without its header of four bytes and its padding (section 3.1).

    None: no packet was received.

    Raises:
        Malformed: Cut off, or about more packets than are sent between two messages.
    """
    if len(payload) < 16:
        raise Malformed("shorter than transport-wide feedback")
    first = int.from_bytes(payload[8:10], "big")
    count = int.from_bytes(payload[10:12], "big")
    if count > STATUS_COUNT_MAX:
        raise Malformed("feedback about too many packets")
    ticks = int.from_bytes(payload[12:15], "big") * _REFERENCE_TICKS
    symbols, at = _symbols(payload, count)
    deltas = payload[at:]
    received = count - symbols.count(0) - symbols.count(3)
    large = symbols.count(_LARGE)
    if len(deltas) < received + large:
        raise Malformed("the receive deltas are cut off")
    if not received:
        return None
    if large:
        ticks += _sum(symbols, deltas)
    else:
        ticks += sum(deltas[:received])
    last = max(symbols.rfind(_SMALL), symbols.rfind(_LARGE))
    return TransportFeedback(first, count, received, last, ticks * _TICK_S)


def _sum(symbols: bytes, deltas: bytes) -> int:
    ticks = at = 0
    for symbol in symbols:
        if symbol in (_SMALL, _LARGE):
            ticks += int.from_bytes(deltas[at : at + symbol], "big", signed=symbol == _LARGE)
            at += symbol
    return ticks


def _symbols(payload: bytes, count: int) -> tuple[bytes, int]:
    """Sections 3.1.2 to 3.1.4: the status symbol of each packet, and where the chunks end."""
    symbols, at = b"", 16
    while len(symbols) < count:
        if at + 2 > len(payload):
            raise Malformed("the chunks are cut off")
        chunk = int.from_bytes(payload[at : at + 2], "big")
        at += 2
        if not chunk & 0x8000:
            symbols += bytes((chunk >> 13,)) * min(chunk & 0x1FFF, count)
        elif chunk & 0x4000:
            symbols += bytes([chunk >> shift & 3 for shift in range(12, -1, -2)])
        else:
            symbols += bytes([chunk >> shift & 1 for shift in range(13, -1, -1)])
    return symbols[:count], at


class Arrivals:
    """Arrival times by transport-wide sequence number. Call `report` every FEEDBACK_INTERVAL_S."""

    def __init__(self) -> None:
        self._arrived: dict[int, float] = {}
        self._newest = 0x10000
        self._next: int | None = None  # the first number of the next report
        self._reports = 0

    def receive(self, number: int, *, now: float) -> None:
        """Record the arrival of a packet with this 16-bit number."""
        full = unwrap(number, self._newest)
        if self._next is None:
            self._next = self._newest = full
        if full < self._next:
            self._next = full  # reordered: the host overrides the earlier status
        self._newest = max(self._newest, full)
        self._arrived[full] = now
        if len(self._arrived) > UNREPORTED_PACKETS_MAX:
            del self._arrived[next(iter(self._arrived))]

    def report(self, sender_ssrc: int, media_ssrc: int) -> bytes | None:
        """Return an RTCP packet about the arrivals since the last one; None: there were none."""
        if not self._arrived or self._next is None:
            return None
        numbers = sorted(self._arrived)
        first, last = numbers[0], min(numbers[-1], numbers[0] + PACKETS_MAX - 1)
        if self._next < first and first - self._next < PACKETS_MAX:
            first = self._next  # those between the two messages were lost
        reference = round(self._arrived[numbers[0]] / _TICK_S) // _REFERENCE_TICKS
        before = reference * _REFERENCE_TICKS
        symbols, deltas = [], bytearray()
        for number in range(first, last + 1):
            at = self._arrived.pop(number, None)
            if at is None:
                symbols.append(0)
                continue
            delta = max(-0x8000, min(0x7FFF, round(at / _TICK_S) - before))
            before += delta
            small = 0 <= delta <= 0xFF
            symbols.append(_SMALL if small else _LARGE)
            deltas += delta.to_bytes(1, "big") if small else delta.to_bytes(2, "big", signed=True)
        self._next = last + 1
        body = (
            sender_ssrc.to_bytes(4, "big")
            + media_ssrc.to_bytes(4, "big")
            + (first & 0xFFFF).to_bytes(2, "big")
            + len(symbols).to_bytes(2, "big")
            + (reference & 0xFFFFFF).to_bytes(3, "big")
            + bytes([self._reports & 0xFF])
            + _chunks(symbols)
            + deltas
        )
        self._reports += 1
        body += bytes(-len(body) % 4)
        return _HEADER + (len(body) // 4).to_bytes(2, "big") + body


def _chunks(symbols: list[int]) -> bytes:
    """Section 3.1.2 to 3.1.4: runs of one symbol, else vectors of seven."""
    out, at = bytearray(), 0
    while at < len(symbols):
        symbol, run = symbols[at], 1
        while at + run < len(symbols) and symbols[at + run] == symbol:
            run += 1
        if run >= 7 or at + run == len(symbols):
            out += (symbol << 13 | run).to_bytes(2, "big")
            at += run
            continue
        chunk = 0xC000
        for place, one in enumerate(symbols[at : at + 7]):
            chunk |= one << (12 - 2 * place)
        out += chunk.to_bytes(2, "big")
        at += 7
    return bytes(out)
