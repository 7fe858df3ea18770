"""What can go wrong in media, as one tree.

MediaError
├── BadOffer        an SDP offer that cannot be answered, with the reason
├── BadFragment     a trickle ICE fragment that cannot be read, with the reason
├── StaleIce        a change to ICE credentials that are no longer in use
├── NotLive         no host publishes in the room now
├── Busy            another host publishes in the room
├── Full            a limit of this worker is reached
├── NoSuchSession   the session is over or never was
│   └── TakenOver   it is over: another host publishes in its place
├── Unresolvable    a candidate's address is none, nor a name that resolves
├── NoSuchLayer     the live has no such simulcast layer
├── NotForwarded    the live's video has B-frames, which WebRTC viewers cannot be shown
├── NotPackaged     the live's video has no place in the container that was asked for
├── NoSuchBlob      the blob store has nothing under that key
├── BlobsAway       the blob store cannot be reached now
├── BadTarget       an address or key to which no live can be pushed, with the reason
├── PublishRefused  another platform does not take a stream, with its code
├── TooManyAttempts an address tries stream keys too often
└── Malformed       bytes from the network that break their format
    ├── MalformedStun
    ├── MalformedRtp
    ├── MalformedRtmp
    ├── MalformedFlv
    └── MalformedHop
"""


class MediaError(Exception):
    """Root of the tree."""


class BadOffer(MediaError):
    """An offer that cannot be answered. Not `well_formed`: 400, else 422."""

    def __init__(self, reason: str, *, well_formed: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.well_formed = well_formed


class BadFragment(MediaError):
    """A trickle ICE fragment that cannot be read or taken. Not `well_formed`: 400, else 422."""

    def __init__(self, reason: str, *, well_formed: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.well_formed = well_formed


class StaleIce(MediaError):
    """The change names ICE credentials that are no longer in use."""


class NotLive(MediaError):
    """No host publishes in the room; retry after `retry_after_s`."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(retry_after_s)
        self.retry_after_s = retry_after_s


class Busy(MediaError):
    """Another host publishes in the room; a standby host retries after `retry_after_s`."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(retry_after_s)
        self.retry_after_s = retry_after_s


class Full(MediaError):
    """A limit of this worker is reached; retry after `retry_after_s`."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(retry_after_s)
        self.retry_after_s = retry_after_s


class NoSuchSession(MediaError):
    """The session is over or never was."""


class TakenOver(NoSuchSession):
    """The host's session is over: another host publishes in its place."""


class Unresolvable(MediaError):
    """A candidate's address is neither an IP address nor a name that resolves."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class NoSuchLayer(MediaError):
    """The live has no such simulcast layer."""


class NotForwarded(MediaError):
    """The live's video has B-frames: WebRTC shows frames in the order in which they come."""


class NotPackaged(MediaError):
    """The live's video is of a codec that the container does not take."""


class NoSuchBlob(MediaError):
    """The blob store has nothing under that key."""


class BlobsAway(MediaError):
    """The blob store cannot be reached, or does not take it, now."""


class BadTarget(MediaError):
    """No live can be pushed there."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class PublishRefused(MediaError):
    """Another platform does not take a stream."""

    def __init__(self, code: str, description: str = "") -> None:
        super().__init__(code, description)
        self.code = code
        self.description = description


class TooManyAttempts(MediaError):
    """An address tries stream keys more often than anybody mistypes one."""


class Malformed(MediaError):
    """Bytes from the network that break their format."""


class MalformedStun(Malformed):
    """Not a STUN message of RFC 8489."""


class MalformedRtp(Malformed):
    """Not an RTP packet of RFC 3550."""


class MalformedRtmp(Malformed):
    """Not RTMP 1.0 or AMF0, or beyond a limit."""


class MalformedFlv(Malformed):
    """Not a body of an FLV audio or video tag."""


class MalformedHop(Malformed):
    """Not a packet of the hop between two workers, or one of another version."""
