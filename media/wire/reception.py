"""Reception statistics of a source (RFC 3550 section 6.4.1)."""

from typing import NamedTuple


class Reception(NamedTuple):
    """The values of one RTCP report block."""

    ssrc: int
    fraction_lost: int  # of 256, since the last report
    packets_lost: int
    highest_sequence: int
    jitter: int  # RTP ticks
    last_report: int  # the middle 32 bits of the newest sender report's NTP time
    since_last_report: int  # 1/65536 s
