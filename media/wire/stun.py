"""The part of STUN (RFC 8489) that an ICE-lite agent (RFC 8445) needs: connectivity checks.

An incoming check costs about a fifth of what a general parser costs; every viewer sends one every
few seconds, so it counts. Our own requests only measure the RTT.
"""

import binascii
import hmac
import struct
from dataclasses import dataclass

from media.errors import MalformedStun
from media.wire.address import Address, ip_of

COOKIE = 0x2112A442
BINDING_REQUEST = 0x0001
BINDING_SUCCESS = 0x0101
BINDING_ERROR = 0x0111
USERNAME = 0x0006
MESSAGE_INTEGRITY = 0x0008
PRIORITY = 0x0024
ERROR_CODE = 0x0009
XOR_MAPPED_ADDRESS = 0x0020
USE_CANDIDATE = 0x0025
SOFTWARE = 0x8022
FINGERPRINT = 0x8028
ICE_CONTROLLED = 0x8029

HEADER_BYTES = 20
TRANSACTION_ID_BYTES = 12
INTEGRITY_BYTES = 24
FINGERPRINT_XOR = 0x5354554E
MESSAGE_BYTES_MAX = 1_500
USERNAME_BYTES_MAX = 513

_HEADER = struct.Struct("!HHI12s")
_ATTRIBUTE = struct.Struct("!HH")


@dataclass(frozen=True, slots=True)
class Binding:
    """A parsed request, or an answer that is a success. Integrity is not yet checked.

    `username` of a request is `{our ufrag}:{theirs}`, "" of an answer.
    """

    transaction_id: bytes
    answer: bool
    username: str
    use_candidate: bool
    integrity_at: int  # offset of MESSAGE-INTEGRITY
    raw: bytes

    @property
    def ufrag(self) -> str:
        """Our half of the user name (RFC 8445 section 7.2.2)."""
        return self.username.partition(":")[0]

    def authentic(self, password: bytes) -> bool:
        """Whether the sender knows `password` (RFC 8489 section 14.5)."""
        at = self.integrity_at
        # The length in the hashed header ends with this attribute, whatever follows it.
        covered = b"".join(
            (self.raw[:2], struct.pack("!H", at - HEADER_BYTES + INTEGRITY_BYTES), self.raw[4:at])
        )
        digest = hmac.digest(password, covered, "sha1")
        return hmac.compare_digest(digest, self.raw[at + 4 : at + INTEGRITY_BYTES])


def parse(raw: bytes) -> Binding:
    """Parse a binding request with user name and integrity, or a success with integrity.

    Raises:
        MalformedStun: Something else, or broken.
    """
    size = len(raw)
    if not HEADER_BYTES <= size <= MESSAGE_BYTES_MAX:
        raise MalformedStun("no STUN message has that size")
    kind, length, cookie, transaction_id = _HEADER.unpack_from(raw)
    answer = kind == BINDING_SUCCESS
    known = answer or kind == BINDING_REQUEST
    if not known or cookie != COOKIE or length != size - HEADER_BYTES or length & 3:
        raise MalformedStun("not a binding request, nor the answer to one")
    username, use_candidate, integrity_at = b"" if answer else None, False, 0
    at = HEADER_BYTES
    while at + 4 <= size:
        attribute, length = _ATTRIBUTE.unpack_from(raw, at)
        end = at + 4 + length
        if end > size:
            raise MalformedStun("an attribute is longer than the message")
        if attribute == USERNAME:
            username = raw[at + 4 : end]
        elif attribute == USE_CANDIDATE:
            use_candidate = True
        elif attribute == MESSAGE_INTEGRITY:
            if length != INTEGRITY_BYTES - 4:
                raise MalformedStun("the integrity has a wrong length")
            integrity_at = at
            break  # what follows is not covered and therefore ignored, bar the fingerprint
        at = end + (-length & 3)
    if username is None or not integrity_at or len(username) > USERNAME_BYTES_MAX:
        raise MalformedStun("no user name or no integrity")
    try:
        name = username.decode("ascii")
    except UnicodeDecodeError:
        raise MalformedStun("the user name is not ASCII") from None
    return Binding(transaction_id, answer, name, use_candidate, integrity_at, raw)


def binding_request(transaction_id: bytes, username: str, password: bytes) -> bytes:
    """Return a request to a peer that gave us `{its ufrag}:{ours}` and its password.

    It checks no candidate, and an agent that does none is always controlled (RFC 8445 section 7.1).
    """
    name = username.encode()
    body = _attribute(USERNAME, name)
    body += _attribute(PRIORITY, bytes((0, 0, 0, 1)))
    body += _attribute(ICE_CONTROLLED, bytes(8))
    return _protected(BINDING_REQUEST, transaction_id, body, password)


def binding_success(transaction_id: bytes, address: Address, password: bytes) -> bytes:
    """Return the answer to a request from `address` (RFC 8489 sections 14.2, 14.5, 14.7)."""
    body = _attribute(XOR_MAPPED_ADDRESS, _xor_mapped(transaction_id, address))
    return _protected(BINDING_SUCCESS, transaction_id, body, password)


def reachability_request(transaction_id: bytes) -> bytes:
    """Return a request without credentials, which asks only whether somebody answers."""
    body = _attribute(SOFTWARE, b"linli doctor")
    return _HEADER.pack(BINDING_REQUEST, len(body), COOKIE, transaction_id) + body


def bad_request(raw: bytes) -> bytes:
    """Return the answer 400 to a request without credentials (RFC 8489 section 9.1.3).

    b"" to anything else, and to a request that is shorter than its answer: an address that somebody
    forged must not get more than was sent in its name.
    """
    if len(raw) < HEADER_BYTES:
        return b""
    kind, length, cookie, transaction_id = _HEADER.unpack_from(raw)
    if (kind, length, cookie) != (BINDING_REQUEST, len(raw) - HEADER_BYTES, COOKIE):
        return b""
    body = _attribute(ERROR_CODE, bytes((0, 0, 4, 0)))
    answer = _HEADER.pack(BINDING_ERROR, len(body), COOKIE, transaction_id) + body
    return answer if len(answer) <= len(raw) else b""


def is_bad_request_answer(raw: bytes, transaction_id: bytes) -> bool:
    """Whether it answers the `reachability_request` of that id."""
    return raw[:2] == BINDING_ERROR.to_bytes(2, "big") and raw[8:HEADER_BYTES] == transaction_id


def _attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(kind, len(value)) + value + bytes(-len(value) & 3)


def _protected(kind: int, transaction_id: bytes, body: bytes, password: bytes) -> bytes:
    head = _HEADER.pack(kind, len(body) + INTEGRITY_BYTES, COOKIE, transaction_id)
    digest = hmac.digest(password, head + body, "sha1")
    body += _attribute(MESSAGE_INTEGRITY, digest)
    head = _HEADER.pack(kind, len(body) + 8, COOKIE, transaction_id)
    checksum = binascii.crc32(head + body) ^ FINGERPRINT_XOR
    return head + body + _attribute(FINGERPRINT, struct.pack("!I", checksum))


def _xor_mapped(transaction_id: bytes, address: Address) -> bytes:
    host = ip_of(address[0])
    mask = struct.pack("!I", COOKIE) + transaction_id
    packed = bytes(a ^ b for a, b in zip(host.packed, mask, strict=False))
    return struct.pack("!BBH", 0, 1 if host.version == 4 else 2, address[1] ^ COOKIE >> 16) + packed
