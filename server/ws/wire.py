"""The schema of the room WebSocket: every message both ways, its limits, and the two codecs.

docs/protocol.md describes it in words and server/ws/schema.py in TypeScript; tests compare them.
`tick`, `snapshot` and `you` are defined in rooms/messages.py and state.py, and what they carry in
server/bridge/channels/.

WireError       a client message that breaks the schema
"""

from enum import IntEnum, StrEnum
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta
from websockets.frames import Opcode

from rooms.messages import Tick, You
from rooms.state import Snapshot

MESSAGE_BYTES_MAX = 4_096
TOKEN_CHARS_MAX = 2_048
CID_CHARS_MAX = 64
LIKES_PER_MESSAGE_MAX = 100
INTEGER_MAX = 2**53 - 1

MSGPACK = "linli.v1.msgpack"
JSON = "linli.v1.json"


class CloseCode(IntEnum):
    """Why a connection ends; below 3500 the client reconnects."""

    BYE = 1000
    GOING_AWAY = 1001
    NOT_WEBSOCKET = 1002
    TOO_BIG = 1009
    FAILED = 1011
    HELLO_LATE = 3001
    SLOW = 3008
    SILENT = 3009
    DRAINING = 3012
    UNAVAILABLE = 3013
    BAD_MESSAGE = 3500
    UNAUTHORISED = 3501
    FORBIDDEN = 3502
    NO_SUCH_CHANNEL = 3503
    TOO_MANY_CONNECTIONS = 3504
    TOO_MANY_MESSAGES = 3505
    BANNED = 3506
    REHEARSAL = 3507

    @property
    def reason(self) -> str:
        """What the close frame says beside the code."""
        return self.name.lower().replace("_", " ")


class ErrorCode(StrEnum):
    """Why one message was refused."""

    BAD_MESSAGE = "bad-message"
    UNKNOWN_TYPE = "unknown-type"
    HELLO_AGAIN = "hello-again"
    TOO_FAST = "too-fast"
    TEXT_EMPTY = "text-empty"
    TEXT_TOO_LONG = "text-too-long"
    TOKEN_NEEDED = "token-needed"
    FORBIDDEN = "forbidden"
    MUTED = "muted"
    MEMBERS_ONLY = "members-only"
    TEXT_REFUSED = "text-refused"
    HELD = "held"
    ROOM_BUSY = "room-busy"


# Client → server


class _ClientMessage(msgspec.Struct, frozen=True, kw_only=True, tag_field="t"):
    pass


class Hello(_ClientMessage, frozen=True, kw_only=True, tag="hello"):
    """The first message: channel, token, and the position after a reconnect."""

    channel: Annotated[str, Meta(pattern=r"^(estate|hq|room|store):[A-Za-z0-9_-]{1,64}$")]
    token: Annotated[str, Meta(max_length=TOKEN_CHARS_MAX)] | None = None
    epoch: Annotated[str, Meta(max_length=64)] | None = None
    offset: Annotated[int, Meta(ge=0, le=INTEGER_MAX)] | None = None


class Chat(_ClientMessage, frozen=True, kw_only=True, tag="chat"):
    """A chat line for everybody in the room."""

    cid: Annotated[str, Meta(min_length=1, max_length=CID_CHARS_MAX)]
    text: str


class Like(_ClientMessage, frozen=True, kw_only=True, tag="like"):
    """Likes since the last such message."""

    n: Annotated[int, Meta(ge=1, le=LIKES_PER_MESSAGE_MAX)]


class Ping(_ClientMessage, frozen=True, kw_only=True, tag="ping"):
    """Measures the round trip and the server's clock."""

    id: Annotated[int, Meta(ge=-INTEGER_MAX, le=INTEGER_MAX)]


ClientMessage: TypeAlias = Hello | Chat | Like | Ping
CLIENT_MESSAGE_TYPES = frozenset({"hello", "chat", "like", "ping"})


# Server → client


class Identity(msgspec.Struct, frozen=True):
    """Who the token names."""

    subject: str
    nickname: str
    roles: tuple[str, ...]


class Welcome(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="welcome"):
    """The answer to `hello`."""

    client: str
    at_ms: int
    ping_s: int
    recovered: bool
    you: Identity | None


class Ack(msgspec.Struct, frozen=True, tag_field="t", tag="ack"):
    """A chat line was accepted."""

    cid: str


class ErrorMessage(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="t", tag="error"
):
    """A message was refused."""

    code: ErrorCode
    detail: str
    cid: str | None = None
    retry_after_ms: int | None = None


class Pong(msgspec.Struct, frozen=True, tag_field="t", tag="pong"):
    """The answer to `ping`."""

    id: int
    at_ms: int


ServerMessage: TypeAlias = Welcome | Snapshot | Tick | Ack | ErrorMessage | Pong | You


class WireError(Exception):
    """A client message that is refused: the answer, and the counter."""

    def __init__(self, code: ErrorCode, kind: str, detail: str) -> None:
        super().__init__(code, kind, detail)
        self.code = code
        self.kind = kind
        self.detail = detail


class _Typed(msgspec.Struct):
    t: str


class WireCodec:
    """One subprotocol: typed encoding into whole frames, typed decoding of payloads."""

    def __init__(self, index: int, subprotocol: str, opcode: Opcode, encoding: Any) -> None:
        self.index = index
        self.subprotocol = subprotocol
        self.opcode = opcode
        self._encode = encoding.Encoder().encode
        self._decode = encoding.Decoder(ClientMessage).decode
        self._decode_type = encoding.Decoder(_Typed).decode

    def frame(self, message: ServerMessage) -> bytes:
        """Return `message` as one unmasked WebSocket frame (RFC 6455 §5.2)."""
        return frame(self._encode(message), self.opcode)

    def decode(self, payload: bytes) -> ClientMessage:
        """Return the message in `payload`.

        Raises:
            WireError: It is not one, or breaks a limit.
        """
        try:
            message: ClientMessage = self._decode(payload)
        except msgspec.ValidationError as error:
            raise self._invalid(payload, str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            detail = f"This is not {self.subprotocol}."
            raise WireError(ErrorCode.BAD_MESSAGE, "codec", detail) from None
        return message

    def _invalid(self, payload: bytes, reason: str) -> WireError:
        try:
            named = self._decode_type(payload).t
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return WireError(ErrorCode.BAD_MESSAGE, "schema", "A message is a map with a `t`.")
        if named not in CLIENT_MESSAGE_TYPES:
            return WireError(ErrorCode.UNKNOWN_TYPE, "type", "No such message type.")
        return WireError(ErrorCode.BAD_MESSAGE, "schema", reason)


def frame(payload: bytes, opcode: Opcode) -> bytes:
    """Return one final, unmasked frame."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, size)) + payload
    if size < 65_536:
        return bytes((0x80 | opcode, 126)) + size.to_bytes(2) + payload
    return bytes((0x80 | opcode, 127)) + size.to_bytes(8) + payload


CODECS = (
    WireCodec(0, MSGPACK, Opcode.BINARY, msgspec.msgpack),
    WireCodec(1, JSON, Opcode.TEXT, msgspec.json),
)
