"""The one UDP socket of a worker: of both families, so that IPv4 and IPv6 peers share its port."""

import errno
import socket

BUFFER_BYTES = 8 << 20
_SO_RCVBUFFORCE = 33
_SO_SNDBUFFORCE = 32
_SO_TIMESTAMPNS = 35
# What a kernel without IPv6 says.
_NO_IPV6 = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.ENOPROTOOPT)


def open_socket(port: int) -> socket.socket:
    """Bind `port` (0: any) on all addresses, IPv6 ones too if there are any, with large buffers.

    Raises:
        OSError: The port is taken.
    """
    try:
        return _open(socket.AF_INET6, "::", port)
    except OSError as error:
        if error.errno not in _NO_IPV6:
            raise
    return _open(socket.AF_INET, "0.0.0.0", port)


def _open(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        for forced, plain in (
            (_SO_RCVBUFFORCE, socket.SO_RCVBUF),
            (_SO_SNDBUFFORCE, socket.SO_SNDBUF),
        ):
            try:
                sock.setsockopt(socket.SOL_SOCKET, forced, BUFFER_BYTES)
            except OSError:  # needs CAP_NET_ADMIN; without it the kernel's limit applies
                sock.setsockopt(socket.SOL_SOCKET, plain, BUFFER_BYTES)
        # Packets are read some milliseconds after they arrived.
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        sock.setblocking(False)
        sock.bind((host, port))
    except BaseException:
        sock.close()
        raise
    return sock
