"""What one request and one connection may take of this worker."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """What one request and one connection may take."""

    line_bytes_max: int = 8 * 1024
    head_bytes_max: int = 32 * 1024
    fields_max: int = 100
    head_s_max: float = 10.0
    body_grace_s: float = 20.0
    body_bytes_per_s_min: float = 500.0
    """The least rate of a body once its grace is over, on average."""
    idle_s_max: float = 30.0
    unread_s_max: float = 30.0
    """How long a client may read nothing of an answer that is larger than all buffers."""
    linger_s: float = 2.0
    linger_bytes: int = 256 * 1024
    """How long and how much is still read and thrown away after a refusal, so that the client can
    read it: closing at once would reset the connection under it (RFC 9112 section 9.6)."""


DEFAULT_LIMITS = RequestLimits()
