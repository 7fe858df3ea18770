"""Addresses of peers as sockets give them, and as ICE and STUN write them."""

from ipaddress import IPv4Address, IPv6Address, ip_address

# As the kernel gives it, which for IPv6 adds flow and scope: the key of a peer, never rewritten.
Address = tuple[str, int] | tuple[str, int, int, int]


def ip_of(text: str) -> IPv4Address | IPv6Address:
    """Return the IP address; that of an IPv4 peer, too, that a socket of both families gives.

    Raises:
        ValueError: It is none.
    """
    ip = ip_address(text.partition("%")[0])
    return ip.ipv4_mapped or ip if isinstance(ip, IPv6Address) else ip
