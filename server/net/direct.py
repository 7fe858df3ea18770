"""Requests that are answered before ASGI: those that thousands send for the same bytes.

Only plain ones: a GET whose head has nothing that asks for more than the target's bytes. All others
go to uvicorn's parser and the routes, which answer the same targets, too.
"""

from collections.abc import Callable
from functools import lru_cache

# Sends a whole answer, head and body; call it once, at any time. The client may be gone.
Reply = Callable[[bytes, bytes], None]
# Takes a target and how it is answered; False: the routes are to answer.
Direct = Callable[[bytes, Reply], bool]

_BEGINNING = b"GET /live/"
_END = b" HTTP/1.1\r\n"
_LONGEST_TARGET = 512
_KEPT_FIELDS_MAX = 2_048
_KEPT_FIELDS_BYTES_MAX = 1_024
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
    target, fields = head[4:end], head[end + len(_END) - 1 :]
    if b"\n" in target or b"\r" in target or b"\0" in target:
        return None
    known = _known_fields if len(fields) <= _KEPT_FIELDS_BYTES_MAX else _are_plain
    return target if known(fields) else None


def _are_plain(fields: bytes) -> bool:
    """Whether all fields, from the line break before the first one on, ask for nothing more."""
    lines = fields.count(b"\n")
    if fields.count(b"\r") != lines - 1 or fields.count(b"\r\n") != lines - 1 or b"\0" in fields:
        return False
    names = fields.lower().replace(_KEEP_ALIVE, b"")
    return b"\nhost:" in names and not any(name in names for name in _NOT_PLAIN)


# A player's requests differ in their target alone.
_known_fields = lru_cache(_KEPT_FIELDS_MAX)(_are_plain)
