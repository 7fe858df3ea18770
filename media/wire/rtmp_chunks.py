"""RTMP's chunk stream (Adobe's RTMP 1.0, section 5.3): bytes to messages and back. Sans-I/O.

Hand every received byte to `ChunkReader.receive`; it returns the messages that are complete. Chunk
size, aborts and acknowledgements are handled here, since they change how what follows is read.
Timestamps are milliseconds, 32 bits, and wrap.
"""

from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import NamedTuple

from media.errors import MalformedRtmp

CHUNK_BYTES = 128  # until the sender says otherwise
MESSAGE_BYTES_MAX = 4 << 20
CHUNK_STREAMS_MAX = 32
EXTENDED_TIMESTAMP = 0xFFFFFF  # this timestamp says that four more bytes follow
_TIME_MASK = 0xFFFFFFFF


class MessageType(IntEnum):
    """What a message is (sections 5.4, 6.2, 7.1)."""

    SET_CHUNK_SIZE = 1
    ABORT = 2
    ACKNOWLEDGEMENT = 3
    USER_CONTROL = 4
    WINDOW_ACKNOWLEDGEMENT_SIZE = 5
    SET_PEER_BANDWIDTH = 6
    AUDIO = 8
    VIDEO = 9
    DATA_AMF3 = 15
    COMMAND_AMF3 = 17
    DATA = 18
    COMMAND = 20


class RtmpMessage(NamedTuple):
    """One whole message."""

    type: int
    stream_id: int
    timestamp: int  # ms, 32 bits
    payload: bytes


@dataclass(slots=True)
class _ChunkStream:
    """The newest message header of one chunk stream, and what came of its message."""

    timestamp: int = 0
    delta: int = 0
    extended: bool = False
    field_value: int = 0  # the timestamp field as sent, extended or not
    length: int = 0
    type: int = 0
    stream_id: int = 0
    parts: list[bytes] = field(default_factory=list)
    missing: int = 0  # bytes of the message that are still to come; 0: the next chunk begins one


class ChunkReader:
    """Puts messages together from chunks. After a `MalformedRtmp` it must not be used again."""

    def __init__(self, message_bytes_max: int = MESSAGE_BYTES_MAX) -> None:
        self.message_bytes_max = message_bytes_max
        self._buffer = bytearray()
        self._streams: dict[int, _ChunkStream] = {}
        self._chunk_bytes = CHUNK_BYTES
        self._received = 0
        self._acknowledged = 0
        self._window_bytes = 0

    def receive(self, data: bytes) -> list[RtmpMessage]:
        """Take bytes; return the messages that they complete, in order.

        Raises:
            MalformedRtmp: The bytes cannot be chunks, or break a limit.
        """
        self._buffer += data
        self._received += len(data)
        messages, at = [], 0
        while (taken := self._chunk(at)) is not None:
            at, message = taken
            if message is not None and not self._control(message):
                messages.append(message)
        del self._buffer[:at]
        return messages

    def acknowledgement_due(self) -> int | None:
        """Return the sequence number to acknowledge, once per window; None: not yet."""
        if not self._window_bytes or self._received - self._acknowledged < self._window_bytes:
            return None
        self._acknowledged = self._received
        return self._received & 0xFFFFFFFF

    def _chunk(self, at: int) -> tuple[int, RtmpMessage | None] | None:
        """Read the chunk at `at`; return where the next one begins. None: it is not whole yet."""
        header = _basic_header(self._buffer, at)
        if header is None:
            return None
        at, kind, stream_number = header
        stream = self._streams.get(stream_number)
        if kind < 3 or stream is None or stream.extended or not stream.missing:
            read = self._message_header(at, kind, stream_number, stream)
            if read is None:
                return None
            at, stream = read
        end = at + min(stream.missing, self._chunk_bytes)
        if len(self._buffer) < end:
            return None
        self._streams[stream_number] = stream
        stream.parts.append(bytes(self._buffer[at:end]))
        stream.missing -= end - at
        if stream.missing:
            return end, None
        payload = b"".join(stream.parts)
        stream.parts.clear()
        return end, RtmpMessage(stream.type, stream.stream_id, stream.timestamp, payload)

    def _message_header(
        self, at: int, kind: int, number: int, before: _ChunkStream | None
    ) -> tuple[int, _ChunkStream] | None:
        """Return where the chunk's data begins and the header that then holds; None: not whole."""
        if before is None:
            if kind > 1:
                raise MalformedRtmp(f"chunk stream {number} begins without a length")
            if len(self._streams) >= CHUNK_STREAMS_MAX:
                raise MalformedRtmp("too many chunk streams")
            before = _ChunkStream()
        buffer = self._buffer
        size = (11, 7, 3, 0)[kind]
        if len(buffer) < at + size:
            return None
        begins = not before.missing
        if not begins and kind != 3:
            # The sender gave the message up without an abort: what came of it is dropped.
            begins = True
        stream = replace(before, parts=[] if begins else before.parts)
        if kind < 3:
            stream.field_value = int.from_bytes(buffer[at : at + 3], "big")
            stream.extended = stream.field_value == EXTENDED_TIMESTAMP
        if kind < 2:
            stream.length = int.from_bytes(buffer[at + 3 : at + 6], "big")
            stream.type = buffer[at + 6]
            if stream.length > self.message_bytes_max:
                raise MalformedRtmp(f"a message of {stream.length} bytes is too long")
        if kind == 0:
            stream.stream_id = int.from_bytes(buffer[at + 7 : at + 11], "little")
        at += size
        if stream.extended:
            if len(buffer) < at + 4:
                return None
            value = int.from_bytes(buffer[at : at + 4], "big")
            # Of chunks of type 3 some senders leave the four bytes out.
            if kind < 3 or value == stream.field_value:
                at += 4
                stream.field_value = value
        if begins:
            _advance(stream, kind)
            stream.missing = stream.length
        return at, stream

    def _control(self, message: RtmpMessage) -> bool:
        """Carry out what changes the chunk stream itself; False: the message is for others."""
        payload = message.payload
        if message.type not in (
            MessageType.SET_CHUNK_SIZE,
            MessageType.ABORT,
            MessageType.ACKNOWLEDGEMENT,
            MessageType.WINDOW_ACKNOWLEDGEMENT_SIZE,
        ):
            return False
        if len(payload) < 4:
            raise MalformedRtmp("a control message is cut short")
        value = int.from_bytes(payload[:4], "big")
        if message.type == MessageType.SET_CHUNK_SIZE:
            if not 1 <= value <= 0x7FFFFFFF:
                raise MalformedRtmp(f"a chunk size of {value} is not allowed")
            self._chunk_bytes = min(value, MESSAGE_BYTES_MAX)
        elif message.type == MessageType.ABORT:
            stream = self._streams.get(value)
            if stream is not None:
                stream.parts.clear()
                stream.missing = 0
        elif message.type == MessageType.WINDOW_ACKNOWLEDGEMENT_SIZE:
            self._window_bytes = value
        return True


def _basic_header(buffer: bytearray, at: int) -> tuple[int, int, int] | None:
    """Return where it ends, the chunk's type and its chunk stream (section 5.3.1.1)."""
    if len(buffer) <= at:
        return None
    kind, number = buffer[at] >> 6, buffer[at] & 0x3F
    if number > 1:
        return at + 1, kind, number
    end = at + 2 + number
    if len(buffer) < end:
        return None
    return end, kind, 64 + int.from_bytes(buffer[at + 1 : end], "little")


def _advance(stream: _ChunkStream, kind: int) -> None:
    """Set the time of the message that begins (section 5.3.1.2)."""
    if kind == 0:
        stream.timestamp, stream.delta = stream.field_value & _TIME_MASK, 0
        return
    if kind < 3:
        stream.delta = stream.field_value
    stream.timestamp = stream.timestamp + stream.delta & _TIME_MASK


def chunks(message: RtmpMessage, chunk_stream: int, chunk_bytes: int = CHUNK_BYTES) -> bytes:
    """Return `message` as one chunk of type 0 and as many of type 3 as it takes.

    `chunk_stream` is 2 to 63.
    """
    extended = message.timestamp >= EXTENDED_TIMESTAMP
    stamp = min(message.timestamp, EXTENDED_TIMESTAMP)
    tail = message.timestamp.to_bytes(4, "big") if extended else b""
    out = bytearray([chunk_stream])
    out += stamp.to_bytes(3, "big") + len(message.payload).to_bytes(3, "big")
    out += bytes([message.type]) + message.stream_id.to_bytes(4, "little") + tail
    out += message.payload[:chunk_bytes]
    for at in range(chunk_bytes, len(message.payload), chunk_bytes):
        out += bytes([0xC0 | chunk_stream]) + tail + message.payload[at : at + chunk_bytes]
    return bytes(out)
