"""The path of one layer to one viewer: address, cipher, and how its numbers are moved. Pure."""

from collections.abc import Callable

from media.wire.address import Address

# AES-GCM by hand: nonce, plain text, header, where cipher text and tag go.
EncryptInto = Callable[[bytes, bytes, memoryview, memoryview], object]
Protect = Callable[[bytes], bytes]


class Leg:
    """Where one viewer gets one layer, `shift` and `ticks` away from the layer's own numbers."""

    __slots__ = (
        "address", "base", "encrypt_into", "nonce", "profile", "protect", "shift", "ticks",
    )  # fmt: skip

    def __init__(self, payload_type: int, stamp_id: int, number_id: int = 0) -> None:
        self.address: Address = ("", 0)
        self.encrypt_into: EncryptInto | None = None  # AES-GCM by hand, or else
        self.protect: Protect | None = None  # libsrtp
        self.nonce = 0
        # A layer's number minus this is the index of the cipher: the receiver's rollover counter
        # starts at 0 with the first packet it sees.
        self.base = 0
        self.shift = 0
        self.ticks = 0
        # What makes headers differ: payload type, ids of the time of sending and of the
        # transport-wide number that is sent instead if it is not 0, shift, ticks.
        self.profile = (payload_type, stamp_id, number_id, 0, 0)

    def moved(self, shift: int, ticks: int) -> "Leg":
        """Return the leg for another layer; frames that wait to be sent keep this one."""
        leg = Leg(*self.profile[:3])
        leg.address, leg.encrypt_into, leg.protect = self.address, self.encrypt_into, self.protect
        leg.nonce = self.nonce
        leg.base = self.base + self.shift - shift
        leg.shift, leg.ticks = shift, ticks & 0xFFFFFFFF
        leg.profile = (*self.profile[:3], leg.shift & 0xFFFF, leg.ticks)
        return leg
