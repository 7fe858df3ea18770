"""RSA signatures with SHA-256 (RFC 8017 section 8.2), in Base64: as WeChat Pay and Alipay sign."""

import base64
import binascii
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate


def private_key(file: Path) -> RSAPrivateKey:
    """Return the RSA key of a PEM file.

    Raises:
        ValueError: It has none.
        OSError: It cannot be read.
    """
    key = load_pem_private_key(file.read_bytes(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("not an RSA key")
    return key


def public_key(file: Path) -> RSAPublicKey:
    """Return the RSA key of a PEM file that has a public key or a certificate.

    Raises:
        ValueError: It has none.
        OSError: It cannot be read.
    """
    pem = file.read_bytes()
    is_certificate = b"BEGIN CERTIFICATE" in pem
    key = (
        load_pem_x509_certificate(pem).public_key() if is_certificate else load_pem_public_key(pem)
    )
    if not isinstance(key, RSAPublicKey):
        raise ValueError("not an RSA key")
    return key


def sign(key: RSAPrivateKey, message: bytes) -> str:
    """Return the signature of a message: most of a millisecond of CPU with 2,048 bits."""
    return base64.b64encode(key.sign(message, PKCS1v15(), SHA256())).decode()


def verify(key: RSAPublicKey, message: bytes, signature: str) -> bool:
    """Whether a signature is the key's, of this message."""
    try:
        key.verify(base64.b64decode(signature, validate=True), message, PKCS1v15(), SHA256())
    except (binascii.Error, ValueError, InvalidSignature):
        return False
    return True
