"""SRTP keys: libsrtp for what is rare, AES-GCM by hand for what viewers get (RFC 7714)."""

from collections.abc import Callable

import pylibsrtp
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pylibsrtp._binding import ffi, lib

from media.forwarding.leg import EncryptInto
from media.io.webrtc.dtls import Keys

# RFC 3711 section 3.3.2 requires at least 64; a burst of a key frame overtakes more.
REPLAY_WINDOW = 1_024
OUTBOUND_BYTES = 1_472 + 144  # the longest that we send, and what pylibsrtp keeps free
INBOUND_BYTES_MAX = 2_048
_DATA = ffi.new("char[]", INBOUND_BYTES_MAX)
_BUFFER = ffi.buffer(_DATA)
_SIZE = ffi.new("int *")
_KEY_LABEL = 0
_SALT_LABEL = 2


class Inbound:
    """Unprotects what the peer sends. All use one buffer, as pylibsrtp's would not."""

    def __init__(self, keys: Keys) -> None:
        self._session = _session(keys, keys.theirs, pylibsrtp.Policy.SSRC_ANY_INBOUND)
        self._srtp = self._session._srtp[0]

    def unprotect(self, datagram: bytes) -> bytes:
        """Return the RTP packet.

        Raises:
            ValueError: It is forged, was received before, or is longer than any is.
        """
        return self._open(datagram, lib.srtp_unprotect)

    def unprotect_rtcp(self, datagram: bytes) -> bytes:
        """Return the compound RTCP packet; raises as `unprotect` does."""
        return self._open(datagram, lib.srtp_unprotect_rtcp)

    def _open(self, datagram: bytes, unprotect: Callable[..., int]) -> bytes:
        size = len(datagram)
        if size > INBOUND_BYTES_MAX:
            raise ValueError("longer than any packet is")
        _BUFFER[:size] = datagram
        _SIZE[0] = size
        if status := unprotect(self._srtp, _DATA, _SIZE):
            raise ValueError(f"libsrtp refuses it: {status}")
        clear: bytes = _BUFFER[: _SIZE[0]]
        return clear


def outbound(keys: Keys) -> pylibsrtp.Session:
    """Return a session that protects what we send; a packet may be retransmitted."""
    session = _session(keys, keys.ours, pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
    # Its buffer has room for the longest trailer of any profile beside 1,356 bytes, and hosts
    # (GStreamer) send more; what we send has a tag of 16 bytes at most.
    session._cdata = ffi.new("char[]", OUTBOUND_BYTES)
    session._buffer = ffi.buffer(session._cdata)
    return session


def _session(keys: Keys, key: bytes, direction: int) -> pylibsrtp.Session:
    policy = pylibsrtp.Policy(
        key=key, ssrc_type=direction, srtp_profile=keys.profile.libsrtp_profile
    )
    policy.allow_repeat_tx = True
    policy.window_size = REPLAY_WINDOW
    return pylibsrtp.Session(policy)


class Gcm:
    """AEAD_AES_128_GCM of what we send: `encrypt_into(nonce, payload, header, body)`.

    `body` takes the encrypted payload and the tag of 16 bytes. The nonce of a packet is
    `nonce_base(ssrc) ^ index` as 12 bytes, index = rollover counter << 16 | sequence number (RFC
    7714 section 8.1). An index must never be used for two different packets.
    """

    def __init__(self, keys: Keys) -> None:
        assert keys.is_gcm
        key, salt = keys.ours[:16], keys.ours[16:28]
        cipher = AESGCM(_derive(key, salt, _KEY_LABEL, 16))
        self.encrypt_into: EncryptInto = cipher.encrypt_into
        self._salt = int.from_bytes(_derive(key, salt, _SALT_LABEL, 12), "big")

    def nonce_base(self, ssrc: int) -> int:
        """Return the nonce of index 0."""
        return ssrc << 48 ^ self._salt


def _derive(key: bytes, salt: bytes, label: int, size: int) -> bytes:
    """RFC 3711 section 4.3 with a key derivation rate of 0; GCM's salt is padded to 112 bits."""
    x = (int.from_bytes(salt, "big") << 16 ^ label << 48) << 16
    encryptor = Cipher(algorithms.AES(key), modes.CTR(x.to_bytes(16, "big"))).encryptor()
    return encryptor.update(bytes(size))
