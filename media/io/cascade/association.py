"""One association of two workers: its keys, its counters, what it sends and opens.

All keys are derived from a secret of the origin and from salts of both sides (HMAC-SHA256), one key
for each direction; the nonce is the packet's counter, so none is used twice. A recorded hello opens
nothing, since the origin's salt is another one each time.
"""

import hmac
from time import monotonic

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from media.cascade.replay_window import ReplayWindow
from media.errors import MalformedHop
from media.io.cascade.sender import RunSender
from media.stream.frames import TAG_BYTES, Run
from media.wire import hop
from media.wire.address import Address

KEY_BYTES = 16
_FIRST_NONCE = bytes(12)


def seal_hello(secret: bytes, header: hop.HelloHeader, hello: hop.Hello) -> bytes:
    """Return the datagram of an edge's first packet."""
    clear = hop.write_hello_header(header)
    cipher = _cipher(secret, b"hello", header.salt)
    return clear + cipher.encrypt(_FIRST_NONCE, hop.write_hello(hello), clear)


def open_hello(secret: bytes, header: hop.HelloHeader, datagram: bytes) -> hop.Hello:
    """Return what a first packet says; raises `MalformedHop` where it is not authentic."""
    clear, sealed = _split(datagram, hop.HELLO_HEADER_BYTES)
    return hop.parse_hello(_opened(_cipher(secret, b"hello", header.salt), 0, sealed, clear))


def seal_welcome(secret: bytes, salts: bytes, header: hop.WelcomeHeader) -> bytes:
    """Return the datagram of the origin's answer."""
    clear = hop.write_welcome_header(header)
    return clear + _cipher(secret, b"welcome", salts).encrypt(_FIRST_NONCE, b"", clear)


def check_welcome(secret: bytes, salts: bytes, datagram: bytes) -> None:
    """Raise `MalformedHop` where an answer is not authentic."""
    clear, sealed = _split(datagram, hop.WELCOME_HEADER_BYTES)
    _opened(_cipher(secret, b"welcome", salts), 0, sealed, clear)


class Association:
    """A `HopSender`; both sides have one, with the keys of both directions."""

    def __init__(
        self, number: int, secret: bytes, salts: bytes, sender: RunSender, address: Address,
        *, origin: bool,
    ) -> None:  # fmt: skip
        """`salts` are the edge's and the origin's; `origin`: this is the origin's side."""
        to_edge = _cipher(secret, b"to edge", salts)
        to_origin = _cipher(secret, b"to origin", salts)
        self.number = number
        self.address = address
        self.received_at = monotonic()
        self._out, self._in = (to_edge, to_origin) if origin else (to_origin, to_edge)
        self._sender = sender
        self._counter = 0
        self._window = ReplayWindow()

    def send_run(self, layer: int, run: Run) -> None:
        """Send packets of a layer, in one call of the kernel if it can."""
        first, self._counter = self._counter, self._counter + len(run.items)
        self._sender.send_run(
            self.number, first, layer, run, self._out.encrypt_into, self.address
        )  # fmt: skip

    def send_message(self, message: hop.Message) -> None:
        """Send a message."""
        counter, self._counter = self._counter, self._counter + 1
        clear = hop.write_control_header(self.number, counter)
        sealed = self._out.encrypt(counter.to_bytes(12, "big"), hop.write(message), clear)
        self._sender.send(clear + sealed, self.address)

    def open_media(self, header: hop.MediaHeader, datagram: bytes) -> bytes:
        """Return an RTP payload; raises `MalformedHop` where it is replayed or not authentic."""
        payload = self._open(header.counter, datagram, hop.MEDIA_HEADER_BYTES)
        return hop.unpadded(payload) if header.padded else payload

    def open_message(
        self, header: hop.ControlHeader, datagram: bytes, address: Address
    ) -> hop.Message:
        """Return a message; from now on the other side is at `address`.

        Raises:
            MalformedHop: It is replayed, not authentic, or none.
        """
        message = hop.parse(self._open(header.counter, datagram, hop.CONTROL_HEADER_BYTES))
        self.address = address
        return message

    def _open(self, counter: int, datagram: bytes, header_bytes: int) -> bytes:
        if not self._window.is_new(counter):
            raise MalformedHop("replayed")
        clear, sealed = _split(datagram, header_bytes)
        body = _opened(self._in, counter, sealed, clear)
        self._window.note(counter)
        self.received_at = monotonic()
        return body


def _cipher(secret: bytes, label: bytes, salts: bytes) -> AESGCM:
    return AESGCM(hmac.digest(secret, label + b"\0" + salts, "sha256")[:KEY_BYTES])


def _split(datagram: bytes, header_bytes: int) -> tuple[bytes, bytes]:
    if len(datagram) < header_bytes + TAG_BYTES:
        raise MalformedHop("no tag")
    return datagram[:header_bytes], datagram[header_bytes:]


def _opened(cipher: AESGCM, counter: int, sealed: bytes, clear: bytes) -> bytes:
    try:
        return cipher.decrypt(counter.to_bytes(12, "big"), sealed, clear)
    except InvalidTag:
        raise MalformedHop("not authentic") from None
