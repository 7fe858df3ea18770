"""Secrets of others that we have to show them to third parties: sealed in the record (AES-GCM)."""

import base64
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES = 12


class Sealer:
    """Seals with a key that is derived from the secret of this installation, for one `purpose`."""

    def __init__(self, secret: str, purpose: str) -> None:
        derived = HKDF(SHA256(), 32, None, purpose.encode()).derive(secret.encode())
        self._cipher = AESGCM(derived)

    def seal(self, text: str, belongs_to: str) -> str:
        """Return `text` sealed; it opens only for what it `belongs_to`."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, text.encode(), belongs_to.encode())
        return base64.urlsafe_b64encode(nonce + sealed).decode()

    def open(self, sealed: str, belongs_to: str) -> str | None:
        """Return the text; None: it was sealed by another secret, or for something else."""
        try:
            data = base64.urlsafe_b64decode(sealed)
            nonce, rest = data[:NONCE_BYTES], data[NONCE_BYTES:]
            return self._cipher.decrypt(nonce, rest, belongs_to.encode()).decode()
        except (ValueError, InvalidTag):
            return None
