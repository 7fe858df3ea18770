"""AES-GCM by hand gives the very bytes that libsrtp gives."""

import struct

import pytest
from aiortc.rtcdtlstransport import SRTP_AEAD_AES_128_GCM

from media.io.webrtc.dtls import Keys
from media.io.webrtc.srtp import Gcm, Inbound, outbound

KEYS = Keys(SRTP_AEAD_AES_128_GCM, ours=bytes(range(28)), theirs=bytes(range(28)))
SSRC = 0xDEADBEEF


@pytest.mark.parametrize("sequence", [0, 1, 40_000])
def test_a_packet_encrypted_by_hand_equals_libsrtps(sequence: int) -> None:
    header = struct.pack("!BBHII", 0x80, 96, sequence, 12_345, SSRC)
    assert _by_hand(Gcm(KEYS), sequence, header) == outbound(KEYS).protect(header + b"payload")


def test_the_rollover_counter_goes_into_the_nonce() -> None:
    gcm, receiver = Gcm(KEYS), Inbound(KEYS)
    for index in (65_535, 65_536, 65_537):
        header = struct.pack("!BBHII", 0x80, 96, index & 0xFFFF, 0, SSRC)
        protected = _by_hand(gcm, index, header)
        assert receiver.unprotect(protected) == header + b"payload"
        with pytest.raises(ValueError):
            receiver.unprotect(protected[:-1] + b"x")


def _by_hand(gcm: Gcm, index: int, header: bytes) -> bytes:
    nonce = (gcm.nonce_base(SSRC) ^ index).to_bytes(12, "big")
    body = bytearray(len(b"payload") + 16)
    gcm.encrypt_into(nonce, b"payload", memoryview(header), memoryview(body))
    return header + bytes(body)
