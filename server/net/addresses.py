"""Whose request it is: addresses of clients, alone or behind proxies that we trust.

Every proxy appends to X-Forwarded-For the address from which it was asked. What stands to the left
of our own proxies' entries was written by the client and proves nothing.
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

HOPS_MAX = 16
ENTRIES_MAX = 32
ADDRESSES_KEPT_MAX = 4_096
"""Addresses that need not be parsed again: each request of a neighbour asks for its own."""
IPV6_PREFIX = 64
"""One household or one rented machine has a whole /64 (RFC 6177): it is limited as one."""
_HOST_NAME = re.compile(r"(?!-)[\w-]{1,63}(\.(?!-)[\w-]{1,63})*\.?")
NO_ADDRESS = "unknown"
NONE = ("", "0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxies in front of us: by address, or by how many there are in a row."""

    networks: tuple[Network, ...] = ()
    hops: int = 0

    @classmethod
    def parse(cls, parts: Sequence[str]) -> "Proxies":
        """Read `127.0.0.1`, `10.0.0.0/8, fd00::/8` or a number of hops such as `2`.

        Raises:
            ValueError: It is neither; the text says what to write instead.
        """
        if all(part.lower() in NONE for part in parts):
            return cls()
        if len(parts) == 1 and parts[0].isascii() and parts[0].isdigit():
            hops = int(parts[0])
            if hops > HOPS_MAX:
                raise ValueError(f"{hops} proxies in a row are not plausible")
            return cls(hops=hops)
        try:
            return cls(tuple(ipaddress.ip_network(part, strict=False) for part in parts))
        except ValueError:
            raise ValueError(
                "name the proxies by address, such as 127.0.0.1, 10.0.0.0/8, "
                "or say how many there are in a row, such as 1"
            ) from None

    def __bool__(self) -> bool:
        return self.hops > 0 or bool(self.networks)

    def trusts(self, address: str) -> bool:
        """Whether the peer at `address` is a proxy of ours."""
        return self.hops > 0 or self._is_ours(_parse(address))

    def client(self, peer: str, forwarded: Iterable[str]) -> str:
        """Return the address of the client.

        Args:
            peer: From where the connection comes.
            forwarded: All X-Forwarded-For fields of the request, in order.
        """
        if not self.trusts(peer):
            return peer
        entries = ",".join(forwarded).split(",")[-ENTRIES_MAX:]
        if self.hops > 0:
            named = _parse(entries[-self.hops]) if self.hops <= len(entries) else None
            return str(named) if named else peer
        client = peer
        for entry in reversed(entries):
            address = _parse(entry)
            if address is None:
                break
            client = str(address)
            if not self._is_ours(address):
                break
        return client

    def _is_ours(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self.networks)


def candidate_of(text: str) -> str:
    """Return what peers may be given to send to: an address without brackets, or a host name.

    Raises:
        ValueError: It is neither, or nobody can be reached there; the text says why.
    """
    plain = text.removeprefix("[").removesuffix("]") if text.startswith("[") else text
    try:
        address = ipaddress.ip_address(plain)
    except ValueError:
        if not _HOST_NAME.fullmatch(text) or text.rpartition(".")[2].isdigit():
            raise ValueError(
                f"{text!r} is neither an address nor a host name, without a port or a scheme"
            ) from None
        return text
    if address.is_unspecified or address.is_multicast:
        raise ValueError(f"nobody can be reached at {text}: name the address that clients use")
    return plain


def limit_key(address: str) -> str:
    """Return by what an address is limited: itself, or the /64 of an IPv6 address."""
    parsed = _parse(address)
    if parsed is None:
        return address or NO_ADDRESS
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return str(ipaddress.IPv6Network((int(parsed), IPV6_PREFIX), strict=False))


def is_loopback(address: str) -> bool:
    """Whether it is this machine itself."""
    parsed = _parse(address)
    return parsed is not None and parsed.is_loopback


@lru_cache(ADDRESSES_KEPT_MAX)
def _parse(text: str) -> Address | None:
    """Read an address with or without port, brackets or zone; IPv4 in IPv6 is IPv4."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
