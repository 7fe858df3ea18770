"""Packets of the hop: what a worker with a live and one of its edges send each other.

A datagram is a clear header, which is authenticated, and a body that is sealed with AES-GCM (tag of
16 bytes). Integers are big-endian. `association` names one edge's subscription to one live,
`counter` counts the packets of one direction and makes the nonce.

    HELLO    kind association key-id salt | worker, room, time of the edge     its first packet
    WELCOME  kind association salt        | nothing                            the origin's answer
    MEDIA    kind association counter layer number timestamp | RTP payload     17 bytes of header
    CONTROL  kind association counter     | one of the messages below

`layer` has the marker bit, a bit for RTP padding (RFC 3550 section 5.1), one for a rehearsal, and
the index of the layer in `Formats`. An edge receives from its parent, the origin or another edge.
Edge to parent: `Join`, `Wants`, `Nack`, `Bye`; parent to edge: `Formats`, `State`, `Path`, `Ask`,
`Gone`. Everything but media is repeated until its effect is seen. Workers from before the tree know
neither `Join`, `Path` nor `Ask`, and drop them. Pure.
"""

import re
import struct
from dataclasses import dataclass
from typing import NamedTuple

from media.errors import MalformedHop
from media.wire.codec import Codec
from media.wire.rtp import PAYLOAD_BYTES_MAX

HELLO, WELCOME, MEDIA, CONTROL = 0xC1, 0xC2, 0xC3, 0xC4
SALT_BYTES = 16
LAYERS_MAX = 16
NACK_NUMBERS_MAX = 500
PARAMETERS_BYTES_MAX = 400
NAME_BYTES_MAX = 64
PATH_MAX = 8
AVOIDS_MAX = 8
COUNTER_MAX = (1 << 40) - 1
MEDIA_HEADER_BYTES = 17
CONTROL_HEADER_BYTES = 10
HELLO_HEADER_BYTES = 9 + SALT_BYTES
WELCOME_HEADER_BYTES = 5 + SALT_BYTES
MARKER, PADDED, PRIVATE, LAYER = 0x80, 0x40, 0x20, 0x0F

_MEDIA = struct.Struct("!BIBIBHI")  # the counter in 8 and 32 bits
_CONTROL = struct.Struct("!BIBI")
_HELLO = struct.Struct(f"!BII{SALT_BYTES}s")
_WELCOME = struct.Struct(f"!BI{SALT_BYTES}s")
_WANTS = struct.Struct("!IHHH")
_JOIN = struct.Struct("!BHB")
_STATE = struct.Struct("!BHIB")
_LAYER_STATE = struct.Struct("!BIHHQI")
_ON_AIR, _REORDERS, _FLOWS = 1, 2, 1
_OF_ORIGIN, _ACCEPTS = 1, 2
_KINDS = ("audio", "video")
_WORKER = re.compile(r"[0-9a-f]{8}")


class MediaHeader(NamedTuple):
    """The clear header of an RTP payload."""

    association: int
    counter: int
    layer: int
    marker: bool
    padded: bool
    private: bool  # of a rehearsal
    number: int  # of the origin's layer, 16 bits
    timestamp: int  # of the origin's layer


class ControlHeader(NamedTuple):
    """The clear header of a message."""

    association: int
    counter: int


class HelloHeader(NamedTuple):
    """The clear header of an edge's first packet; `key_id` names a secret of the origin."""

    association: int
    key_id: int
    salt: bytes


class WelcomeHeader(NamedTuple):
    """The clear header of the origin's answer."""

    association: int
    salt: bytes


@dataclass(frozen=True, slots=True)
class Hello:
    """Which worker is to be an edge of which room's live; `at_ms` is Unix time."""

    worker: str
    room_id: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Join:
    """An edge asks for a live, and goes on saying how it is while it receives it."""

    of_origin: bool  # it takes the parent for the origin; else another worker named it
    accepts: bool  # it would serve an edge
    below: int  # how many edges receive the live through it
    busy_percent: int
    avoids: tuple[str, ...] = ()  # workers that it cannot reach


@dataclass(frozen=True, slots=True)
class Wants:
    """What an edge needs now; sent at least every `KEEPALIVE_S`.

    `layers` and `keys` are bits by index of the layer: which to send, and of which a key frame is
    needed. `formats` is the version of `Formats` that these indexes are of, 0: none yet.
    """

    sent_ms: int  # 32 bits of the edge's clock; the origin's next `State` has it
    layers: int
    keys: int
    formats: int


@dataclass(frozen=True, slots=True)
class Nack:
    """Packets of a layer that are missing."""

    layer: int
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Bye:
    """The edge needs nothing any more."""


@dataclass(frozen=True, slots=True)
class Format:
    """One track of a live: its codec and the RIDs of its layers."""

    kind: str
    codec: Codec
    rids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Formats:
    """All tracks of the live. A layer's index counts through all of them."""

    version: int
    tracks: tuple[Format, ...]


@dataclass(frozen=True, slots=True)
class LayerState:
    """One layer at the origin. `clock` is an NTP time and the timestamp of it, (0, 0): unknown."""

    flows: bool
    bits_per_s: int
    width: int
    height: int
    clock: tuple[int, int]


@dataclass(frozen=True, slots=True)
class State:
    """The live at the origin, sent at least every `KEEPALIVE_S`; `echo_ms` is of a `Wants`."""

    on_air: bool
    reorders: bool
    formats: int
    echo_ms: int
    layers: tuple[LayerState, ...]


@dataclass(frozen=True, slots=True)
class Path:
    """How the live gets here: the workers from the origin to the parent, which is the last."""

    workers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """The parent does not serve the edge: `worker` may; "": the origin is to be asked again."""

    worker: str


@dataclass(frozen=True, slots=True)
class Gone:
    """The parent has no such live any more."""


Message = Join | Wants | Nack | Bye | Formats | State | Path | Ask | Gone


# Headers


def kind_of(datagram: bytes) -> int:
    """Return the kind of a datagram that may be one of ours.

    Raises:
        MalformedHop: It is none.
    """
    if not datagram or datagram[0] not in (HELLO, WELCOME, MEDIA, CONTROL):
        raise MalformedHop("another kind")
    return datagram[0]


def write_media_header(
    buffer: bytearray | memoryview,
    association: int,
    counter: int,
    layer: int,
    number: int,
    timestamp: int,
) -> None:
    """Write a header in place; `layer` is its index, with `MARKER`, `PADDED`, `PRIVATE`."""
    _MEDIA.pack_into(
        buffer, 0, MEDIA, association, counter >> 32, counter & 0xFFFFFFFF, layer,
        number & 0xFFFF, timestamp & 0xFFFFFFFF,
    )  # fmt: skip


def media_header(datagram: bytes) -> MediaHeader:
    """Read the header of a datagram of kind MEDIA.

    Raises:
        MalformedHop: It is too short or too long.
    """
    if not MEDIA_HEADER_BYTES < len(datagram) <= MEDIA_HEADER_BYTES + PAYLOAD_BYTES_MAX + 16:
        raise MalformedHop("no RTP payload fits")
    _, association, high, low, flags, number, timestamp = _MEDIA.unpack_from(datagram)
    return MediaHeader(
        association, high << 32 | low, flags & LAYER, flags >= MARKER, bool(flags & PADDED),
        bool(flags & PRIVATE), number, timestamp,
    )  # fmt: skip


def unpadded(payload: bytes) -> bytes:
    """Return an RTP payload without its padding.

    Raises:
        MalformedHop: The padding is longer than the payload.
    """
    if not payload or not 0 < payload[-1] < len(payload):
        raise MalformedHop("the padding is longer than the payload")
    return payload[: -payload[-1]]


def write_control_header(association: int, counter: int) -> bytes:
    """Return the header of a message."""
    return _CONTROL.pack(CONTROL, association, counter >> 32, counter & 0xFFFFFFFF)


def control_header(datagram: bytes) -> ControlHeader:
    """Read the header of a datagram of kind CONTROL; raises `MalformedHop`."""
    if len(datagram) <= CONTROL_HEADER_BYTES:
        raise MalformedHop("no message")
    _, association, high, low = _CONTROL.unpack_from(datagram)
    return ControlHeader(association, high << 32 | low)


def write_hello_header(header: HelloHeader) -> bytes:
    """Return the header of an edge's first packet."""
    return _HELLO.pack(HELLO, *header)


def hello_header(datagram: bytes) -> HelloHeader:
    """Read the header of a datagram of kind HELLO; raises `MalformedHop`."""
    if len(datagram) <= HELLO_HEADER_BYTES:
        raise MalformedHop("no hello")
    return HelloHeader(*_HELLO.unpack_from(datagram)[1:])


def write_welcome_header(header: WelcomeHeader) -> bytes:
    """Return the header of the origin's answer."""
    return _WELCOME.pack(WELCOME, *header)


def welcome_header(datagram: bytes) -> WelcomeHeader:
    """Read the header of a datagram of kind WELCOME; raises `MalformedHop`."""
    if len(datagram) < WELCOME_HEADER_BYTES:
        raise MalformedHop("no welcome")
    return WelcomeHeader(*_WELCOME.unpack_from(datagram)[1:])


# Bodies


def write_hello(hello: Hello) -> bytes:
    """Return the body of a hello."""
    return struct.pack("!Q", hello.at_ms) + f"{hello.worker}{hello.room_id}".encode()


def parse_hello(body: bytes) -> Hello:
    """Read the body of a hello; raises `MalformedHop`."""
    reader = _Reader(body)
    (at_ms,) = reader.unpack(struct.Struct("!Q"))
    worker, room_id = reader.text(8), reader.text(len(body) - 16)
    if not _WORKER.fullmatch(worker) or not 0 < len(room_id) <= NAME_BYTES_MAX:
        raise MalformedHop("no worker or no room")
    return Hello(worker, room_id, at_ms)


def write(message: Message) -> bytes:
    """Return the body of a message."""
    match message:
        case Join():
            return b"J" + _written_join(message)
        case Path(workers):
            return b"P" + "".join(workers).encode()
        case Ask(worker):
            return b"A" + worker.encode()
        case Wants(sent_ms, layers, keys, formats):
            return b"W" + _WANTS.pack(sent_ms, layers, keys, formats)
        case Nack(layer, numbers):
            assert len(numbers) <= NACK_NUMBERS_MAX
            return b"N" + struct.pack(f"!B{len(numbers)}H", layer, *numbers)
        case Bye():
            return b"B"
        case Formats(version, tracks):
            return b"F" + struct.pack("!HB", version, len(tracks)) + b"".join(map(_format, tracks))
        case State():
            return b"S" + _written_state(message)
        case Gone():
            return b"G"


def parse(body: bytes) -> Message:
    """Read the body of a message; raises `MalformedHop`."""
    reader = _Reader(body[1:])
    match body[:1]:
        case b"J":
            message: Message = _parsed_join(reader)
        case b"P":
            message = Path(reader.workers(PATH_MAX))
        case b"A":
            message = Ask("".join(reader.workers(1)))
        case b"W":
            message = Wants(*reader.unpack(_WANTS))
        case b"N":
            (layer,) = reader.unpack(struct.Struct("!B"))
            message = Nack(_index(layer), reader.numbers())
        case b"B":
            message = Bye()
        case b"F":
            message = _parsed_formats(reader)
        case b"S":
            message = _parsed_state(reader)
        case b"G":
            message = Gone()
        case _:
            raise MalformedHop("another message")
    if reader.left:
        raise MalformedHop("longer than its message")
    return message


def _written_join(join: Join) -> bytes:
    flags = _OF_ORIGIN * join.of_origin | _ACCEPTS * join.accepts
    below, busy = min(join.below, 0xFFFF), min(join.busy_percent, 0xFF)
    return _JOIN.pack(flags, below, busy) + "".join(join.avoids[:AVOIDS_MAX]).encode()


def _parsed_join(reader: "_Reader") -> Join:
    flags, below, busy = reader.unpack(_JOIN)
    avoids = reader.workers(AVOIDS_MAX)
    return Join(bool(flags & _OF_ORIGIN), bool(flags & _ACCEPTS), below, busy, avoids)


def _format(track: Format) -> bytes:
    codec = track.codec
    head = struct.pack(
        "!BBI", _KINDS.index(track.kind), codec.payload_type, codec.clock_hz
    )  # fmt: skip
    texts = [codec.name, codec.parameters, *track.rids]
    return head + bytes([len(track.rids)]) + b"".join(map(_text, texts))


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("!H", len(raw)) + raw


def _parsed_formats(reader: "_Reader") -> Formats:
    version, count = reader.unpack(struct.Struct("!HB"))
    tracks: list[Format] = []
    for _ in range(count):
        kind, payload_type, clock_hz, rids = reader.unpack(struct.Struct("!BBIB"))
        if kind >= len(_KINDS) or payload_type > 127 or not clock_hz or not rids:
            raise MalformedHop("no such track")
        name, parameters = reader.long_text(NAME_BYTES_MAX), reader.long_text(PARAMETERS_BYTES_MAX)
        names = tuple(reader.long_text(NAME_BYTES_MAX) for _ in range(rids))
        if not name or len(set(names)) != len(names):
            raise MalformedHop("no name, or one twice")
        tracks.append(Format(_KINDS[kind], Codec(name, payload_type, clock_hz, parameters), names))
    kinds = [track.kind for track in tracks]
    if not version or not tracks or len(set(kinds)) != len(kinds):
        raise MalformedHop("no track, or one twice")
    if sum(len(track.rids) for track in tracks) > LAYERS_MAX:
        raise MalformedHop("too many layers")
    return Formats(version, tuple(tracks))


def _written_state(state: State) -> bytes:
    flags = _ON_AIR * state.on_air | _REORDERS * state.reorders
    return _STATE.pack(flags, state.formats, state.echo_ms, len(state.layers)) + b"".join(
        _LAYER_STATE.pack(
            _FLOWS * layer.flows, layer.bits_per_s, layer.width, layer.height, *layer.clock
        )
        for layer in state.layers
    )


def _parsed_state(reader: "_Reader") -> State:
    flags, formats, echo_ms, count = reader.unpack(_STATE)
    if count > LAYERS_MAX:
        raise MalformedHop("too many layers")
    layers = []
    for _ in range(count):
        flows, bits_per_s, width, height, ntp_time, timestamp = reader.unpack(_LAYER_STATE)
        state = LayerState(bool(flows & _FLOWS), bits_per_s, width, height, (ntp_time, timestamp))
        layers.append(state)
    return State(
        bool(flags & _ON_AIR), bool(flags & _REORDERS), formats, echo_ms, tuple(layers)
    )  # fmt: skip


def _index(layer: int) -> int:
    if layer >= LAYERS_MAX:
        raise MalformedHop("no such layer")
    return layer


class _Reader:
    """Reads a body from front to back."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._body) - self._at

    def unpack(self, layout: struct.Struct) -> tuple[int, ...]:
        if self.left < layout.size:
            raise MalformedHop("cut off")
        values: tuple[int, ...] = layout.unpack_from(self._body, self._at)
        self._at += layout.size
        return values

    def text(self, size: int) -> str:
        if not 0 <= size <= self.left:
            raise MalformedHop("cut off")
        raw = self._body[self._at : self._at + size]
        self._at += size
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise MalformedHop("no UTF-8") from None

    def long_text(self, bytes_max: int) -> str:
        (size,) = self.unpack(struct.Struct("!H"))
        if size > bytes_max:
            raise MalformedHop("a text is too long")
        return self.text(size)

    def workers(self, count_max: int) -> tuple[str, ...]:
        count, rest = divmod(self.left, 8)
        if rest or count > count_max:
            raise MalformedHop("no list of workers")
        workers = tuple(self.text(8) for _ in range(count))
        if not all(map(_WORKER.fullmatch, workers)):
            raise MalformedHop("no worker")
        return workers

    def numbers(self) -> tuple[int, ...]:
        count, rest = divmod(self.left, 2)
        if rest or count > NACK_NUMBERS_MAX:
            raise MalformedHop("no list of numbers")
        return self.unpack(struct.Struct(f"!{count}H"))
