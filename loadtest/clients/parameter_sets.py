"""Layer changes as a viewer sees them: H.264 sequence parameter sets that differ.

Each layer of a simulcast has its own, as its resolution is in it. They come in a small packet of
their own before a key frame, so that only these packets need to be decrypted.
"""

from dataclasses import dataclass

# Larger packets, and those that end a frame, carry slices.
PACKET_BYTES_MAX = 256
_EXTENSION, _CSRCS = 0x10, 0x0F
_SPS, _STAP_A = 7, 24


@dataclass(slots=True)
class LayerAudit:
    """The parameter sets of one viewer's video."""

    changes: int = 0
    seen: int = 0
    last: bytes | None = None

    def take(self, packet: bytes) -> None:
        """Look into one decrypted RTP packet."""
        found = sequence_parameter_set(packet)
        if found is None:
            return
        self.seen += 1
        self.changes += self.last is not None and found != self.last
        self.last = found


def sequence_parameter_set(packet: bytes) -> bytes | None:
    """Return the first SPS in an RTP packet (RFC 6184 §5.6, §5.7.1); None if there is none."""
    begin = 12 + 4 * (packet[0] & _CSRCS)
    if packet[0] & _EXTENSION and len(packet) >= begin + 4:
        begin += 4 + 4 * int.from_bytes(packet[begin + 2 : begin + 4], "big")
    payload = packet[begin:]
    if not payload:
        return None
    if payload[0] & 0x1F == _SPS:
        return payload
    if payload[0] & 0x1F != _STAP_A:
        return None
    at = 1
    while at + 2 < len(payload):
        size = int.from_bytes(payload[at : at + 2], "big")
        unit = payload[at + 2 : at + 2 + size]
        if unit and unit[0] & 0x1F == _SPS:
            return unit
        at += 2 + size
    return None
