"""Addresses to which a live may be pushed: rtmp and rtmps, and not into our own network. Pure."""

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import urlsplit

from media.errors import BadTarget

ADDRESS_CHARS_MAX, KEY_CHARS_MAX = 500, 300
_PORTS = {"rtmp": 1935, "rtmps": 443}
_PLAIN = re.compile(r"[\x21-\x7e]+")


class PushTarget(NamedTuple):
    """A server, an application on it, and the key, which is a secret."""

    address: str
    key: str

    @property
    def is_tls(self) -> bool:
        """Whether it is rtmps."""
        return urlsplit(self.address).scheme == "rtmps"

    @property
    def host(self) -> str:
        """A name, or an address without brackets."""
        return urlsplit(self.address).hostname or ""

    @property
    def port(self) -> int:
        """The TCP port."""
        parts = urlsplit(self.address)
        return parts.port or _PORTS[parts.scheme]

    def __repr__(self) -> str:
        return f"PushTarget({self.address!r}, …)"


def push_target(address: str, key: str) -> PushTarget:
    """Check an address as platforms show it, and a key.

    Raises:
        BadTarget: It is none; says why.
    """
    address = address.rstrip("/")
    if len(address) > ADDRESS_CHARS_MAX or not _PLAIN.fullmatch(address):
        raise BadTarget("The address has characters that no address has.")
    if len(key) > KEY_CHARS_MAX or not _PLAIN.fullmatch(key):
        raise BadTarget("The key has characters that no key has.")
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if host is None or parts.scheme not in _PORTS:
        raise BadTarget("The address begins with rtmp:// or rtmps:// and a host.")
    if parts.username is not None or parts.query or parts.fragment or port == 0:
        raise BadTarget("The address is a host, a port if need be, and a path.")
    if not parts.path.strip("/"):
        raise BadTarget("The address ends with the application, such as rtmp://host/live.")
    return PushTarget(address, key)


def is_ip_address(host: str) -> bool:
    """Whether a host is an address, not a name."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def is_public(address: str) -> bool:
    """Whether an IP address belongs to somebody else's network."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_global and not parsed.is_multicast
