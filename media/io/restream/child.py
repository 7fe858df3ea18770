"""The child process: a greeting and FLV on standard input, the same media by RTMP to a target.

It writes a line once the target has accepted the stream; its exit code says why it ended.
"""

import json
import os
import signal
import socket
from enum import IntEnum
from typing import Any

import av

from media.io.fed_child import lower_priority
from media.wire.rtmp_url import PushTarget, is_public

CONNECT_TIMEOUT_S = 20
ACCEPTED = b"accepted\n"
_GREETING_BYTES_MAX = 4_096


class Exit(IntEnum):
    """Why the child ended."""

    DONE = 0
    NO_SUCH_HOST = 10
    PRIVATE_ADDRESS = 11
    NOT_ACCEPTED = 12  # the target is not there, or refuses the key
    BROKE_OFF = 13


def greeting(target: PushTarget, *, private: bool) -> bytes:
    """Return what the child is to get first."""
    values = {"address": target.address, "key": target.key, "private": private}
    return json.dumps(values).encode() + b"\n"


def main() -> Exit:
    """Push until the input or the connection ends."""
    lower_priority()
    asked = json.loads(_line())
    target = PushTarget(asked["address"], asked["key"])
    refused = None if asked["private"] else _refused(target)
    if refused is not None:
        return refused
    signal.alarm(CONNECT_TIMEOUT_S)  # FFmpeg's own timeouts do not cover the handshake
    with open(0, "rb", buffering=0, closefd=False) as raw:
        source = av.open(raw, "r", format="flv", options={"analyzeduration": "1000000"})
        try:
            sink = av.open(
                target.url, "w", format="flv", options={"flvflags": "no_duration_filesize"}
            )
            outs = {
                stream.index: sink.add_stream_from_template(stream)
                for stream in source.streams
                if stream.type in ("video", "audio")
            }
            sink.start_encoding()
        except (av.FFmpegError, OSError):
            return Exit.NOT_ACCEPTED
        signal.alarm(0)
        os.write(1, ACCEPTED)
        try:
            _copy(source, sink, outs)
        except (av.FFmpegError, OSError):
            return Exit.BROKE_OFF
    return Exit.DONE


def _copy(source: Any, sink: Any, outs: dict[int, Any]) -> None:
    begin: int | None = None
    for packet in source.demux():
        if packet.dts is None or packet.pts is None or packet.stream.index not in outs:
            continue
        begin = packet.dts if begin is None else begin  # milliseconds, of both streams
        if packet.dts >= begin:
            packet.dts, packet.pts = packet.dts - begin, packet.pts - begin
            packet.stream = outs[packet.stream.index]
            sink.mux(packet)


def _refused(target: PushTarget) -> Exit | None:
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return Exit.NO_SUCH_HOST
    addresses = {str(info[4][0]) for info in found}
    return None if all(map(is_public, addresses)) else Exit.PRIVATE_ADDRESS


def _line() -> bytes:
    line = b""
    while not line.endswith(b"\n") and len(line) < _GREETING_BYTES_MAX:
        piece = os.read(0, 1)
        if not piece:
            break
        line += piece
    return line


if __name__ == "__main__":
    os._exit(main())  # what FFmpeg still has open need not be closed in order
