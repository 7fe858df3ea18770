"""DTLS-SRTP handshakes over somebody else's socket (RFC 5764), with one certificate per worker.

AEAD_AES_128_GCM is preferred: browsers then choose it, and it costs a third of AES-CM with
HMAC-SHA1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AES128_CM_SHA1_80,
    RTCCertificate,
    SRTPProtectionProfile,
    certificate_digest,
)
from OpenSSL import SSL

PROFILES = (SRTP_AEAD_AES_128_GCM, SRTP_AES128_CM_SHA1_80)
DATAGRAM_BYTES_MAX = 1_200
FLIGHT_BYTES_MAX = 1_500  # several records in one datagram
RECORD_HEADER_BYTES = 13
_EXPORTER = b"EXTRACTOR-dtls_srtp"


class DtlsFailed(Exception):
    """The handshake failed, or the peer is not whom its offer named."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What a handshake yields: master keys with salts, and their profile."""

    profile: SRTPProtectionProfile
    ours: bytes
    theirs: bytes

    @property
    def is_gcm(self) -> bool:
        """Whether packets are encrypted with AES-GCM."""
        return self.profile is SRTP_AEAD_AES_128_GCM


class DtlsIdentity:
    """Our certificate and the context that all handshakes share."""

    def __init__(self) -> None:
        certificate = RTCCertificate.generateCertificate()
        prints = {print.algorithm: print.value for print in certificate.getFingerprints()}
        self.fingerprint = prints["sha-256"]
        self.context = certificate._create_ssl_context(list(PROFILES))
        self.context.set_options(SSL.OP_NO_QUERY_MTU)


class Handshake:
    """One DTLS connection: feed `receive`, call `handle_timeout` now and then."""

    def __init__(
        self,
        identity: DtlsIdentity,
        *,
        client: bool,
        fingerprints: Sequence[tuple[str, str]],
        send: Callable[[bytes], None],
    ) -> None:
        self._connection = SSL.Connection(identity.context)
        self._client = client
        self._fingerprints = fingerprints
        self._send = send
        self.keys: Keys | None = None
        self.closed = False
        self.flights = 0  # how many new ones were sent
        self.resent = 0  # and how many once more, since the peer seemed not to have received it
        self._flight: list[bytes] = []  # our newest one
        self._answered = b""  # the peer's messages that it answers
        if client:
            self._connection.set_connect_state()
        else:
            self._connection.set_accept_state()
        self._connection.set_ciphertext_mtu(DATAGRAM_BYTES_MAX)

    def start(self) -> None:
        """As client, send the first flight.

        Raises:
            DtlsFailed: The handshake is over.
        """
        if self._client and self.keys is None:
            self._step()

    def receive(self, datagram: bytes) -> bool:
        """Take a datagram; True at the moment the keys are there.

        Raises:
            DtlsFailed: The handshake is over.
        """
        messages = datagram[RECORD_HEADER_BYTES:]
        if messages == self._answered:
            # The peer resends its flight, so our answer was lost. OpenSSL would wait for a second,
            # while browsers resend after 50 ms.
            self.resent += 1
            for lost in self._flight:
                self._send(lost)
        self._connection.bio_write(datagram)
        if self.keys is None:
            before = self._flight
            connected = self._step()
            if self._flight is not before:
                self._answered = messages
            return connected
        try:
            while True:  # application data is read and dropped
                self._connection.recv(DATAGRAM_BYTES_MAX)
        except SSL.ZeroReturnError:
            self.closed = True
        except SSL.Error:
            pass  # nothing is left
        self._flush()
        return False

    def handle_timeout(self) -> None:
        """Retransmit handshake messages when they are due (RFC 6347 section 4.2.4)."""
        if self.keys is None:
            try:
                if self._connection.DTLSv1_handle_timeout():
                    self._flush()
            except SSL.Error as error:
                raise DtlsFailed(str(error)) from None

    def close(self) -> None:
        """Send close_notify; idempotent."""
        if self.closed:
            return
        self.closed = True
        try:
            self._connection.shutdown()
        except SSL.Error:
            return
        self._flush()

    def _step(self) -> bool:
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            self._flush()
            return False
        except SSL.Error as error:
            self._flush()
            raise DtlsFailed(str(error)) from None
        self._flush()
        self._check_fingerprint()
        self.keys = self._export()
        return True

    def _check_fingerprint(self) -> None:
        certificate = self._connection.get_peer_certificate(as_cryptography=True)
        if certificate is None:
            raise DtlsFailed("the peer showed no certificate")
        for algorithm, value in self._fingerprints:
            if certificate_digest(certificate, algorithm) == value:
                return
        raise DtlsFailed("the peer's certificate is not the one in its offer")

    def _export(self) -> Keys:
        chosen = self._connection.get_selected_srtp_profile()
        for profile in PROFILES:
            if profile.openssl_profile == chosen:
                break
        else:
            raise DtlsFailed("no SRTP profile in common")
        size = 2 * (profile.key_length + profile.salt_length)
        material = self._connection.export_keying_material(_EXPORTER, size)
        client, server = (profile.get_key_and_salt(material, at) for at in (0, 1))
        ours, theirs = (client, server) if self._client else (server, client)
        return Keys(profile, ours, theirs)

    def _flush(self) -> None:
        flight = []
        while True:
            try:
                flight.append(self._connection.bio_read(FLIGHT_BYTES_MAX))
            except SSL.Error:
                break
        for datagram in flight:
            self._send(datagram)
        if flight:
            self.flights += 1
            self._flight = flight
