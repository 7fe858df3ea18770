"""Codecs of an SDP section: rtpmap, fmtp (RFC 8866 section 6), rtcp-fb (RFC 4585 section 4.2)."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Codec:
    """The codec of a stream. `name` is `H264`, `VP8` or `opus`."""

    name: str
    payload_type: int
    clock_hz: int
    parameters: str = ""  # the fmtp line's value
    feedback: tuple[str, ...] = field(default=(), compare=False)  # rtcp-fb of the offer

    @property
    def repairs(self) -> int | None:
        """Of `rtx` (RFC 4588 section 8.6): the payload type that it retransmits, `apt`."""
        value = self.parameter("apt")
        return int(value) if value.isdecimal() else None

    def parameter(self, name: str) -> str:
        """Return the value of a parameter; "" if it is missing."""
        for part in self.parameters.split(";"):
            key, _, value = part.strip().partition("=")
            if key == name:
                return value
        return ""

    @property
    def h264_profile(self) -> str:
        """The profile_idc of RFC 6184 section 8.1, as two lower-case hex digits."""
        return self.parameter("profile-level-id")[:2].lower() or "42"
