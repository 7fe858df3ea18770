"""The DTLS client of a light viewer, without I/O: datagrams in, datagrams out, then SRTP keys.

RFC 5764 (DTLS-SRTP), RFC 7714 (AES-GCM for SRTP), RFC 3711 (AES-CM). One certificate serves all.
"""

import datetime
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import pylibsrtp
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL import SSL

MTU_BYTES = 1_200
_KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class SrtpProfile:
    """How packets are protected."""

    name: bytes
    number: int  # of libsrtp
    salt_bytes: int


GCM = SrtpProfile(b"SRTP_AEAD_AES_128_GCM", pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 12)
CM = SrtpProfile(b"SRTP_AES128_CM_SHA1_80", pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 14)
PROFILES = (GCM, CM)


class HandshakeFailed(Exception):
    """The server's certificate or SRTP profile is wrong."""


@dataclass(frozen=True, slots=True)
class ClientContext:
    """What all viewers of a process share."""

    context: SSL.Context
    fingerprint: str

    @classmethod
    def create(cls, profiles: Sequence[SrtpProfile] = PROFILES) -> "ClientContext":
        """Make a certificate and a context that offers `profiles`, the best first."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "load")])
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=30))
            .sign(key, hashes.SHA256())
        )
        context = SSL.Context(SSL.DTLS_METHOD)
        context.use_certificate(certificate)
        context.use_privatekey(key)
        # The certificate is checked by the fingerprint in the answer, not by who signed it.
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
        context.set_tlsext_use_srtp(b":".join(profile.name for profile in profiles))
        der = certificate.public_bytes(serialization.Encoding.DER)
        return cls(context, fingerprint_of(der))


def fingerprint_of(der: bytes) -> str:
    """Return the SHA-256 fingerprint of a certificate as SDP writes it."""
    return ":".join(f"{byte:02X}" for byte in hashlib.sha256(der).digest())


class DtlsClient:
    """Feed `receive`, send `datagrams()`, until `done`; then `incoming` and `outgoing` exist."""

    def __init__(self, context: ClientContext, fingerprint: str) -> None:
        self._connection = SSL.Connection(context.context, None)
        self._connection.set_connect_state()
        self._connection.set_ciphertext_mtu(MTU_BYTES)
        self._fingerprint = fingerprint
        self.done = False
        self.closed = False
        self.incoming: pylibsrtp.Session | None = None
        self.outgoing: pylibsrtp.Session | None = None

    def start(self) -> None:
        """Begin the handshake."""
        self._advance()

    def receive(self, datagram: bytes) -> None:
        """Take one datagram; after the handshake only close_notify matters.

        Raises:
            HandshakeFailed: See there.
        """
        self._connection.bio_write(datagram)
        if not self.done:
            self._advance()
            return
        try:
            self._connection.recv(MTU_BYTES)
        except SSL.WantReadError:
            pass
        except SSL.Error:
            self.closed = True

    def retransmit(self) -> None:
        """Retransmit the last flight if its timer has expired; call it every tick."""
        if not self.done:
            self._connection.DTLSv1_handle_timeout()

    def datagrams(self) -> list[bytes]:
        """Return what is to be sent."""
        out = []
        while True:
            try:
                out.append(self._connection.bio_read(MTU_BYTES + 300))
            except SSL.WantReadError:
                return out

    def close_notify(self) -> list[bytes]:
        """Return the close_notify."""
        if self.done and not self.closed:
            self.closed = True
            try:
                self._connection.shutdown()
            except SSL.Error:
                return []
            return self.datagrams()
        return []

    def _advance(self) -> None:
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return
        except SSL.Error as error:
            raise HandshakeFailed(str(error)) from None
        self.done = True
        self._check_certificate()
        chosen = self._connection.get_selected_srtp_profile()
        profile = next((one for one in PROFILES if one.name == chosen), None)
        if profile is None:
            raise HandshakeFailed("the server chose none of the offered SRTP profiles")
        self._derive_keys(profile)

    def _check_certificate(self) -> None:
        certificate = self._connection.get_peer_certificate(as_cryptography=True)
        assert certificate is not None, "VERIFY_FAIL_IF_NO_PEER_CERT"
        der = certificate.public_bytes(serialization.Encoding.DER)
        if fingerprint_of(der) != self._fingerprint:
            raise HandshakeFailed("the server's certificate is not the one of its answer")

    def _derive_keys(self, profile: SrtpProfile) -> None:
        key_bytes, salt_bytes = _KEY_BYTES, profile.salt_bytes
        material = self._connection.export_keying_material(
            b"EXTRACTOR-dtls_srtp", 2 * (key_bytes + salt_bytes)
        )
        keys, salts = material[: 2 * key_bytes], material[2 * key_bytes :]
        client = keys[:key_bytes] + salts[:salt_bytes]
        server = keys[key_bytes:] + salts[salt_bytes:]
        inbound = pylibsrtp.Policy.SSRC_ANY_INBOUND
        outbound = pylibsrtp.Policy.SSRC_ANY_OUTBOUND
        self.incoming = pylibsrtp.Session(
            pylibsrtp.Policy(key=server, ssrc_type=inbound, srtp_profile=profile.number)
        )
        self.outgoing = pylibsrtp.Session(
            pylibsrtp.Policy(key=client, ssrc_type=outbound, srtp_profile=profile.number)
        )
