"""A publisher's RTMP connection as the server sees it (RTMP 1.0, sections 5.2 and 7). Sans-I/O.

Drive: `receive(bytes)` returns events; then send `data_to_send()`. Of a `PublishRequested` answer
`accept()` or `refuse()`; what comes before is dropped, so that a stranger costs no memory. After
`Ended`, or a `MalformedRtmp`, close the connection. The caller bounds the time of each step.

    handshake → connected → (createStream) → PublishRequested → publishing → Ended
"""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from media.errors import MalformedRtmp
from media.wire import amf
from media.wire.rtmp_chunks import (
    CHUNK_BYTES,
    MESSAGE_BYTES_MAX,
    ChunkReader,
    MessageType,
    RtmpMessage,
    chunks,
)

VERSION = 3
HANDSHAKE_BYTES = 1_536
WINDOW_BYTES = 2_500_000
CHUNK_BYTES_OUT = 4_096
STREAM_ID = 1
# Until its key is checked, a publisher may send commands, and commands are short.
COMMAND_BYTES_MAX = 16_384
KEY_CHARS_MAX = 512

_CONTROL, _COMMANDS = 2, 3  # chunk streams


@dataclass(frozen=True, slots=True)
class PublishRequested:
    """The publisher names its application and stream key."""

    app: str
    key: str


@dataclass(frozen=True, slots=True)
class MediaReceived:
    """The body of an FLV audio or video tag; `timestamp` is in ms, 32 bits."""

    type: MessageType  # AUDIO or VIDEO
    timestamp: int
    body: bytes


@dataclass(frozen=True, slots=True)
class MetadataReceived:
    """What the encoder says of its stream (`onMetaData`)."""

    values: dict[str, amf.AmfValue]


@dataclass(frozen=True, slots=True)
class Ended:
    """The publisher ends its stream."""


RtmpEvent: TypeAlias = PublishRequested | MediaReceived | MetadataReceived | Ended


class _State(Enum):
    VERSION_AND_TIME = "C0 and C1"
    ECHO = "C2"
    CONNECTED = "commands"
    REQUESTED = "publish requested"
    PUBLISHING = "publishing"
    ENDED = "ended"


class RtmpSession:
    """State of one publisher's connection."""

    def __init__(self, nonce: bytes) -> None:
        """`nonce` are random bytes for the handshake, at most 1,528."""
        self._nonce = nonce
        self._state = _State.VERSION_AND_TIME
        self._handshake = bytearray()
        self._reader = ChunkReader(COMMAND_BYTES_MAX)
        self._out = bytearray()
        self._app = ""
        self._chunk_bytes_out = CHUNK_BYTES

    def data_to_send(self) -> bytes:
        """Return what is to be sent to the peer, once."""
        out, self._out = bytes(self._out), bytearray()
        return out

    def receive(self, data: bytes) -> list[RtmpEvent]:
        """Take bytes of the connection; return what they say.

        Raises:
            MalformedRtmp: The peer speaks no RTMP, or breaks a limit.
        """
        if self._state in (_State.VERSION_AND_TIME, _State.ECHO):
            data = self._shake(data)
        events: list[RtmpEvent] = []
        for message in self._reader.receive(data) if data else ():
            events += self._take(message)
        acknowledgement = self._reader.acknowledgement_due()
        if acknowledgement is not None:
            self._control(MessageType.ACKNOWLEDGEMENT, acknowledgement)
        return events

    def accept(self) -> None:
        """The key is good: the publisher may send its media."""
        assert self._state is _State.REQUESTED
        self._state = _State.PUBLISHING
        self._reader.message_bytes_max = MESSAGE_BYTES_MAX
        self._status("status", "NetStream.Publish.Start", "Publishing.")

    def refuse(self, code: str, description: str) -> None:
        """Say why not, e.g. `NetStream.Publish.BadName`; then send and close."""
        self._status("error", code, description)
        self._state = _State.ENDED

    # Handshake

    def _shake(self, data: bytes) -> bytes:
        """Go on with the handshake; return the bytes that come after it."""
        received = self._handshake
        received += data
        if received and received[0] != VERSION and self._state is _State.VERSION_AND_TIME:
            raise MalformedRtmp(f"RTMP version {received[0]} is not 3")
        if self._state is _State.VERSION_AND_TIME and len(received) >= 1 + HANDSHAKE_BYTES:
            theirs = bytes(received[1 : 1 + HANDSHAKE_BYTES])
            del received[: 1 + HANDSHAKE_BYTES]
            ours = (bytes(8) + self._nonce).ljust(HANDSHAKE_BYTES, b"\0")
            self._out += bytes([VERSION]) + ours + theirs
            self._state = _State.ECHO
        if self._state is _State.ECHO and len(received) >= HANDSHAKE_BYTES:
            rest = bytes(received[HANDSHAKE_BYTES:])
            received.clear()
            self._state = _State.CONNECTED
            return rest
        return b""

    # Messages

    def _take(self, message: RtmpMessage) -> list[RtmpEvent]:
        if self._state is _State.ENDED:
            return []
        match message.type:
            case MessageType.AUDIO | MessageType.VIDEO:
                if self._state is not _State.PUBLISHING or not message.payload:
                    return []
                kind = MessageType(message.type)
                return [MediaReceived(kind, message.timestamp, message.payload)]
            case MessageType.COMMAND | MessageType.COMMAND_AMF3:
                return self._command(_values(message))
            case MessageType.DATA | MessageType.DATA_AMF3:
                return self._data(_values(message))
        return []

    def _data(self, values: list[amf.AmfValue]) -> list[RtmpEvent]:
        if values[:1] == ["@setDataFrame"]:
            values = values[1:]
        if values[:1] == ["onMetaData"] and len(values) > 1 and isinstance(values[1], dict):
            return [MetadataReceived(values[1])]
        return []

    def _command(self, values: list[amf.AmfValue]) -> list[RtmpEvent]:
        name, transaction = values[0] if values else None, values[1] if len(values) > 1 else 0.0
        if not isinstance(transaction, float):
            transaction = 0.0
        match name:
            case "connect":
                self._connect(transaction, values[2] if len(values) > 2 else None)
            case "createStream":
                self._result(transaction, None, STREAM_ID)
            case "releaseStream" | "FCPublish" | "_checkbw":
                self._result(transaction, None, None)
            case "publish":
                return self._publish(values[3] if len(values) > 3 else None)
            case "FCUnpublish" | "deleteStream" | "closeStream":
                if self._state is _State.PUBLISHING:
                    self._state = _State.ENDED
                    return [Ended()]
            case "play" | "play2":
                self.refuse("NetStream.Play.Failed", "This server takes streams by RTMP only.")
                return [Ended()]
        return []

    def _connect(self, transaction: float, given: amf.AmfValue) -> None:
        app = given.get("app") if isinstance(given, dict) else None
        self._app = app.strip("/") if isinstance(app, str) else ""
        self._control(MessageType.WINDOW_ACKNOWLEDGEMENT_SIZE, WINDOW_BYTES)
        bandwidth = WINDOW_BYTES.to_bytes(4, "big") + b"\x02"  # dynamic
        self._send(RtmpMessage(MessageType.SET_PEER_BANDWIDTH, 0, 0, bandwidth), _CONTROL)
        self._control(MessageType.SET_CHUNK_SIZE, CHUNK_BYTES_OUT)
        self._chunk_bytes_out = CHUNK_BYTES_OUT
        self._result(
            transaction,
            {"fmsVer": "FMS/3,5,7,7009", "capabilities": 31.0},
            {
                "level": "status",
                "code": "NetConnection.Connect.Success",
                "description": "Connected.",
                "objectEncoding": 0.0,
            },
        )

    def _publish(self, key: amf.AmfValue) -> list[RtmpEvent]:
        if self._state is not _State.CONNECTED:
            return []  # a second publish changes nothing
        if not isinstance(key, str) or len(key) > KEY_CHARS_MAX:
            raise MalformedRtmp("publish names no stream key")
        self._state = _State.REQUESTED
        return [PublishRequested(self._app, key.partition("?")[0].strip("/"))]

    # Answers

    def _result(self, transaction: float, *values: amf.AmfValue) -> None:
        if transaction:
            self._answer(amf.encode("_result", transaction, *values), 0)

    def _status(self, level: str, code: str, description: str) -> None:
        about: amf.AmfValue = {"level": level, "code": code, "description": description}
        self._answer(amf.encode("onStatus", 0, None, about), STREAM_ID)

    def _answer(self, payload: bytes, stream_id: int) -> None:
        self._send(RtmpMessage(MessageType.COMMAND, stream_id, 0, payload), _COMMANDS)

    def _control(self, kind: MessageType, value: int) -> None:
        self._send(RtmpMessage(kind, 0, 0, value.to_bytes(4, "big")), _CONTROL)

    def _send(self, message: RtmpMessage, chunk_stream: int) -> None:
        self._out += chunks(message, chunk_stream, self._chunk_bytes_out)


def _values(message: RtmpMessage) -> list[amf.AmfValue]:
    payload = message.payload
    if message.type in (MessageType.COMMAND_AMF3, MessageType.DATA_AMF3):
        payload = payload[1:]  # a format selector; the values that follow are AMF0
    return amf.decode(payload)
