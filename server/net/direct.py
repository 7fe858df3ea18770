"""Requests that are answered before ASGI: those that thousands send for the same bytes.

Only plain ones: a GET whose head has nothing that asks for more than the target's bytes. All others
go to uvicorn's parser and the routes, which answer the same targets, too.
"""

from collections.abc import Callable

# Sends a whole answer, head and body; call it once, at any time. The client may be gone.
Reply = Callable[[bytes, bytes], None]
# Takes a target and how it is answered; False: the routes are to answer.
Direct = Callable[[bytes, Reply], bool]

_BEGINNING = b"GET /live/"
_END = b" HTTP/1.1\r\n"
_LONGEST_TARGET = 512
# Fields with which a request has a body, wants something else, or shows who sends it.
_NOT_PLAIN = (
    b"\nauthorization",
    b"\nconnection",
    b"\ncontent-length",
    b"\nexpect",
    b"\nif-",
    b"\nrange",
    b"\ntransfer-encoding",
    b"\nupgrade",
)
_KEEP_ALIVE = b"\nconnection: keep-alive\r"


def plain_get(head: bytes) -> bytes | None:
    """Return the target of a request whose whole head this is; None: it is not a plain GET."""
    if not head.startswith(_BEGINNING):
        return None
    end = head.find(_END, 0, _LONGEST_TARGET)
    if end < 0:
        return None
    lines = head.count(b"\n")
    if head.count(b"\r") != lines or head.count(b"\r\n") != lines or b"\0" in head:
        return None
    fields = head[end + len(_END) - 1 :].lower().replace(_KEEP_ALIVE, b"")
    if b"\nhost:" not in fields or any(name in fields for name in _NOT_PLAIN):
        return None
    return head[4:end]
