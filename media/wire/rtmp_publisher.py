"""A publisher's side of an RTMP connection to another platform (RTMP 1.0, sections 5.2 and 7).

Sans-I/O. Drive: send `data_to_send()`, then `receive(bytes)` and send again, until `accepted`; from
then on `send_media`, too.

    handshake → connect → createStream → publish → accepted
"""

from urllib.parse import urlsplit

from media.errors import MalformedRtmp, PublishRefused
from media.wire import amf
from media.wire.flv_tags import TagType
from media.wire.rtmp_chunks import CHUNK_BYTES, ChunkReader, MessageType, RtmpMessage, chunks
from media.wire.rtmp_session import HANDSHAKE_BYTES, VERSION

CHUNK_BYTES_OUT = 4_096
ANSWER_BYTES_MAX = 64_000
_PING, _PONG = b"\0\6", b"\0\7"  # section 7.1.7
_CONTROL, _COMMANDS, _AUDIO, _VIDEO = 2, 3, 4, 6  # chunk streams, as FFmpeg has them
_CONNECT, _CREATE_STREAM = 1.0, 4.0  # transactions
_CODECS: dict[str, amf.AmfValue] = {"videocodecid": 7.0, "audiocodecid": 10.0, "encoder": "Linli"}


class RtmpPublisher:
    """State of one connection."""

    def __init__(self, address: str, key: str, nonce: bytes) -> None:
        """`address` is the platform's, up to the application; `nonce` are 1,528 random bytes."""
        self.accepted = False
        self._app = urlsplit(address).path.strip("/")
        self._address, self._key = address, key
        self._reader = ChunkReader(ANSWER_BYTES_MAX)
        self._handshake: bytearray | None = bytearray()
        self._chunk_bytes = CHUNK_BYTES
        self._stream_id = 0
        self._out = bytearray(bytes([VERSION]) + bytes(8) + nonce.ljust(HANDSHAKE_BYTES - 8, b"\0"))

    def data_to_send(self) -> bytes:
        """Return what is to be sent to the platform, once."""
        out, self._out = bytes(self._out), bytearray()
        return out

    def receive(self, data: bytes) -> None:
        """Take bytes of the connection.

        Raises:
            MalformedRtmp: The peer speaks no RTMP.
            PublishRefused: It does not take the stream; says why.
        """
        if self._handshake is not None:
            data = self._shake(self._handshake, data)
        for message in self._reader.receive(data) if data else ():
            if message.type == MessageType.COMMAND:
                self._take(amf.decode(message.payload))
            elif message.type == MessageType.USER_CONTROL and message.payload[:2] == _PING:
                self._send(MessageType.USER_CONTROL, _PONG + message.payload[2:6], _CONTROL)
        due = self._reader.acknowledgement_due()
        if due is not None:
            self._send(MessageType.ACKNOWLEDGEMENT, due.to_bytes(4, "big"), _CONTROL)

    def send_media(self, kind: TagType, timestamp_ms: int, body: bytes) -> None:
        """Send the body of an FLV tag."""
        chunk_stream = _VIDEO if kind is TagType.VIDEO else _AUDIO
        message = RtmpMessage(int(kind), self._stream_id, timestamp_ms & 0xFFFFFFFF, body)
        self._out += chunks(message, chunk_stream, self._chunk_bytes)

    def _shake(self, received: bytearray, data: bytes) -> bytes:
        """Go on with the handshake; return the bytes that come after it."""
        received += data
        if received and received[0] != VERSION:
            raise MalformedRtmp(f"RTMP version {received[0]} is not 3")
        end = 1 + 2 * HANDSHAKE_BYTES
        if len(received) < end:
            return b""
        self._out += received[1 : 1 + HANDSHAKE_BYTES]
        self._handshake = None
        about: amf.AmfValue = {
            "app": self._app,
            "type": "nonprivate",
            "flashVer": "FMLE/3.0 (compatible; Linli)",
            "tcUrl": self._address,
        }
        self._command("connect", _CONNECT, about)
        return bytes(received[end:])

    def _take(self, values: list[amf.AmfValue]) -> None:
        match values:
            case ["_result", transaction, *_] if transaction == _CONNECT:
                self._connected()
            case ["_result", transaction, _, float(stream_id), *_] if transaction == _CREATE_STREAM:
                self._stream_id = int(stream_id)
                self._command("publish", 5.0, None, self._key, "live")
            case ["_error", transaction, *_] if transaction in (_CONNECT, _CREATE_STREAM):
                raise _refusal(values)
            case ["onStatus", *_] if _refusal(values).code == "NetStream.Publish.Start":
                self.accepted = True
                metadata = amf.encode("@setDataFrame", "onMetaData", _CODECS)
                self._send(MessageType.DATA, metadata, _AUDIO, self._stream_id)
            case ["onStatus", _, _, {"level": "error"}, *_]:
                raise _refusal(values)

    def _connected(self) -> None:
        size = CHUNK_BYTES_OUT.to_bytes(4, "big")
        self._send(MessageType.SET_CHUNK_SIZE, size, _CONTROL)
        self._chunk_bytes = CHUNK_BYTES_OUT
        self._command("releaseStream", 2.0, None, self._key)
        self._command("FCPublish", 3.0, None, self._key)
        self._command("createStream", _CREATE_STREAM, None)

    def _command(self, *values: amf.AmfValue) -> None:
        self._send(MessageType.COMMAND, amf.encode(*values), _COMMANDS, self._stream_id)

    def _send(
        self, kind: MessageType, payload: bytes, chunk_stream: int, stream_id: int = 0
    ) -> None:
        message = RtmpMessage(kind, stream_id, 0, payload)
        self._out += chunks(message, chunk_stream, self._chunk_bytes)


def _refusal(values: list[amf.AmfValue]) -> PublishRefused:
    """Return what an answer says, such as `NetStream.Publish.BadName`, and why."""
    for value in values[2:]:
        if isinstance(value, dict):
            return PublishRefused(str(value.get("code", "")), str(value.get("description", "")))
    return PublishRefused("")
