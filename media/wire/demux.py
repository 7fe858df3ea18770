"""Demultiplexes one UDP port by the first bytes (RFC 7983 section 7, RFC 5761 section 4)."""

from enum import IntEnum

# RTCP packet types 192–223, in the byte where RTP has its marker bit and payload type.
_RTCP_TYPES = range(192, 224)


class Kind(IntEnum):
    """The protocol of a datagram."""

    UNKNOWN = 0
    STUN = 1
    DTLS = 2
    RTP = 3
    RTCP = 4


_BY_FIRST_BYTE = tuple(
    Kind.STUN
    if first < 4
    else Kind.DTLS
    if 20 <= first <= 63
    else Kind.RTP
    if 128 <= first <= 191
    else Kind.UNKNOWN
    for first in range(256)
)


def kind_of(datagram: bytes) -> Kind:
    """Return the protocol of `datagram`; UNKNOWN for any other, an empty one too."""
    if len(datagram) < 2:
        return Kind.UNKNOWN
    kind = _BY_FIRST_BYTE[datagram[0]]
    if kind is Kind.RTP and datagram[1] in _RTCP_TYPES:
        return Kind.RTCP
    return kind
