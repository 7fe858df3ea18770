"""Codecs of an SDP section: rtpmap, fmtp (RFC 8866 section 6), rtcp-fb (RFC 4585 section 4.2)."""

import base64
import binascii
from dataclasses import dataclass, field, replace

PARAMETER_SETS_MAX = 16
PARAMETER_SET_CHARS_MAX = 1_600


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

    def with_parameter(self, name: str, value: str) -> "Codec":
        """Return the codec with a parameter set; an equal one stays as it was offered."""
        if self.parameter(name) == value:
            return self
        others = [part for part in self.parameters.split(";") if part.partition("=")[0] != name]
        return replace(self, parameters=";".join([*filter(None, others), f"{name}={value}"]))

    @property
    def parameter_sets(self) -> tuple[bytes, ...]:
        """The NAL units of `sprop-parameter-sets` (RFC 6184 section 8.1) that can be read."""
        found = []
        for text in self.parameter("sprop-parameter-sets").split(",")[:PARAMETER_SETS_MAX]:
            try:
                unit = base64.b64decode(text[: PARAMETER_SET_CHARS_MAX + 1], validate=True)
            except (binascii.Error, ValueError):
                continue
            if len(unit) > 1 and len(text) <= PARAMETER_SET_CHARS_MAX:
                found.append(unit)
        return tuple(found)

    @property
    def is_stereo(self) -> bool:
        """Whether an offer of Opus is to send stereo (RFC 7587 section 6.1)."""
        return "1" in (self.parameter("sprop-stereo"), self.parameter("stereo"))

    @property
    def h264_profile(self) -> str:
        """The profile_idc of RFC 6184 section 8.1, as two lower-case hex digits."""
        return self.parameter("profile-level-id")[:2].lower() or "42"
