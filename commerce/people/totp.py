"""One-time passwords from an authenticator app (RFC 6238 over RFC 4226), and recovery codes.

HMAC-SHA-1, six digits, steps of 30 s: what authenticator apps assume. A code is good for its own
step and the one before and after it, as clocks differ, and once. Times are UTC seconds.
"""

import base64
import hashlib
import hmac
from urllib.parse import quote, urlencode

STEP_S = 30
DIGITS = 6
SKEW_STEPS = 1
SECRET_BYTES = 20  # RFC 4226 section 4: as long as the hash
RECOVERY_CODES = 10
RECOVERY_BYTES = 10  # 80 bits: not guessed, even by whoever has its hash
_RECOVERY_CHARS = 16
_GROUP_CHARS = 4
_LOOKALIKES = str.maketrans("01", "OI")  # base32 has neither digit


def step_at(at_s: float) -> int:
    """Return the number of the step that a time lies in."""
    return int(at_s // STEP_S)


def code_at(secret: bytes, step: int) -> str:
    """Return the code of a step (RFC 4226 section 5.3)."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), hashlib.sha1)
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def matching_step(secret: bytes, typed: str, *, at_s: float, after_step: int) -> int | None:
    """Return the step whose code was typed; only steps after `after_step` are good.

    Spaces are ignored: apps show two groups of three digits.
    """
    code = "".join(typed.split())
    if len(code) != DIGITS or not (code.isascii() and code.isdecimal()):
        return None
    now = step_at(at_s)
    found = None
    for step in range(now - SKEW_STEPS, now + SKEW_STEPS + 1):
        if hmac.compare_digest(code_at(secret, step), code) and step > after_step:
            found = step
    return found


def base32(secret: bytes) -> str:
    """Return a secret as people type it into an app, without padding."""
    return base64.b32encode(secret).decode().rstrip("=")


def provisioning_uri(secret: bytes, *, issuer: str, account: str) -> str:
    """Return what the QR code for an app holds (the Key URI format of Google Authenticator)."""
    label = quote(f"{issuer}:{account}")
    query = urlencode({"secret": base32(secret), "issuer": issuer}, quote_via=quote)
    return f"otpauth://totp/{label}?{query}"


def recovery_code(random: bytes) -> str:
    """Return a recovery code of `RECOVERY_BYTES` random bytes, in groups of four."""
    assert len(random) == RECOVERY_BYTES
    text = base32(random)
    return "-".join(text[at : at + _GROUP_CHARS] for at in range(0, len(text), _GROUP_CHARS))


def recovery_hash(staff_id: str, typed: str) -> str | None:
    """Return the hash by which a recovery code is known, or None if it cannot be one.

    Codes are long and random: a plain hash of one cannot be reversed by guessing.
    """
    plain = "".join(char for char in typed.upper() if char.isalnum()).translate(_LOOKALIKES)
    if len(plain) != _RECOVERY_CHARS or not plain.isascii():
        return None
    return hashlib.sha256(f"{staff_id}:{plain}".encode()).hexdigest()
