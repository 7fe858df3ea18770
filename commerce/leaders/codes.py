"""How a leader's phone knows pickup codes without a network.

A QR carries the code and a signature (Ed25519, RFC 8032) of it and its store: whoever has the
public key can check it, and nobody but the server can make one. A code that is typed has no
signature; for those the phone keeps a digest of each open code of the day, slow enough (PBKDF2,
RFC 8018) that the 45 random bits of a code are not found from it.

web/src/lib/leader/offline-codes.ts does the same; tests/vectors/signed_pickup_codes.json binds
both.
"""

import hashlib

DIGEST_ITERATIONS = 20_000
DIGEST_BYTES = 16


def signed_message(store_id: str, code: str) -> bytes:
    """Return what the signature of a code signs."""
    return f"linli pickup 1\n{store_id}\n{code}".encode()


def code_digest(store_id: str, code: str) -> str:
    """Return the digest by which a phone knows a code that is typed, in hexadecimal."""
    salt = f"linli pickup 1\n{store_id}".encode()
    found = hashlib.pbkdf2_hmac("sha256", code.encode(), salt, DIGEST_ITERATIONS, DIGEST_BYTES)
    return found.hex()
