"""The child process: a greeting and FLV on standard input, the same media by RTMP to a target.

It writes a line once the target has accepted the stream; its exit code says why it ended. The
target's name is resolved once: the connection goes to one of the addresses that were checked.
"""

import json
import os
import secrets
import select
import signal
import socket
import ssl
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any

from media.errors import Malformed, PublishRefused
from media.io.fed_child import lower_priority
from media.wire.flv_reader import FlvReader, Tag
from media.wire.flv_tags import TagType
from media.wire.rtmp_publisher import RtmpPublisher
from media.wire.rtmp_url import PushTarget, is_public

CONNECT_TIMEOUT_S = 20
SEND_TIMEOUT_S = 10.0
ACCEPTED = b"accepted\n"
NONCE_BYTES = 1_528
READ_BYTES = 1 << 16
_GREETING_BYTES_MAX = 4_096


class Exit(IntEnum):
    """Why the child ended."""

    DONE = 0
    NO_SUCH_HOST = 10
    PRIVATE_ADDRESS = 11
    NOT_ACCEPTED = 12  # the target is not there, or refuses the key
    BROKE_OFF = 13


class Refused(Exception):
    """The target may not be pushed to."""

    def __init__(self, exit_code: Exit) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code


def greeting(target: PushTarget, *, private: bool) -> bytes:
    """Return what the child is to get first."""
    values = {"address": target.address, "key": target.key, "private": private}
    return json.dumps(values).encode() + b"\n"


def main() -> Exit:
    """Push until the input or the connection ends."""
    lower_priority()
    asked = json.loads(_line())
    target = PushTarget(asked["address"], asked["key"])
    signal.alarm(CONNECT_TIMEOUT_S)
    try:
        addresses = checked_addresses(target, private=asked["private"])
        with connect(target, addresses) as connection:
            publisher = RtmpPublisher(target.address, target.key, secrets.token_bytes(NONCE_BYTES))
            while not publisher.accepted:
                connection.sendall(publisher.data_to_send())
                _receive(connection, publisher)
            signal.alarm(0)
            os.write(1, ACCEPTED)
            return _push(connection, publisher)
    except Refused as refused:
        return refused.exit_code
    except (OSError, Malformed, PublishRefused):
        return Exit.NOT_ACCEPTED


def checked_addresses(
    target: PushTarget, *, private: bool, resolve: Callable[..., Sequence[Any]] = socket.getaddrinfo
) -> list[str]:
    """Resolve the target's name, once.

    Raises:
        Refused: It has no address, or not all of them are in somebody else's network.
    """
    try:
        found = resolve(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Refused(Exit.NO_SUCH_HOST) from None
    addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
    if not private and not all(map(is_public, addresses)):
        raise Refused(Exit.PRIVATE_ADDRESS)
    return addresses


def connect(
    target: PushTarget,
    addresses: Sequence[str],
    open_connection: Callable[..., socket.socket] = socket.create_connection,
) -> socket.socket:
    """Connect to the first of the addresses that answers; TLS checks the target's name.

    Raises:
        OSError: None of them answers, or the certificate is not the name's.
    """
    failed: OSError = ConnectionError("no address")
    for address in addresses:
        try:
            plain = open_connection((address, target.port), timeout=SEND_TIMEOUT_S)
        except OSError as error:
            failed = error
            continue
        if target.is_tls:
            return ssl.create_default_context().wrap_socket(plain, server_hostname=target.host)
        return plain
    raise failed


def _push(connection: socket.socket, publisher: RtmpPublisher) -> Exit:
    """Copy FLV to the connection, whose answers are read beside it."""
    reader, clock = FlvReader(), _Clock()
    try:
        while True:
            connection.sendall(publisher.data_to_send())
            ready, _, _ = select.select([0, connection.fileno()], [], [])
            if connection.fileno() in ready:
                _receive(connection, publisher)
            if 0 in ready:
                data = os.read(0, READ_BYTES)
                if not data:
                    return Exit.DONE
                for tag in reader.feed(data):
                    time_ms = clock.from_first_frame_ms(tag)
                    if time_ms is not None:
                        publisher.send_media(TagType(tag.kind), time_ms, tag.body)
    except (OSError, Malformed, PublishRefused):
        return Exit.BROKE_OFF


class _Clock:
    """Times of tags, counted from the first frame."""

    def __init__(self) -> None:
        self._begin: int | None = None

    def from_first_frame_ms(self, tag: Tag) -> int | None:
        """Return a tag's time; None: it is sound of before."""
        is_configuration = tag.body[1:2] == b"\0"
        if self._begin is None:
            if is_configuration:
                return 0
            self._begin = tag.timestamp_ms
        time_ms = tag.timestamp_ms - self._begin
        return max(0, time_ms) if is_configuration or time_ms >= 0 else None


def _receive(connection: socket.socket, publisher: RtmpPublisher) -> None:
    data = connection.recv(READ_BYTES)
    if not data:
        raise ConnectionError("closed by the target")
    publisher.receive(data)


def _line() -> bytes:
    line = b""
    while not line.endswith(b"\n") and len(line) < _GREETING_BYTES_MAX:
        piece = os.read(0, 1)
        if not piece:
            break
        line += piece
    return line


if __name__ == "__main__":
    os._exit(main())
