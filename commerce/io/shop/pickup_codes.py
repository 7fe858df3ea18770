"""Makes pickup codes, random and signed; the key is derived, the same on all workers."""

import base64
import hashlib
import hmac
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from commerce.leaders.codes import signed_message
from commerce.orders.pickup import CODE_BITS, code_of


class PickupCodes:
    """Draws codes and signs them.

    Args:
        secret: What the signing key is derived from.
        random_bits: Where codes come from.
    """

    def __init__(self, secret: str, random_bits: Callable[[int], int]) -> None:
        seed = hmac.new(secret.encode(), b"linli pickup codes", hashlib.sha256).digest()
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self._random_bits = random_bits
        raw = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.public_key = _text(raw)
        """32 bytes in base64url without padding."""

    def draw(self) -> str:
        """Return a random code."""
        return code_of(self._random_bits(CODE_BITS))

    def sign(self, store_id: str, code: str) -> str:
        """Return the signature of a code of a store, in base64url without padding."""
        return _text(self._key.sign(signed_message(store_id, code)))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
